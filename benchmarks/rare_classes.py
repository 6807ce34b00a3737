"""Compare the treatments of rare classes (`--balance`) on two data sets with a rare class.

    KERAS_HOME=keras_home python benchmarks/rare_classes.py pictures data/trashnet --rare trash --keep 20
    python benchmarks/rare_classes.py texts data/banking77 --rare card_payment_fee_charged --backbone minilm

`pictures`: of the rare class, so many pictures are left for training; validation and test keep all of theirs. Scores
are macro F1 and the recall of that class. `texts`: one class against all others; the scores are macro F1 and the best
recall with a precision of 0.8. All runs share a store. Choices are made by the columns of validation alone; test is for
the record.
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
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import precision_recall_curve

import tfft

TREATMENTS = ("none", "weights", "oversample", "undersample", "focal", "logit-adjustment", "auto")
PRECISION = 0.8
SHARES = {"test": 0.15, "val": 0.15}
"""Of the pictures of each class; the others are for training."""
LINE = "| {} | {} | {:.4f} | {:.4f} | {:.4f} | {:.4f} | {} |"


def main() -> None:
    """Prints a row for each treatment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("pictures", "texts"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--rare", required=True)
    parser.add_argument("--keep", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--treatments", nargs="+", default=TREATMENTS)
    words, flags = parser.parse_known_args()
    texts = words.kind == "texts"
    print("| balance | seed | macro F1, val | recall, val | macro F1, test | recall, test | chosen |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        (write_texts if texts else write_pictures)(words, data)
        for balance in words.treatments:
            recipe = "text_classification" if texts else "image_classification"
            out = trained(recipe, data, Path(folder), [*flags, "--seed", str(words.seed), "--balance", balance])
            scores = [s for split in ("val", "test") for s in scored(out, data / f"{split}.csv", split, words, texts)]
            notes = json.loads((out / "report.json").read_text(encoding="utf-8"))["notes"]
            chosen = next((note for note in notes if note.startswith("Rare classes")), "")
            print(LINE.format(balance, words.seed, *scores, chosen), flush=True)


def trained(recipe: str, data: Path, folder: Path, flags: Sequence[str]) -> Path:
    """The folder of a run in a process of its own; the store is kept for the next one."""
    out = folder / flags[-1]
    command = [sys.executable, "-m", f"recipes.{recipe}", "--data", str(data), *flags, "--out", str(out)]
    subprocess.run(
        [*command, "--store.folder", str(folder / "store")],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return out


def scored(out: Path, table: Path, split: str, words: argparse.Namespace, texts: bool) -> tuple[float, float]:
    """Macro F1, and the recall of the rare class; for texts at the precision."""
    scores = json.loads((out / "report.json").read_text(encoding="utf-8"))["scores"][split]
    if not texts:
        return scores["macro_f1"], scores["per_class"][words.rare]["recall"]
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    answers = tfft.open(out)([row["text"] for row in rows])
    positive = np.array([answer.probabilities["yes"] for answer in answers])
    precision, recall, _ = precision_recall_curve([row["label"] == "yes" for row in rows], positive)
    return scores["macro_f1"], float(recall[precision >= PRECISION].max())


def write_pictures(words: argparse.Namespace, data: Path) -> None:
    """Copies the pictures to train, val and test; `keep` of the rare class to train."""
    rng = random.Random(words.seed)
    for folder in sorted(path for path in words.data.iterdir() if path.is_dir()):
        pictures = sorted(folder.iterdir())
        rng.shuffle(pictures)
        for split, share in (*SHARES.items(), ("train", 1.0)):
            count = round(share * len(pictures)) if split != "train" else len(pictures)
            if split == "train" and folder.name == words.rare:
                count = words.keep
            target = data / split / folder.name
            target.mkdir(parents=True)
            for picture in pictures[:count]:
                shutil.copy(picture, target)
            pictures = pictures[count:]


def write_texts(words: argparse.Namespace, data: Path) -> None:
    """Writes train.csv, val.csv and test.csv with the labels yes, for the rare class, and no."""
    data.mkdir()
    rng = random.Random(words.seed)
    train = list(rows_of(words.data / "train.csv", words.rare))
    rng.shuffle(train)
    cut = round(SHARES["val"] * len(train))
    parts = {"val": train[:cut], "train": train[cut:], "test": list(rows_of(words.data / "test.csv", words.rare))}
    for split, rows in parts.items():
        with (data / f"{split}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("text", "label"), *rows])


def rows_of(table: Path, rare: str) -> Iterator[tuple[str, str]]:
    """Yields texts with yes or no, from a table whose last column is the class."""
    with table.open(newline="", encoding="utf-8") as file:
        next(reader := csv.reader(file))
        yield from ((row[0], "yes" if row[-1] == rare else "no") for row in reader)


if __name__ == "__main__":
    main()
