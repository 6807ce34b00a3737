"""What the values of masks mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tfft.conventions import IGNORED
from tfft.errors import ConfigError, DataError, listed

MOST_CLASSES = IGNORED - 1
"""Each has an index below that of pixels that do not count."""


USUAL_CLASSES = 64
"""More values than this in masks whose classes are not named are no classes, but soft edges or a JPEG."""


@dataclass(frozen=True)
class Ids:
    """What the values of masks mean."""

    names: tuple[tuple[int, str], ...] = ()
    """Value and name of each class; empty: the values that are found, named by themselves."""
    ignored: tuple[int, ...] | None = None
    """Values of pixels that count for nothing; None: 255, where it has no name and there are two other values."""

    @classmethod
    def of(cls, classes: Mapping[str, str], ignore: tuple[int, ...] | None) -> Ids:
        """What a person says of them.

        Raises:
            ConfigError: If these are no values of a mask, or one is two things.
        """
        try:
            names = tuple(sorted((int(value), str(name)) for value, name in classes.items()))
        except ValueError:
            names = ((-1, ""),)
        if any(not 0 <= value <= 255 for value in (*(value for value, _ in names), *(ignore or ()))):
            raise ConfigError(
                "Values of masks are whole numbers from 0 to 255",
                received=f"classes {dict(classes)}, ignore {ignore}",
                fix='`--classes \'{"1": "road", "2": "car"}\' --ignore 255`',
            )
        if len(dict(names)) < len(names):  # "1" and "01"
            raise ConfigError(
                "Each value of masks is named once", received=f"classes {dict(classes)}", fix="Leave one of them out"
            )
        if len(set(dict(names).values())) > MOST_CLASSES:
            raise ConfigError(
                f"Masks have at most {MOST_CLASSES} classes",
                received=f"{len(names)} names in classes",
                fix="Give several values one name",
            )
        if both := [value for value, _ in names if value in (ignore or ())]:
            raise ConfigError(
                "A value of masks is either a class or ignored",
                received=f"{listed(both)} in classes and ignore",
                fix="Leave it out of one of them",
            )
        return cls(names, ignore)


def _meaning(ids: Ids, values: Mapping[str, set[int]]) -> tuple[list[int | None], list[str]]:
    """By value the index of its class, `IGNORED`, or None for one that nobody has named; and the names.

    Args:
        ids: What a person says of them.
        values: Those of each mask, by the place of its picture.
    """
    found = set().union(*values.values())
    ignored = ids.ignored
    if ignored is None:
        ignored = (IGNORED,) if len(found - {IGNORED}) >= 2 and IGNORED not in dict(ids.names) else ()
    names = dict(ids.names) or {value: str(value) for value in sorted(found - set(ignored))}
    if not ids.names and len(names) > USUAL_CLASSES:
        most = max(values, key=lambda where: len(values[where]))
        raise DataError(
            "The values of masks are numbers of classes",
            received=f"{len(names)} different values, most of them ({len(values[most])}) in the mask of {most}",
            fix='Save masks as PNG without soft edges, or name the classes: `--classes \'{"1": "road", "2": "car"}\'`',
        )
    if len(set(names.values())) < 2 and found:  # nothing is found if no mask decodes, which is said of each
        raise DataError(
            "Masks have at least two classes",
            received=f"{listed(names.values()) or 'none'} (ignored: {listed(ignored) or 'none'})",
            fix="Check `--masks`, `--classes` and `--ignore`",
        )
    labels = list(dict.fromkeys(names.values()))
    table: list[int | None] = [None] * 256
    for value, name in names.items():
        table[value] = labels.index(name)
    for value in ignored:
        table[value] = IGNORED
    return table, labels
