"""Measure a recipe with its defaults where each class has few examples.

    KERAS_HOME=keras_home python benchmarks/few_examples.py image_classification data/trashnet --shots 10 20
    python benchmarks/few_examples.py text_classification data/banking77 --shots 10 -- --backbone minilm

For each seed that many examples of each class are drawn, all that the recipe learns and chooses from; it holds back its
validation split from them. It is scored on the test split of the data or, if they have none, on all other examples. Run
the file of this version with `PYTHONPATH` set to another one to compare the two.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import TypeVar

Example = TypeVar("Example")


def main() -> None:
    """Prints a row for each number of examples: test accuracy, its mean and range over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("data", type=Path)
    parser.add_argument("--shots", nargs="+", type=int, default=[10])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    words, flags = parser.parse_known_args()
    print("| data | per class | test accuracy |\n| --- | ---: | ---: |")
    for shots in words.shots:
        rows = [scored(words, shots, seed, [flag for flag in flags if flag != "--"]) for seed in words.seeds]
        spread = f"{mean(rows):.4f} ({min(rows):.4f} to {max(rows):.4f})"
        print(f"| {words.data.name} | {shots} | {spread} |", flush=True)


def scored(words: argparse.Namespace, shots: int, seed: int, flags: Sequence[str]) -> float:
    """The test accuracy of one run."""
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder, words.data.name)
        rng = random.Random(seed)
        if (words.data / "train.csv").exists():
            draw_rows(words.data, few, shots, rng)
        else:
            draw_pictures(words.data, few, shots, rng)
        command = [sys.executable, "-m", f"recipes.{words.recipe}", "--data", str(few), "--seed", str(seed), *flags]
        subprocess.run(
            [*command, "--out", f"{folder}/run", "--store.folder", f"{folder}/store"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        report = json.loads(Path(folder, "run", "report.json").read_text(encoding="utf-8"))
    return report["scores"]["test"]["accuracy"]


def draw_rows(data: Path, few: Path, shots: int, rng: random.Random) -> None:
    """Writes `train.csv` with few rows of each class, the last column, and copies `test.csv`."""
    with (data / "train.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    few.mkdir()
    with (few / "train.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *drawn(((row[-1], row) for row in rows), shots, rng)])
    shutil.copy(data / "test.csv", few)


def draw_pictures(data: Path, few: Path, shots: int, rng: random.Random) -> None:
    """Copies few pictures of each class to `train`, and all others to `test`."""
    pictures = sorted(path for path in data.glob("*/*") if path.is_file())
    train = {*drawn(((path.parent.name, path) for path in pictures), shots, rng)}
    for path in pictures:
        target = few / ("train" if path in train else "test") / path.parent.name
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def drawn(pairs: Iterable[tuple[str, Example]], shots: int, rng: random.Random) -> Iterator[Example]:
    """Yields as many examples of each class, of pairs of a class and an example."""
    by_class: dict[str, list[Example]] = defaultdict(list)
    for label, example in pairs:
        by_class[label].append(example)
    for examples in by_class.values():
        yield from rng.sample(examples, shots)


if __name__ == "__main__":
    main()
