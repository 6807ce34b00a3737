"""The report of a run: numbers as JSON and CSV, and an HTML page that loads nothing from elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from tfft import files, runs
from tfft.data.examples import Splits
from tfft.evaluation import Scores
from tfft.reporting import plots
from tfft.reporting.figures import Figure, Shown, svg_uri
from tfft.reporting.rendering import rendered
from tfft.reporting.screen import backbone_in_words, trains_on
from tfft.training.advice import Probe
from tfft.training.parts import parts_notes
from tfft.training.plan import Plan
from tfft.training.recording import History


def write_skipped(splits: Splits, folder: Path) -> None:
    """Writes `skipped.csv` if examples were left out; else removes that of an earlier attempt."""
    path, rows = folder / "skipped.csv", [{"example": where, "reason": reason} for where, reason in splits.skipped]
    if rows:
        files.write_csv(path, rows)
    else:
        path.unlink(missing_ok=True)


def write_report(
    run: runs.Run,
    plan: Plan,
    history: History,
    scores: Scores,
    figures: Sequence[Figure],
) -> None:
    """Writes `report.json` and `report.html`.

    Args:
        run: The run; the files are written into its folder.
        plan: The plan, with the model and the data.
        history: The numbers of each epoch.
        scores: Scores by split.
        figures: Figures to show after the learning curves.
    """
    splits = plan.splits
    probe = None if history.probe is None else Probe(**history.probe)
    # the configuration is in config.json only
    report = {
        "recipe": run.page.name,
        "backbone": backbone_in_words(run.config),
        "scores": scores,
        "best_epoch": history.best_row,
        "seed": run.config.seed,
        "seconds": run.seconds,
        "versions": runs.versions(),
        "labels": splits.labels,
        "examples": {name: len(examples) for name, examples in splits.items()},
        "counts": splits.counts(),
        "notes": [*splits.notes, *plan.notes, *history.notes, *parts_notes(history.parts, plan.batch_size)],
        "probe": None if probe is None else {**history.probe, "in_words": probe.in_words},
        "advice": [{**dataclasses.asdict(one), "in_words": one.in_words} for one in plan.advice(probe)],
        "phases": [
            {
                "name": planned.name,
                **dataclasses.asdict(planned.phase),
                "learning_rate": history.rates.get(planned.name, planned.phase.learning_rate),
                "trained_parameters": planned.trained,
                "frozen_parameters": planned.frozen,
                "trains_on": trains_on(plan, planned),
                "views": "fresh" if planned.views is None else planned.views,
            }
            for planned in plan.phases
        ],
    }
    curves = Figure("Learning curves", [Shown(svg_uri(plots.learning_curves(history)), "")])
    files.write_json(run.folder / "report.json", report)
    figures = [curves, *figures]
    page = rendered("report.html.jinja", report=report, config=runs.as_json(run.config), figures=figures)
    files.write_text(run.folder / runs.FINISHED, page)
