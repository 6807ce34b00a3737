"""What an audit finds odd about examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CHECKS = {
    "unreadable": "cannot be read",
    "contradiction": "equal to another example with another label",
    "leak": "equal, or nearly so, to an example of another split",
    "duplicate": "equal to another example",
    "near-duplicate": "nearly equal to another example",
    "dark": "very dark",
    "bright": "overexposed",
    "blurred": "blurred",
    "flat": "almost without content",
    "odd shape": "very long or very tall",
    "odd size": "much smaller or larger than the others",
    "grey": "grey among pictures in colour",
    "rotated": "turned by an EXIF flag, which other programs may ignore",
    "bad mask": "a mask that cannot be used",
    "empty mask": "one class everywhere, where other masks have several",
    "tiny box": "a box too small to learn from",
    "huge box": "a box around nearly everything",
    "doubled box": "two boxes of a class in the same place",
    "box outside": "a box that reached beyond its picture",
    "empty": "without text",
    "cut": "ends in the middle, at the length at which others end",
    "short": "much shorter than the others",
    "long": "much longer than the others",
    "other script": "in another script than the others",
    "rare class": "a class with few examples",
}
"""What is checked, the most serious first, and what it means."""


@dataclass(frozen=True)
class Finding:
    """Something odd about one example."""

    check: str
    """One of `CHECKS`."""
    where: str
    """Origin of the example; of a rare class its name."""
    detail: str = ""


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """The findings by check, the most serious first."""
    place = {check: number for number, check in enumerate(CHECKS)}
    return sorted(findings, key=lambda finding: place[finding.check])


def audit_summary(findings: Sequence[Finding]) -> dict[str, int]:
    """The number of findings of each check that has any."""
    counts = Counter(finding.check for finding in findings)
    return {check: counts[check] for check in CHECKS if counts[check]}


def audit_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The content of `audit.json`."""
    rows = [{"check": one.check, "example": one.where, "detail": one.detail} for one in findings]
    return {
        "counts": audit_summary(findings),
        "meaning": {check: CHECKS[check] for check in audit_summary(findings)},
        "findings": rows,
    }
