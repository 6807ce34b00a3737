"""Run a recipe on several data sets and seeds with its defaults, and print the scores of validation and test.

Choices of defaults are made by the column of validation alone; test is for the record.

KERAS_HOME=keras_home python benchmarks/defaults.py image_classification data/trashnet data/hymenoptera --seeds 0 1 2
python benchmarks/defaults.py image_classification data/trashnet --tune.learning-rate 1e-4    # with one change
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

Row = tuple[float, float, float, float, str]
"""Validation score of the solved head, validation and test score of the model, seconds, and the best phase."""


def main() -> None:
    """Prints a table with a row for each data set: means and ranges over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    words, flags = parser.parse_known_args()
    print("| data | after head, val | val | test | seconds | best phase |\n| --- | ---: | ---: | ---: | ---: | --- |")
    for data in words.data:
        rows = [trained(words.recipe, data, seed, flags) for seed in words.seeds]
        cells = [spread(values) for values in list(zip(*rows, strict=True))[:3]]
        phases = ", ".join(row[4] for row in rows)
        print(
            f"| {Path(data).name} | {' | '.join(cells)} | {mean(row[3] for row in rows):.0f} | {phases} |", flush=True
        )


def trained(recipe: str, data: str, seed: int, flags: Sequence[str]) -> Row:
    """One run in a process of its own, with an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", f"recipes.{recipe}", "--data", data, "--seed", str(seed), *flags]
        start = time.monotonic()
        subprocess.run(
            [*command, "--out", f"{folder}/run", "--store.folder", f"{folder}/store"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds = time.monotonic() - start
        report = json.loads(Path(folder, "run", "report.json").read_text(encoding="utf-8"))
        name = json.loads(Path(folder, "run", "serving.json").read_text(encoding="utf-8"))["score"]["name"]
        with Path(folder, "run", "history.csv").open(newline="", encoding="utf-8") as file:
            history = list(csv.DictReader(file))
    scores = report["scores"]
    monitored = next(column for column in (f"val_{name}", "val_loss") if column in history[0])
    after_head = [float(row[monitored]) for row in history if row["phase"] == "head"] or [math.nan]
    tested = scores.get("test", scores["val"])  # some data have no test split
    return after_head[-1], scores["val"][name], tested[name], seconds, report["best_epoch"]["phase"]


def spread(values: Sequence[float]) -> str:
    """`0.894 (0.868 to 0.913)`."""
    return f"{mean(values):.4f} ({min(values):.4f} to {max(values):.4f})" if len(values) > 1 else f"{values[0]:.4f}"


if __name__ == "__main__":
    main()
