"""Check the ranking of boxes that are probably wrong: how many that were changed on purpose come first.

The data are folders in Pascal VOC format. A third of the changed boxes gets another class, a third is removed, and a
third is moved by half its size.

    KERAS_HOME=keras_home python benchmarks/box_errors.py --data data/playing_cards
    KERAS_HOME=keras_home python benchmarks/box_errors.py --data data/playing_cards --seed 1
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import tyro

KINDS = ("class", "removed", "moved")


@dataclass(frozen=True)
class Settings:
    """Data in Pascal VOC format, and what is changed in them."""

    data: Path
    share: float = 0.05
    """Share of the boxes that are changed."""
    listed: float = 0.08
    """Number of entries that are looked through, the likeliest errors first, as a share of the boxes."""
    seed: int = 0
    flags: str = "--tune.epochs 16"
    """Flags of the recipe."""


def main(settings: Settings) -> None:
    """Prints how many of the changed boxes are among the first of `suspects.csv`, and the first others."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(settings.data, Path(folder, "data"))
        changed, count = _changed(settings, Path(folder, "data"))
        words = f"--data {folder}/data --out {folder}/run {settings.flags}".split()
        subprocess.run([sys.executable, "-m", "recipes.object_detection", *words], check=True, stdout=sys.stderr)
        with Path(folder, "run", "suspects.csv").open(newline="") as file:
            suspects = list(csv.DictReader(file))
    first = suspects[: round(settings.listed * count)]
    listed = {(Path(row["example"]).name, row["label"], row["likely"]) for row in first}
    kinds = Counter(kind for kind, *_ in changed)
    found = Counter(kind for kind, *as_listed in changed if tuple(as_listed) in listed)
    print(f"{count} boxes, {len(changed)} changed (seed {settings.seed}); {len(suspects)} listed")
    print(f"among the first {len(first)}: {sum(found.values())} changed ones, {sum(found.values()) / len(changed):.1%}")
    print("; ".join(f"{kind}: {found[kind]} of {kinds[kind]}" for kind in KINDS))
    planted = {tuple(as_listed) for _, *as_listed in changed}
    print("the first others, which may be errors of the data themselves:")
    others = [row for row in first if (Path(row["example"]).name, row["label"], row["likely"]) not in planted]
    for row in others[:10]:
        print(f"  {row['example']} ({row['split']}): {row['label']}, probably {row['likely']} ({row['reason']})")


def _changed(settings: Settings, folder: Path) -> tuple[list[tuple[str, str, str, str]], int]:
    """Changes some boxes in a copy of the data; returns of each the kind, the name of the picture, and the label and
    the likely label that should be listed; and the number of all boxes."""
    trees = {path: ElementTree.parse(path) for path in sorted(folder.rglob("*.xml"))}
    boxes = [(path, element) for path, tree in trees.items() for element in tree.getroot().findall("object")]
    names, rng = sorted({element.findtext("name") for _, element in boxes}), np.random.default_rng(settings.seed)
    changed = []
    for turn, index in enumerate(rng.choice(len(boxes), round(settings.share * len(boxes)), replace=False)):
        path, element = boxes[index]
        root, kind, given = trees[path].getroot(), KINDS[turn % len(KINDS)], element.findtext("name")
        likely = given
        if kind == "class":
            given = str(rng.choice([name for name in names if name != likely]))
            element.find("name").text = given
        elif kind == "removed":
            given = "no box"
            root.remove(element)
        else:
            _move(element.find("bndbox"), *(float(root.findtext(f"size/{side}")) for side in ("width", "height")))
        changed.append((kind, root.findtext("filename"), given, likely))
    for path, tree in trees.items():
        tree.write(path)
    return changed, len(boxes)


def _move(box: ElementTree.Element, width: float, height: float) -> None:
    """Moves a box by half its size in both directions, to where there is more room."""
    for low, high, most in (("xmin", "xmax", width), ("ymin", "ymax", height)):
        start, end = float(box.findtext(low)), float(box.findtext(high))
        step = (end - start) / 2 * (1 if most - end > start else -1)
        box.find(low).text, box.find(high).text = str(max(0, start + step)), str(min(most, end + step))


if __name__ == "__main__":
    main(tyro.cli(Settings))
