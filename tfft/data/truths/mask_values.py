"""The classes that the values of masks stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfft.conventions import IGNORED
from tfft.errors import ConfigError, DataError, listed

MOST_CLASSES = IGNORED - 1
"""Every class has a smaller index than ignored pixels."""


USUAL_CLASSES = 64
"""If classes are not named, more values than this come from soft edges or JPEG compression, not from classes."""


@dataclass(frozen=True)
class Ids:
    """The classes that the values of masks stand for."""

    names: tuple[tuple[int, str], ...] = ()
    """Value and name of each class; empty to take every value as a class named after it."""
    ignored: tuple[int, ...] | None = None
    """Values of ignored pixels; None to ignore 255 if it has no name and there are at least two other values."""

    @classmethod
    def of(cls, classes: Mapping[str, str], ignore: tuple[int, ...] | None) -> Ids:
        """The classes as given by flags.

        Args:
            classes: Names of the values, as `{"1": "road"}`; several values may share a name.
            ignore: Values of ignored pixels, see `ignored`.

        Raises:
            ConfigError: If a value is not from 0 to 255, is named twice, or is both named and ignored.
        """
        try:
            names = tuple(sorted((int(value), str(name)) for value, name in classes.items()))
        except ValueError:
            names = ((-1, ""),)
        if any(not 0 <= value <= 255 for value in (*(value for value, _ in names), *(ignore or ()))):
            raise ConfigError(
                f"Values of masks must be whole numbers from 0 to 255 (got classes {dict(classes)}, ignore {ignore})",
                fix='`--classes \'{"1": "road", "2": "car"}\' --ignore 255`',
            )
        if len(dict(names)) < len(names):  # "1" and "01"
            raise ConfigError(f"Classes name a value of masks twice: {dict(classes)}", fix="Remove one of the names")
        if len(set(dict(names).values())) > MOST_CLASSES:
            raise ConfigError(
                f"Masks can have at most {MOST_CLASSES} classes (got {len(names)} names)",
                fix="Give several values the same name",
            )
        if both := [value for value, _ in names if value in (ignore or ())]:
            raise ConfigError(
                f"Values of masks are in both classes and ignore: {listed(both)}",
                fix="Remove them from one of the two",
            )
        return cls(names, ignore)


def class_table(
    ids: Ids, values: dict[int, set[int]], failed: dict[int, str], where: Sequence[str]
) -> tuple[list[int | None], list[str]]:
    """For each value the index of its class, `IGNORED`, or None if it has no name; and the names of the classes.

    Args:
        ids: The classes as given.
        values: By position, the values in each mask; those of masks with soft edges are removed.
        failed: By position, why a mask cannot be used; reasons are added.
        where: By position, the origin of the picture.

    Raises:
        DataError: If the values cannot be classes, or there are fewer than two classes.
    """
    if not ids.names:
        for index in [index for index, of_mask in values.items() if len(of_mask) > USUAL_CLASSES]:
            failed[index] = (
                f"its mask has {len(values.pop(index))} different values, probably from soft edges; "
                "save it without them, or name the classes with `--classes`"
            )
    table, labels = _class_table(ids, {where[index]: of_mask for index, of_mask in values.items()})
    for index, of_mask in values.items():
        if unknown := sorted(value for value in of_mask if table[value] is None):
            failed[index] = f"its mask has the values {listed(unknown)}, which `--classes` does not name"
    return table, labels


def _class_table(ids: Ids, values: Mapping[str, set[int]]) -> tuple[list[int | None], list[str]]:
    """For each value the index of its class, `IGNORED`, or None if it has no name; and the names of the classes.

    Args:
        ids: The classes as given.
        values: The values in each mask, by the origin of its picture.

    Raises:
        DataError: If the values cannot be classes, or there are fewer than two classes.
    """
    present = set().union(*values.values())
    ignored = ids.ignored
    if ignored is None:
        ignored = (IGNORED,) if len(present - {IGNORED}) >= 2 and IGNORED not in dict(ids.names) else ()
    names = dict(ids.names) or {value: str(value) for value in sorted(present - set(ignored))}
    if not ids.names and len(names) > USUAL_CLASSES:
        most = max(values, key=lambda where: len(values[where]))
        raise DataError(
            f"Masks have {len(names)} different values, too many for classes, "
            f"most of them ({len(values[most])}) in the mask of {most}",
            fix='Save masks as PNG without soft edges, or name the classes: `--classes \'{"1": "road", "2": "car"}\'`',
        )
    if len(set(names.values())) < 2 and present:  # if no mask decodes, each one is reported elsewhere
        raise DataError(
            f"Masks need at least two classes (got {listed(names.values()) or 'none'}; "
            f"ignored: {listed(ignored) or 'none'})",
            fix="Check `--masks`, `--classes` and `--ignore`",
        )
    labels = list(dict.fromkeys(names.values()))
    table: list[int | None] = [None] * 256
    for value, name in names.items():
        table[value] = labels.index(name)
    for value in ignored:
        table[value] = IGNORED
    return table, labels
