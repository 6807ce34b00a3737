"""Runs side by side in the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from tfft.reporting.tables import shown, table_of
from tfft.reporting.words import named

SURE = 0.05
"""Below this p, a difference is called sure."""


def show_contest(contest: Any) -> None:
    """Prints the scores of runs on the same examples, how the others differ from the first, and their settings.

    Args:
        contest: A `Contest` of `tfft.serving`.
    """
    console = Console()
    first, *others = contest.scores
    scores = [
        name
        for name, value in first.items()
        if isinstance(value, float) and all(isinstance(other.get(name), float) for other in others)
    ]
    table = table_of("run", *(f"{named(score)}>" for score in scores))
    for name, values, intervals in zip(contest.names, contest.scores, contest.intervals, strict=True):
        cells = (
            f"{values[score]:.4f} ({intervals[score][0]:.3f} to {intervals[score][1]:.3f})"
            if score in intervals
            else f"{values[score]:.4f}"
            for score in scores
        )
        table.add_row(shown(name), *cells)
    console.print(table)
    for name, found in zip(contest.names[1:], contest.differences, strict=True):
        for score, one in found.items():
            sure = "sure" if one.p < SURE else "may be chance"
            width = f"95 % interval {one.low:+.4f} to {one.high:+.4f}, p {one.p:.3f}"
            console.print(shown(f"{name} less {contest.names[0]}: {named(score)} {one.value:+.4f} ({width}): {sure}"))
    settings = table_of("setting", *contest.names)
    for name in contest.settings[0]:
        settings.add_row(shown(name), *(shown(one[name]) for one in contest.settings))
    if contest.settings[0]:
        console.print(settings)
    console.print(shown(f"{contest.examples:,} examples, new to all runs"))
