"""What a person reads in the terminal: the plan before, the scores and the files after."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfft.data.examples import Splits
from tfft.errors import printable
from tfft.training.plan import Plan

MOST_ROWS = 30
"""Classes shown in a table; the report holds them all."""


def shown(text: object) -> Text:
    """A stranger's text for the terminal: control characters are replaced, mark-up is not interpreted."""
    return Text(printable(text))


def show_plan(plan: Plan, *, backbone: str) -> None:
    """Prints the data, the backbone in the words given, and what each phase will train and store."""
    console = Console()
    splits = plan.activations.splits
    console.print(_data_table(splits))
    for note in splits.notes:
        console.print(Text("note: ", style="yellow") + shown(note))
    total = plan.phases[0].frozen + plan.phases[0].trained
    console.print(shown(f"{backbone}; {plan.stages} stages; {total:,} parameters with the head"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in (
        ("phase", "left"),
        ("epochs", "right"),
        ("steps", "right"),
        ("trained", "right"),
        ("frozen", "right"),
        ("optimizer", "left"),
        ("learning rate", "left"),
    ):
        table.add_column(name, justify=justify)
    for planned in plan.phases:
        phase = planned.phase
        table.add_row(
            planned.name,
            str(phase.epochs),
            str(phase.epochs * plan.steps_per_epoch),
            f"{planned.trained:,}",
            f"{planned.frozen:,}",
            phase.optimizer,
            f"{phase.learning_rate:g} {phase.schedule}",
        )
    console.print(table)


def show_scores(scores: Mapping[str, Any], folder: Path) -> None:
    """Prints the single numbers of each split, and where the files are."""
    console = Console()
    names = [name for name, value in next(iter(scores.values())).items() if isinstance(value, float)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("split")
    for name in names:
        table.add_column(name, justify="right")
    for split, values in scores.items():
        table.add_row(split, *(f"{values[name]:.4f}" for name in names))
    console.print(table)
    for name in ("report.html", "report.json", "model.keras"):
        console.print(shown(folder / name), soft_wrap=True)


def _data_table(splits: Splits) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class")
    counts = splits.counts()
    for name in counts:
        table.add_column(name, justify="right")
    for index, label in enumerate(splits.labels[:MOST_ROWS]):
        table.add_row(shown(label), *(str(split[index]) for split in counts.values()))
    if len(splits.labels) > MOST_ROWS:
        table.add_row(f"... {len(splits.labels) - MOST_ROWS} more", *("" for _ in counts))
    table.add_row("all", *(str(sum(split)) for split in counts.values()), style="bold")
    return table
