"""The choice of a backbone: a table, and a page with scores against the time for a picture or text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Plot

from tfft import files
from tfft.reporting.figures import svg_uri
from tfft.reporting.plots import as_svg, plain
from tfft.reporting.rendering import rendered
from tfft.reporting.screen import show_rows
from tfft.reporting.trials import FACTOR

PARTS = {"last_block": "last", "all_blocks": "all", "neighbours": "k-NN"}
"""Scores of one backbone, of heads that see its last block, or all of them, and of nearest neighbours; and columns."""


def write_choice_table(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Writes `choice.csv`, a row for each backbone."""
    files.write_csv(folder / "choice.csv", rows)


def write_choice(recipe: str, command: str, rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Writes `choice.csv` and `choice.html`.

    Args:
        recipe: Its name.
        command: What to type for a run with the best backbone.
        rows: The best first; at least one has a score.
        folder: An existing folder.
    """
    write_choice_table(rows, folder)
    plot = svg_uri(scores_over_time([row for row in rows if row["score"] is not None]))
    page = rendered("choice.html.jinja", recipe=recipe, command=command, rows=rows, plot=plot)
    files.write_text(folder / "choice.html", page)


def show_choice(rows: Sequence[Mapping[str, Any]]) -> None:
    """Prints the backbones that have a score, in their order, within 80 columns for names of usual length."""
    show_rows([_on_screen(row) for row in rows if row["score"] is not None])


def _on_screen(row: Mapping[str, Any]) -> dict[str, str]:
    sides = row["input"].split(" x ")
    return {
        "backbone": Path(row["backbone"]).name,
        "score>": f"{row['score']:.3f}",
        **{f"{short}>": f"{row[name]:.3f}" for name, short in PARTS.items()},
        "ms>": f"{row['milliseconds']:.1f}",
        "seconds>": f"{row['storing'] + row['solving']:.0f}",
        "params>": f"{row['parameters'] / 1e6:.1f}M",
        "adds>": f"{row['multiply_adds'] / 1e6:,.0f}M",
        "input>": sides[0] if len({*sides}) == 1 else row["input"],
    }


def scores_over_time(rows: Sequence[Mapping[str, Any]]) -> str:
    """The score of each backbone over its milliseconds for a picture or text, the best in red, as SVG."""
    figure = Plot(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    times = [row["milliseconds"] for row in rows]
    for number, row in enumerate(rows):
        place = (row["milliseconds"], row["score"])
        axes.scatter(*place, color="C3" if number == 0 else "C0")
        name = plain(Path(row["backbone"]).name)
        # the names of slow ones to the left, inside the frame
        side, shift = ("left", 4) if place[0] <= sum(times) / len(times) else ("right", -4)
        axes.annotate(name, place, xytext=(shift, 4), textcoords="offset points", fontsize=8, ha=side)
    if min(times) > 0 and max(times) / min(times) >= FACTOR:
        axes.set_xscale("log")
    axes.margins(0.15)
    axes.set_xlabel("milliseconds for one example")
    axes.set_ylabel(rows[0]["monitor"])
    return as_svg(figure)
