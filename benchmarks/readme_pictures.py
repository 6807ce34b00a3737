"""Draws the two pictures of the README from a run of the demo: the idea, and what a report shows.

python benchmarks/readme_pictures.py
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from recipes.image_classification import DEMO, RECIPE, evaluate
from tfft import runs, training, workflow
from tfft.reporting.screen import trains_on

FOLDER = Path(__file__).parent / "pictures"
BLUE, GREY = "#3776ab", "#d0d7de"


def box(axes: object, x: float, width: float, colour: str, title: str, text: str) -> None:
    """A rounded box with a title and a line below it."""
    axes.add_patch(FancyBboxPatch((x, 0.25), width, 0.5, boxstyle="round,pad=0.02", color=colour, lw=0))
    ink = "white" if colour == BLUE else "black"
    axes.text(x + width / 2, 0.58, title, ha="center", va="center", color=ink, fontsize=11, weight="bold")
    axes.text(x + width / 2, 0.40, text, ha="center", va="center", color=ink, fontsize=7.5)


def idea(plan: training.Plan) -> Figure:
    """The trunk, the store and the top of the second phase, with the numbers of this run."""
    planned = plan.lowest
    stored = sum(plan.activations.room(planned.depth, one)[0] for one in plan.activations.stored[planned.depth])
    figure = Figure(figsize=(9, 1.7), layout="constrained")
    axes = figure.subplots()
    box(axes, 0.1, 1.5, GREY, "data", f"{len(plan.splits.train):,} training pictures")
    box(axes, 2.0, 2.4, GREY, "frozen trunk", f"{planned.frozen:,} parameters, once per picture")
    box(axes, 4.8, 2.4, GREY, "store", f"{trains_on(plan, planned).partition(' after')[0]}, {stored / 1e6:.0f} MB")
    box(axes, 7.6, 2.3, BLUE, "top", f"{planned.trained:,} parameters, every epoch")
    for x in (1.68, 4.48, 7.28):
        axes.annotate("", (x + 0.26, 0.5), (x, 0.5), arrowprops={"arrowstyle": "-|>", "color": "black"})
    axes.set(xlim=(0, 10), ylim=(0.15, 0.85))
    axes.axis("off")
    return figure


def report(plan: training.Plan, history: training.History) -> Figure:
    """Learning curve, confusion matrix and the most confident mistakes of the test split."""
    scored = evaluate(plan.model, plan.splits, plan)
    test, probabilities = plan.splits.test, scored.predictions["test"]
    figure = Figure(figsize=(9, 3.1), layout="constrained")
    curve, matrix, mistakes = figure.subfigures(1, 3, width_ratios=(1.1, 1, 1.2))
    axes = curve.subplots()
    epochs = [row["epoch"] for row in history.rows]
    for name, style in (("accuracy", "--"), ("val_accuracy", "-")):
        axes.plot(epochs, [row[name] for row in history.rows], style, color=BLUE, label=name)
    axes.axvline(history.best_row["epoch"], color="grey", linewidth=0.8, linestyle=":", label="best epoch")
    axes.set(xlabel="epoch", ylim=(0.6, 1.01), title="learning curve")
    axes.legend(fontsize=8)
    counts = np.array(scored.scores["test"]["confusion_matrix"])
    axes = matrix.subplots()
    axes.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues")
    axes.set(xlabel="predicted", ylabel="true", title=f"test accuracy {scored.scores['test']['accuracy']:.3f}")
    axes.set_xticks(range(len(plan.splits.labels)), plan.splits.labels, fontsize=7)
    axes.set_yticks(range(len(plan.splits.labels)), plan.splits.labels, fontsize=7)
    predicted, confidence = probabilities.argmax(-1), probabilities.max(-1)
    wrong = np.flatnonzero(predicted != test.targets)
    order = wrong[np.argsort(-confidence[wrong])]
    mistakes.suptitle("mistakes, then correct predictions", fontsize=12)
    for axes, index in zip(
        mistakes.subplots(2, 3).flat, [*order, *np.flatnonzero(predicted == test.targets)], strict=False
    ):
        axes.imshow(test.inputs[int(index)])
        said, true = plan.splits.labels[predicted[index]], plan.splits.labels[test.targets[index]]
        axes.set_title(f"{said} {confidence[index]:.0%}" + ("" if said == true else f", is {true}"), fontsize=8)
        axes.axis("off")
    return figure


def save(figure: Figure, name: str) -> None:
    """As SVG, the same text for the same figure."""
    text = io.StringIO()
    with rc_context({"svg.hashsalt": "tfft", "svg.fonttype": "path"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / name).write_text(text.getvalue(), encoding="utf-8")


def main() -> None:
    """Runs the demo and draws."""
    with runs.rehearse(RECIPE.page, DEMO) as current:
        *_, plan = workflow.prepare(RECIPE, current)
    history = training.fine_tune(plan)
    save(idea(plan), "idea.svg")
    save(report(plan, history), "report.svg")
    print(json.dumps(history.best_row))


if __name__ == "__main__":
    main()
