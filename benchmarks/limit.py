"""Compare the duration of a run with its lower limit, the time of the work that no run can avoid.

The limit is the sum of: importing TensorFlow and Keras; reading the data once; running the frozen layers once on every
view of every example; and the arithmetic of the trained layers, which is the mean step and one pass of validation,
measured on the batches of the run itself, times the steps and epochs that the run took. A solved head counts as long as
its solution took. Tracing, the plan, storing, saving, scoring and the report are not part of it.
The last two columns are predicted and measured seconds of storing and training.

`--data` is a folder with the data sets trashnet, banking77 and playing_cards; `--encoder` is a text encoder.

    KERAS_HOME=keras_home python benchmarks/limit.py --data data --encoder minilm
    KERAS_HOME=keras_home python benchmarks/limit.py --data data --only head detection
"""

from __future__ import annotations

import csv
import importlib
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

TRASHNET = "--data {data}/trashnet"
TEXTS = "--data {data}/banking77 --columns.label category --leaks accept --backbone {encoder}"
CONFIGURATIONS = {
    "head": ("image_classification", f"{TRASHNET} --augment none --tune.epochs 0"),
    "tune": ("image_classification", f"{TRASHNET} --augment none"),
    "views": ("image_classification", f"{TRASHNET} --views 4"),
    "text": ("text_classification", f"{TEXTS} --tune.epochs 3"),
    "detection": ("object_detection", "--data {data}/playing_cards --tune.epochs 16"),
}
"""The recipe and the flags of each."""
STEPS = 40
"""Steps of a phase that are timed, after two to warm up."""
REPEATS = 5


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    data: Path
    """Folder with data sets."""
    encoder: str = "demo"
    """Backbone of the texts."""
    only: tuple[str, ...] = tuple(CONFIGURATIONS)
    """Configurations to measure."""
    child: str = ""
    """Internal: the recipe whose parts are measured in this process."""


def main(settings: Settings) -> None:
    """Runs each recipe in its own process, measures the parts of its limit in another, and prints a table."""
    columns = ("import", "data", "frozen layers", "trained layers", "limit", "run, empty store", "ratio", "filled")
    columns += ("predicted", "storing and training")
    print(f"| configuration | {' | '.join(columns)} |\n| --- |{' ---: |' * len(columns)}")
    for name in settings.only:
        recipe, flags = CONFIGURATIONS[name]
        words = flags.format(data=settings.data, encoder=settings.encoder).split()
        with tempfile.TemporaryDirectory() as folder:
            words += ["--store.folder", f"{folder}/store"]
            run = [sys.executable, "-m", f"recipes.{recipe}", *words, "--out"]
            empty, filled = seconds(quietly, [*run, f"{folder}/run"]), seconds(quietly, [*run, f"{folder}/again"])
            imports = min(seconds(quietly, [sys.executable, "-c", IMPORT]) for _ in range(3))
            measure = [sys.executable, __file__, "--data", str(settings.data), "--child", recipe, "--"]
            words[-1] = f"{folder}/other"
            done = subprocess.run([*measure, f"{folder}/run", *words], check=True, stdout=subprocess.PIPE, text=True)
            *parts, predicted = imports, *map(float, done.stdout.splitlines()[-1].split())
            took = json.loads(Path(folder, "run", "report.json").read_text())["seconds"]
        limit = sum(parts)
        cells = [*(f"{part:.1f}" for part in (*parts, limit, empty)), f"{empty / limit:.2f}", f"{filled:.1f}"]
        cells += [f"{predicted:.1f}", f"{took['storing'] + took['training']:.1f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


IMPORT = "from tfft.runs.starting import import_keras; import_keras()"


def measured(recipe: str, finished: Path, words: list[str]) -> list[float]:
    """Seconds of reading, of the frozen layers and of the trained layers of a run that has finished, and what a run
    predicts for storing and training."""
    from tfft import cli, runs, training, workflow
    from tfft.training.costs import phase_costs
    from tfft.training.levels import TRUNK_BATCH

    page = importlib.import_module(f"recipes.{recipe}")
    config = cli.parse(page.Config, page.DEMO, words, page.RECIPE.page)
    with (finished / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    with runs.rehearse(page.RECIPE.page, config) as current:
        *_, plan = workflow.prepare(page.RECIPE, current, quietly=True)
        frozen, activations = 0.0, plan.activations
        predicted = sum(cost.storing + cost.training for cost in phase_costs(plan))
        for depth, level in enumerate(activations.levels):
            for shown in activations.stored[depth]:
                for part in activations.examples(shown).parts:
                    shapes = level.takes.at(part.width).shapes
                    zeros = [np.zeros((TRUNK_BATCH, *shape), level.takes.read_as) for shape in shapes]
                    count = len(part.of(activations.keys[shown.split]))
                    frozen += median(level.run, *zeros) * math.ceil(count / TRUNK_BATCH)
        training.store_activations(plan)
        trained = 0.0
        for planned in plan.phases:
            epochs = [row for row in rows if row["phase"] == planned.name]
            if planned.phase.optimizer == "lbfgs":
                trained += sum(float(row["seconds"]) for row in epochs)
            else:
                trained += len(epochs) * seconds_of_epoch(plan, planned)
    return [current.seconds["data"], frozen, trained, predicted]


def seconds_of_epoch(plan: Any, planned: Any) -> float:
    """The mean step on batches of the phase, and one pass of validation."""
    import keras

    from tfft.data.batching.batches import training_batches
    from tfft.models import unfrozen
    from tfft.training import build_optimizer
    from tfft.training.feeding import VAL, rows_and_targets, training_feed
    from tfft.training.parts import compile_top
    from tfft.training.validating import validating

    class Clock(keras.callbacks.Callback):
        """Notes when each step ends."""

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            float(logs["loss"])  # waits until the step has ended
            ends.append(time.monotonic())

    ends: list[float] = []
    phase = planned.phase
    rows, targets = rows_and_targets(plan, planned)
    validated = validating(plan, planned, rows[VAL], targets[VAL])
    batches = training_batches(
        training_feed(plan, planned, rows, targets), count=plan.splits.per_epoch, epochs=planned.epoch_numbers
    )
    with unfrozen(plan.model, phase.unfreeze, batch_norm=phase.batch_norm, lora_rank=phase.lora_rank) as stages:
        optimizer = build_optimizer(phase, plan.steps_per_epoch, planned.top.trainable_weights, stages)
        compile_top(plan, planned, optimizer, 1)
        planned.top.fit(
            batches, steps_per_epoch=min(STEPS + 2, plan.steps_per_epoch * phase.epochs), callbacks=[Clock()], verbose=0
        )
        validation = median(lambda: float(validated()["val_loss"]))
    return plan.steps_per_epoch * (ends[-1] - ends[1]) / (len(ends) - 2) + validation


def quietly(command: list[str]) -> None:
    """Runs a command without its output."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Duration of a call in seconds."""
    start = time.monotonic()
    np.asarray(function(*args))
    return time.monotonic() - start


def median(function: Callable[..., Any], *args: Any) -> float:
    """Median duration of repeated calls in seconds, after one call to warm up."""
    return statistics.median([seconds(function, *args) for _ in range(1 + REPEATS)][1:])


if __name__ == "__main__":
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    chosen = tyro.cli(Settings, description=__doc__, args=sys.argv[1:split])
    if chosen.child:
        finished, *flags = sys.argv[split + 1 :]
        print(*measured(chosen.child, Path(finished), flags))
    else:
        main(chosen)
