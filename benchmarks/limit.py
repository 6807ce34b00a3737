"""Compare the duration of a run with its lower limit, the time of the work that no run can avoid.

The limit is the sum of four times, each measured separately: importing TensorFlow and Keras; decoding every picture
once; running the frozen layers once on every view of every picture; and the arithmetic of the trained layers, which is
the number of steps times the median step, including validation. Tracing, storing, saving, scoring and the report are
not part of it.

    KERAS_HOME=keras_home python benchmarks/limit.py --data trashnet --views 6
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import tyro

from recipes.image_classification import RECIPE, Config
from tfft import runs, workflow
from tfft.store import Storage

REPEATS = 12


def main(config: Config) -> None:
    """Runs the recipe in its own process, measures the parts of the limit and prints a table."""
    with tempfile.TemporaryDirectory() as folder:
        words = [*sys.argv[1:], "--out", f"{folder}/run", "--store.folder", f"{folder}/store"]
        command = [sys.executable, "-m", "recipes.image_classification", *words]
        total = seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        second = replace_flag(words, "--out", f"{folder}/again")
        command = [sys.executable, "-m", "recipes.image_classification", *second]
        again = seconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        imports = seconds(lambda: subprocess.run([sys.executable, "-c", "import keras, tensorflow"], check=True))
        parts = {"import": imports, **measured(replace(config, store=Storage(folder=f"{folder}/empty")))}
    limit = sum(parts.values())
    print("| part | seconds |\n| --- | ---: |")
    for name, value in parts.items():
        print(f"| {name} | {value:.1f} |")
    print(f"| limit | {limit:.1f} |\n| run, empty store | {total:.1f} |\n| run, filled store | {again:.1f} |")
    print(f"\nrun over limit: {total / limit:.2f}")


def measured(config: Config) -> dict[str, float]:
    """Seconds of decoding, of the frozen layers and of the trained layers."""
    from tfft.models import unfrozen
    from tfft.training import build_optimizer
    from tfft.training.levels import TRUNK_BATCH

    with runs.rehearse(RECIPE.page, config) as current:
        *_, plan = workflow.prepare(RECIPE, current)
    parts = {"decoding": current.seconds["data"], "frozen layers": 0.0, "trained layers": 0.0}
    activations = plan.activations
    for depth, level in enumerate(activations.levels):
        zeros = [np.zeros((TRUNK_BATCH, *shape), level.takes.read_as) for shape in level.takes.shapes]
        count = sum(len(activations.keys[shown.split]) for shown in activations.stored[depth])
        parts["frozen layers"] += median(level.run, *zeros) * math.ceil(count / TRUNK_BATCH)
    for planned in plan.phases:
        inputs = [np.zeros((plan.batch_size, *shape), "float32") for shape in plan.layout(planned.depth).shapes]
        batch = (inputs[0] if len(inputs) == 1 else inputs, np.zeros(plan.batch_size, "int32"))
        with unfrozen(plan.model, planned.phase.unfreeze, batch_norm=planned.phase.batch_norm):
            planned.top.compile(build_optimizer(planned.phase, plan.steps_per_epoch), plan.task.loss)
            train, score = median(planned.top.train_on_batch, *batch), median(planned.top.test_on_batch, *batch)
        seconds_of_epoch = (train * len(plan.splits.train) + score * len(plan.splits.val)) / plan.batch_size
        parts["trained layers"] += planned.phase.epochs * seconds_of_epoch
    return parts


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Duration of a call in seconds."""
    start = time.monotonic()
    np.asarray(function(*args))
    return time.monotonic() - start


def median(function: Callable[..., Any], *args: Any) -> float:
    """Median duration of repeated calls in seconds, without two calls to warm up."""
    return statistics.median([seconds(function, *args) for _ in range(2 + REPEATS)][2:])


def replace_flag(words: list[str], flag: str, value: str) -> list[str]:
    """The command line with a new value for one flag."""
    place = words.index(flag) + 1
    return [*words[:place], value, *words[place + 1 :]]


if __name__ == "__main__":
    main(tyro.cli(Config))
