"""Compare the learning rate that a range test suggests for phase tune with the best of a grid, on several data sets.

Each rate of the grid is a run of its own with the defaults of the recipe, scored on validation: the best epoch of phase
tune by the headline score, where higher is better, and of equal ones by the loss. All runs of a data set share a store.

KERAS_HOME=keras_home python benchmarks/range_test.py image_classification data/trashnet data/sign_digits
python benchmarks/range_test.py text_classification data/banking77 --backbone minilm --columns.label category
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

GRID = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
Score = tuple[float, float]
"""Of a run: the headline score (0 if epochs have none) and the validation loss, both so that higher is better."""


def main() -> None:
    """Prints a row for each data set, and below it the score of each rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--rates", nargs="+", type=float, default=GRID)
    parser.add_argument("--store", help="folder of a store that is kept, to go on another time")
    words, flags = parser.parse_known_args()
    print("| data | best of the grid | suggestion | factor | score, best | score, suggestion | seconds of the test |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for data in words.data:
        with tempfile.TemporaryDirectory() as empty:
            store = words.store or empty
            rate, seconds, suggested = trained(words.recipe, data, "find", [*flags, "--store.folder", store])
            scores = {}
            for tried in words.rates:
                scores[tried] = trained(words.recipe, data, str(tried), [*flags, "--store.folder", store])[2]
                print(f"  {Path(data).name} {tried:g}: {scores[tried]}", file=sys.stderr, flush=True)
        best = max(scores, key=scores.__getitem__)
        cells = [f"{best:g}", f"{rate:g}", f"{max(best / rate, rate / best):.1f}"]
        cells += [f"{abs(scores[best][0]):.4f}", f"{abs(suggested[0]):.4f}", f"{seconds:.0f}"]
        print(f"| {Path(data).name} | {' | '.join(cells)} |", flush=True)


def trained(recipe: str, data: str, rate: str, flags: Sequence[str]) -> tuple[float, float, Score]:
    """One run: the learning rate of phase tune, the seconds of its range test, and its score on validation."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "run")
        command = [sys.executable, "-m", f"recipes.{recipe}", "--data", data, "--tune.learning-rate", rate, *flags]
        subprocess.run([*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        name = json.loads((out / "serving.json").read_text(encoding="utf-8"))["score"]["name"]
        with (out / "history.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["phase"] == "tune"]
    (used,) = [phase["learning_rate"] for phase in report["phases"] if phase["name"] == "tune"]
    seconds = [float(seen[1]) for note in report["notes"] if (seen := re.search(r"range test .* in (\d+) s", note))]
    scores = [(float(row[f"val_{name}"]) if f"val_{name}" in row else 0.0, -float(row["val_loss"])) for row in rows]
    return used, sum(seconds), max(scores)


if __name__ == "__main__":
    main()
