"""The report of a run: numbers as JSON and CSV, and an HTML page that loads nothing from elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tfft import files, runs
from tfft.data import audit_json, audit_summary
from tfft.data.examples import Splits
from tfft.evaluation import Evaluation, Verdict, verdicts
from tfft.reporting import plots
from tfft.reporting.doubts import audit_figure, suspect_figure
from tfft.reporting.figures import Figure, Shown, svg_uri
from tfft.reporting.rendering import rendered, script
from tfft.reporting.screen import backbone_in_words, show_scores, trains_on
from tfft.reporting.words import SPLITS, named, number, used_for, verdict
from tfft.settings import as_command
from tfft.training.advice import Probe
from tfft.training.parts import parts_notes
from tfft.training.plan import Plan
from tfft.training.recording import History
from tfft.training.reuse import reused
from tfft.training.suspect_boxes import all_suspects
from tfft.training.suspects import Suspect

AUDIT = "audit.json"
"""What is odd about the data."""
SUSPECTS = "suspects.csv"
"""Examples whose labels are probably wrong."""


def write_skipped(splits: Splits, folder: Path) -> None:
    """Writes `audit.json`, and `skipped.csv` if examples were left out; else removes that of an earlier attempt."""
    files.write_json(folder / AUDIT, audit_json(splits.findings))
    path, rows = folder / "skipped.csv", [{"example": where, "reason": reason} for where, reason in splits.skipped]
    if rows:
        files.write_csv(path, rows)
    else:
        path.unlink(missing_ok=True)


def write_report(
    run: runs.Run,
    plan: Plan,
    history: History,
    scored: Evaluation,
    figures: Sequence[Figure],
) -> list[Verdict]:
    """Writes `report.json`, `report.html` and `model_card.md`, and prints the scores.

    Args:
        run: The run; the files are written into its folder.
        plan: The plan, with the model and the data.
        history: The numbers of each epoch.
        scored: The evaluation.
        figures: Figures to show after the learning curves.

    Returns:
        For each condition of `accept` whether the model meets it.
    """
    last = list(scored.scores)[-1]
    accept, intervals = getattr(run.config, "accept", ()), scored.intervals.get(last, {})
    given = verdicts(accept, last, scored.scores[last], intervals)
    doubted = all_suspects(plan, scored)
    report = _report(run, plan, history, scored, given, doubted)
    (run.folder / SUSPECTS).unlink(missing_ok=True)  # of an earlier attempt
    if doubted:
        files.write_csv(run.folder / SUSPECTS, [suspect.row for suspect in doubted])
        figures = [*figures, suspect_figure(splits=plan.splits, doubted=doubted)]
    if plan.splits.findings:
        figures = [*figures, audit_figure(plan.splits)]
    plotted = [
        Shown(svg_uri(plots.learning_curve(history, name)), f"{named(name)} over the epochs")
        for name in history.metrics
    ]
    words = {"report": report, "verdict": verdict(report), "named": named, "number": number, "split_names": SPLITS}
    page = rendered(
        "report.html.jinja",
        **words,
        config=runs.as_json(run.config),
        figures=[*figures, Figure("Learning curves", plotted, small=False)],
        **script("report.js"),
    )
    about = {"last": last, "wide": intervals, **used_for(report["labels"], scored.task)}
    card = rendered("model_card.md.jinja", **words, **about)
    files.write_json(run.folder / "report.json", report)
    files.write_text(run.folder / "model_card.md", card)
    files.write_text(run.folder / runs.FINISHED, page)
    show_scores(report, given, run.folder)
    return given


def _report(
    run: runs.Run,
    plan: Plan,
    history: History,
    scored: Evaluation,
    given: Sequence[Verdict],
    doubted: Sequence[Suspect],
) -> dict[str, Any]:
    """The content of `report.json`; the configuration is in config.json only."""
    splits = plan.splits
    probe = None if history.probe is None else Probe(**history.probe)
    notes = [*splits.notes, *plan.notes, *history.notes, *parts_notes(history.parts, plan.batch_size), *scored.notes]
    return {
        "name": _name_of(run.config),
        "recipe": run.page.name,
        "date": datetime.now().astimezone().isoformat(sep=" ", timespec="minutes"),
        "command": as_command(run.page, run.config),
        "backbone": backbone_in_words(run.config),
        "scores": scored.scores,
        "intervals": scored.intervals,
        "baseline": scored.baseline and dataclasses.asdict(scored.baseline),
        "accept": [{**dataclasses.asdict(one), "in_words": one.in_words} for one in given],
        "best_epoch": history.best_row,
        "seed": run.config.seed,
        "seconds": run.seconds,
        "versions": runs.versions(),
        "labels": splits.labels,
        "examples": {name: len(examples) for name, examples in splits.items()},
        "counts": splits.counts(),
        "notes": notes,
        "suspects": len(doubted),
        "audit": audit_summary(splits.findings),
        "probe": None if probe is None else {**history.probe, "in_words": probe.in_words},
        "store": [{**dataclasses.asdict(one), "in_words": one.in_words} for one in reused(plan, history)],
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


def _name_of(config: Any) -> str:
    """The name of the data: of a folder or file its own, without the path."""
    data = getattr(config, "data", None)
    return Path(data).name or data if isinstance(data, str) else "arrays"
