"""The trials of a search: a table, and a page that shows what mattered."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Plot

from tfft import files
from tfft.reporting.figures import svg_uri
from tfft.reporting.plots import as_svg, plain
from tfft.reporting.rendering import rendered

COLUMNS = 3
"""Plots beside each other."""
FACTOR = 20
"""Ratio of the largest to the smallest value from which on an axis is logarithmic."""


def write_trials(rows: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Writes `trials.csv`, a row for each trial."""
    files.write_csv(folder / "trials.csv", rows)


def write_search(
    about: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], best: int, shares: Mapping[str, float], folder: Path
) -> None:
    """Writes `search.html`.

    Args:
        about: The content of `search.json`: recipe, space, monitored score and its direction.
        rows: Those of `trials.csv`, in the order of the trials.
        best: Index of the best.
        shares: By setting its share in the differences between the scores; may be empty.
        folder: That of the search.
    """
    monitor, settings = about["monitor"], list(about["space"])
    scored = [row for row in rows if row[monitor] is not None]
    plots = {
        f"{monitor} over the trials": score_over_trials(scored, monitor, about["mode"]),
        f"{monitor} over each setting": slices(scored, monitor, about["space"], rows[best]),
    }
    if shares:
        plots["Share of each setting in the differences between the scores"] = bars(shares)
    uris = {title: svg_uri(plot) for title, plot in plots.items()}
    values = {"about": about, "rows": rows, "best": rows[best], "settings": settings, "monitor": monitor}
    files.write_text(folder / "search.html", rendered("search.html.jinja", **values, plots=uris))


def score_over_trials(rows: Sequence[Mapping[str, Any]], monitor: str, mode: str) -> str:
    """The score of each trial and the best so far, as SVG; trials that were stopped early are hollow."""
    figure = Plot(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    for state, fill in (("finished", "C0"), ("stopped", "none")):
        points = [(row["trial"], row[monitor]) for row in rows if row["state"] == state]
        if points:
            axes.scatter(*zip(*points, strict=True), facecolors=fill, edgecolors="C0", label=state)
    usable = [row for row in rows if row["state"] in ("finished", "stopped")]
    best = list(itertools.accumulate((row[monitor] for row in usable), max if mode == "max" else min))
    axes.step([row["trial"] for row in usable], best, where="post", color="grey", linewidth=1, label="best so far")
    axes.set_xlabel("trial")
    axes.set_ylabel(monitor)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    return as_svg(figure)


def slices(
    rows: Sequence[Mapping[str, Any]],
    monitor: str,
    space: Mapping[str, Sequence[Any]],
    best: Mapping[str, Any],
) -> str:
    """The score over the values of each setting, a dot for each trial, the best in red, as SVG."""
    lines = -(-len(space) // COLUMNS)
    figure = Plot(figsize=(3.6 * COLUMNS, 2.6 * lines), layout="constrained")
    every = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    for axes, name in itertools.zip_longest(every, space):
        if name is None:
            axes.axis("off")
            continue
        numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in space[name])
        places = [row[name] if numbers else plain(str(row[name])) for row in rows]
        axes.scatter(places, [row[monitor] for row in rows], s=14, alpha=0.7)
        for place, row in zip(places, rows, strict=True):
            if row is best:
                axes.scatter([place], [row[monitor]], s=40, color="C3")
        if numbers and min(space[name]) > 0 and max(space[name]) / min(space[name]) >= FACTOR:
            axes.set_xscale("log")
            axes.set_xlim(min(space[name]) / 1.2, max(space[name]) * 1.2)  # within a decade, labels would overlap
        elif numbers and all(isinstance(value, int) for value in space[name]):
            axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel(name)
    return as_svg(figure)


def bars(shares: Mapping[str, float]) -> str:
    """Shares by name, the largest on top, as SVG."""
    figure = Plot(figsize=(7, 0.32 * len(shares) + 0.8), layout="constrained")
    axes = figure.subplots()
    axes.barh([*shares][::-1], [*shares.values()][::-1])
    axes.set_xlim(0, 1)
    return as_svg(figure)
