"""The one shape of a sentence to the person: the problem, where it is, what to type next."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable


class TfftError(ValueError):
    """A mistake or a fault that the person can do something about.

    Args:
        problem: What is wrong, and where: the file, the row, the flag. A sentence without its full stop.
        fix: What to type or change next, as one sentence without its full stop.
    """

    exit_code = 1

    def __init__(self, problem: str, *, received: object = None, fix: str | None = None):
        parts = [problem.rstrip(".") + "."]
        if received is not None:
            parts.append(f"Received: {str(received).rstrip('.')}.")
        if fix is not None:
            parts.append(fix.rstrip(".") + ".")
        super().__init__(" ".join(parts))


class ConfigError(TfftError):
    """A choice that cannot work: a flag, a name, a range, files that contradict a flag."""

    exit_code = 2


class DataError(TfftError):
    """The person's data cannot be trained on as it is."""

    exit_code = 3


class MachineError(TfftError):
    """The machine refuses: disk, permission, network, a missing package."""

    exit_code = 4


class DivergedError(TfftError):
    """The loss became NaN or infinite."""

    exit_code = 5


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """Names the `count` known names that look most like `name`: `"'ResNet50', 'ResNet50V2'"`."""
    known = list(known)
    by_lower = {entry.lower(): entry for entry in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.3)
    return ", ".join(repr(by_lower[entry]) for entry in close) or listed(map(repr, known)) or "none"


def check_range(
    name: str, value: float, *, least: float | None = None, above: float | None = None, below: float | None = None,
    most: float | None = None, fix: str | None = None,
) -> None:  # fmt: skip
    """Raises `ConfigError` unless a number is at least `least`, above `above`, below `below` and at most `most`."""
    bounds = {"at least": least, "above": above, "below": below, "at most": most}
    fits = (
        (least is None or value >= least)
        and (above is None or value > above)
        and (below is None or value < below)
        and (most is None or value <= most)
    )
    if not fits:
        wanted = " and ".join(f"{words} {_number(bound)}" for words, bound in bounds.items() if bound is not None)
        raise ConfigError(f"`{name}` must be {wanted} (got {_number(value)})", fix=fix)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def printable(text: object) -> str:
    """A stranger's text (a file, a class) without control characters, which would steer a terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text))


def listed(entries: Iterable[object], most: int = 20) -> str:
    """Joins entries with commas and says how many more there are beyond `most`."""
    entries = [str(entry) for entry in entries]
    rest = len(entries) - most
    return ", ".join(entries[:most]) + (f" and {rest} more" if rest > 0 else "")
