"""Train one recipe twice, with frozen layers stored and computed on the fly, and compare times and numbers.

KERAS_HOME=keras_home python benchmarks/stored.py object_detection --data cards --no-flip --views 6
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np

from tfft import cli, training, workflow
from tfft.store import Storage

NOTHING = 1e-9
"""Size in gigabytes of a store that holds nothing."""


def main() -> None:
    """Prints the seconds of both runs, their ratio, and whether losses and weights are bit-identical."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    words, flags = parser.parse_known_args()
    recipe = importlib.import_module(f"recipes.{words.recipe}")
    config = cli.parse(recipe.Config, recipe.DEMO, flags, recipe.RECIPE.page)
    if getattr(config, "views", None) == "auto":
        config = replace(config, views=4 if config.augment != "none" else 1)
    with tempfile.TemporaryDirectory() as folder:
        results = {
            "stored": trained(recipe, replace(config, store=Storage(folder=f"{folder}/store"))),
            "streamed": trained(recipe, replace(config, store=Storage(folder=f"{folder}/none", limit=NOTHING))),
        }
    print("| mode | frozen layers s | fit s | training s |\n| --- | ---: | ---: | ---: |")
    for name, (storing, fitting, _, _) in results.items():
        print(f"| {name} | {storing:.1f} | {fitting:.1f} | {storing + fitting:.1f} |")
    (a, b, losses, weights), (c, d, other_losses, other_weights) = results.values()
    equal = losses == other_losses and all(map(np.array_equal, weights, other_weights))
    print(
        f"\n{words.recipe}: streaming takes {(c + d) / (a + b):.2f} times as long as storing; losses and weights "
        + ("are bit-identical" if equal else "DIFFER")
    )


def trained(recipe: ModuleType, config: Any) -> tuple[float, float, list[dict[str, float]], list[np.ndarray]]:
    """Trains a recipe; returns seconds of storing and of the phases, losses of each epoch, and the final weights."""
    plan = workflow.rehearse(recipe.RECIPE, config)
    start = time.monotonic()
    training.store_activations(plan)
    stored = time.monotonic()
    history = training.fine_tune(plan)
    end = time.monotonic()
    losses = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]
    return stored - start, end - stored, losses, plan.model.get_weights()


if __name__ == "__main__":
    main()
