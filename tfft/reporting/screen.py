"""Text in the terminal: the plan before training, the scores and the files after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfft.data.examples import Splits
from tfft.data.findings import audit_summary
from tfft.errors import listed, megabytes
from tfft.evaluation import Verdict
from tfft.models.backbones import describe_backbone
from tfft.reporting.tables import shown, table_of
from tfft.training.costs import about, phase_costs
from tfft.training.plan import Plan, PlannedPhase

MOST_ROWS = 30
"""Classes shown in a table; the report has all of them."""


def show_plan(plan: Plan, config: Any = None) -> None:
    """Prints the data, the backbone, and what each phase will train, store and cost.

    Args:
        plan: From `plan_phases`.
        config: Configuration of the recipe, which describes the backbone; None shows only the name of the model.
    """
    console = Console()
    splits = plan.splits
    console.print(_data_table(splits))
    if found := audit_summary(splits.findings):
        counts = listed(f"{count:,} {check}" for check, count in found.items())
        console.print(Text("audit: ", style="yellow") + shown(f"{counts}; see audit.json, or type `tfft audit`"))
    for note in (*splits.notes, *plan.notes):
        console.print(Text("note: ", style="yellow") + shown(note))
    total = plan.phases[0].frozen + plan.phases[0].trained
    backbone = backbone_in_words(config) or plan.model.name
    if splits.train.noun == "pictures":
        backbone += ", {} x {} pixels".format(*splits.train.inputs.shape[1:3])
    console.print(shown(f"{backbone}; {plan.stages} stages; {total:,} parameters with the head"), soft_wrap=True)
    trained = table_of("phase", "epochs>", "steps>", "trained>", "frozen>", "optimizer", "learning rate")
    for planned in plan.phases:
        phase = planned.phase
        solved = phase.optimizer == "lbfgs"
        trained.add_row(
            planned.name,
            "-" if solved else f"{phase.epochs:,}",
            "-" if solved else f"{phase.epochs * plan.steps_per_epoch:,}",
            f"{planned.trained:,}" + (" (LoRA)" if phase.lora_rank else ""),
            f"{planned.frozen:,}",
            "lbfgs (solved)" if solved else phase.optimizer,
            "-" if solved else f"{_rate(phase.learning_rate)} {phase.schedule}",
        )
    console.print(trained)
    inputs = table_of("phase", "trains on")
    for planned in plan.phases:
        inputs.add_row(planned.name, shown(trains_on(plan, planned)))
    console.print(inputs)
    costs = table_of("phase", "views>", "stored>", "already stored>", "time to store>", "time to train>")
    for planned, cost in zip(plan.phases, phase_costs(plan), strict=True):
        costs.add_row(
            planned.name,
            "fresh" if planned.views is None else str(planned.views),
            megabytes(cost.stored) if cost.stored else "nothing",
            # rounded down: 100% means everything
            f"{100 * (cost.stored - cost.missing) // cost.stored}%" if cost.stored else "-",
            about(cost.storing),
            about(cost.training),
        )
    console.print(costs)
    console.print(shown(f"store: {plan.activations.store.folder}"), soft_wrap=True)
    if plan.facts is not None and plan.facts.probe is not None:
        console.print(Text("probe: ", style="green") + shown(plan.facts.probe.in_words))
    for advice in plan.advice():
        console.print(Text("applied: " if advice.taken else "advice: ", style="green") + shown(advice.in_words))


def backbone_in_words(config: Any) -> str:
    """The backbone and its weights, from the configuration of a recipe; empty if it has no backbone."""
    # recipes for texts have no field for weights
    fields = {name: getattr(config, name, None) for name in ("backbone", "weights", "backbone_options")}
    return describe_backbone(*fields.values()) if fields["backbone"] is not None else ""


def trains_on(plan: Plan, planned: PlannedPhase) -> str:
    """The inputs of the trained part of a phase: `"14 x 14 x 96 after block_12_add"`, or pictures, or tokens."""
    if planned.depth is None:
        return {"pictures": "pictures", "texts": "tokens"}[plan.splits.train.noun]
    level = plan.activations.levels[planned.depth]
    shapes = (" x ".join("tokens" if side is None else str(side) for side in shape) for shape in level.makes.shapes)
    pieces = [f"{shape} after {layer}" for shape, layer in zip(shapes, level.layers, strict=True)]
    return listed(pieces, most=2) + (
        "" if any(view.split == "train" for view in plan.activations.stored[planned.depth]) else ", streamed"
    )


def _rate(rate: float | Literal["find"]) -> str:
    return rate if rate == "find" else f"{rate:g}"


def show_scores(report: Mapping[str, Any], verdicts: Sequence[Verdict], folder: Path) -> None:
    """Prints the single numbers of each split, how far those of the last one can be trusted, and the paths of the
    files.

    Args:
        report: As in `report.json`.
        verdicts: Whether the model meets each condition of `accept`.
        folder: The run folder.
    """
    show_table(report["scores"])
    split, scores = list(report["scores"].items())[-1]
    show_intervals(split, scores, report.get("intervals", {}).get(split, {}), report.get("baseline"))
    show_verdicts(verdicts)
    for name in ("report.html", "report.json", "model.keras"):
        Console().print(shown(folder / name), soft_wrap=True)


def show_table(scores: Mapping[str, Any]) -> None:
    """Prints the single numbers of each split."""
    names = dict.fromkeys(
        name for values in scores.values() for name, value in values.items() if isinstance(value, float)
    )
    table = table_of("split", *(f"{name}>" for name in names))
    for split, values in scores.items():
        table.add_row(shown(split), *(f"{values[name]:.4f}" if values.get(name) is not None else "-" for name in names))
    Console().print(table)


def show_intervals(
    split: str,
    scores: Mapping[str, Any],
    intervals: Mapping[str, Sequence[float]],
    baseline: Mapping[str, Any] | None = None,
) -> None:
    """Prints the scores of a split that have an interval, and what guessing would give."""
    guessed = {} if baseline is None else baseline["scores"]
    table = table_of(split, "score>", "95 % interval>", *(["guessing>"] if baseline else []))
    for name, (low, high) in intervals.items():
        guess = [f"{guessed[name]:.4f}" if name in guessed else "-"] if baseline else []
        table.add_row(shown(name), f"{scores[name]:.4f}", f"{low:.4f} to {high:.4f}", *guess)
    if intervals:
        Console().print(table)
    if baseline:
        Console().print(shown(f"guessing: {baseline['in_words']}"))


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    """Prints whether a model meets its conditions."""
    for verdict in verdicts:
        Console().print(Text(verdict.in_words, style="green" if verdict.met else "red"), soft_wrap=True)


def show_rows(rows: Sequence[Mapping[str, str]]) -> None:
    """Prints rows of a table, with the keys of the first as header; a key that ends in `>` is aligned right."""
    if rows:
        table = table_of(*rows[0])
        for row in rows:
            table.add_row(*map(shown, row.values()))
        Console().print(table)


def _data_table(splits: Splits) -> Table:
    named = dict(splits.items())
    counts = [examples.counts for examples in named.values()]
    table = table_of("class" if any(map(any, counts)) else "", *(f"{name}>" for name in named))
    if any(map(any, counts)):
        for index, label in enumerate(splits.labels[:MOST_ROWS]):
            table.add_row(shown(label), *(f"{split[index]:,}" for split in counts))
        if len(splits.labels) > MOST_ROWS:
            table.add_row(f"... {len(splits.labels) - MOST_ROWS} more", *("" for _ in counts))
    table.add_row("examples", *(f"{len(examples):,}" for examples in named.values()), style="bold")
    return table
