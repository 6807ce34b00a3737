"""Compare the order in which `tfft choose` puts backbones with that of their runs, and the seconds of both.

    KERAS_HOME=keras_home python benchmarks/choosing.py image_classification data/trashnet data/hymenoptera \
        --backbones MobileNetV2 backbones/efficientnet_lite0.keras

For each data set, all backbones are measured in one process; then each is fine-tuned with the defaults of the recipe in
a process of its own. All of these processes start with an empty store. Correlations are Spearman's, over the backbones.
Further flags go to the runs and to `tfft choose`.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import spearmanr

MEASURED = ("score", "neighbours")
"""Columns of `choice.csv` that are compared with the validation scores of the runs."""
TFFT = (sys.executable, "-c", "from tfft.commands import app; app()")
"""The `tfft` command of the version on `PYTHONPATH`."""


def main() -> None:
    """Prints a row for each backbone, and below them one for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--backbones", nargs="+", required=True)
    words, flags = parser.parse_known_args()
    print("| data | backbone | linear head, val | neighbours, val | run, val | run, test | seconds of the run |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    closing = ["| data | rank correlation of the head | of the neighbours | seconds to choose | of all runs | share |"]
    closing += ["| --- | ---: | ---: | ---: | ---: | ---: |"]
    for data in words.data:
        given = ["--data", data, *flags]
        with tempfile.TemporaryDirectory() as folder:
            chosen, choosing = compared(words.recipe, words.backbones, given, Path(folder))
        runs = [trained(words.recipe, row["backbone"], given) for row in chosen]
        for row, (val, test, seconds) in zip(chosen, runs, strict=True):
            cells = [Path(data).name, Path(row["backbone"]).name, *(f"{float(row[name]):.4f}" for name in MEASURED)]
            print(f"| {' | '.join(cells)} | {val:.4f} | {test:.4f} | {seconds:.0f} |", flush=True)
        spent = sum(run[2] for run in runs)
        ranks = [spearmanr([float(row[name]) for row in chosen], [run[0] for run in runs])[0] for name in MEASURED]
        cells = [Path(data).name, *(f"{rank:.2f}" for rank in ranks), f"{choosing:.0f}", f"{spent:.0f}"]
        closing.append(f"| {' | '.join(cells)} | {choosing / spent:.0%} |")
    print("\n" + "\n".join(closing))


def compared(
    recipe: str, backbones: Sequence[str], flags: Sequence[str], folder: Path
) -> tuple[list[dict[str, str]], float]:
    """The measured rows of `choice.csv`, and the seconds of the process."""
    command = [*TFFT, "choose", recipe, *flags, "--backbones", *backbones]
    seconds = timed([*command, "--out", str(folder / "choice"), "--store.folder", str(folder / "store")])
    with (folder / "choice" / "choice.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["state"] == "measured"], seconds


def trained(recipe: str, backbone: str, flags: Sequence[str]) -> tuple[float, float, float]:
    """A run with a backbone: its scores on validation and on test, nan without one, and the seconds of the process."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = [sys.executable, "-m", f"recipes.{recipe}", *flags, "--backbone", backbone, "--out", str(out)]
        seconds = timed([*command, "--store.folder", f"{folder}/store"])
        scores = json.loads((out / "report.json").read_text(encoding="utf-8"))["scores"]
        name = json.loads((out / "serving.json").read_text(encoding="utf-8"))["score"]["name"]
    return scores["val"][name], scores.get("test", {}).get(name, float("nan")), seconds


def timed(command: Sequence[str]) -> float:
    """The seconds of a command."""
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - start


if __name__ == "__main__":
    main()
