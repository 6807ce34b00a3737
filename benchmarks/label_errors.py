"""Check the ranking of likely label errors: how many labels that were changed on purpose
come first.

KERAS_HOME=keras_home python benchmarks/label_errors.py --data data/sign_digits
KERAS_HOME=keras_home python benchmarks/label_errors.py --data data/trashnet --share 0.05 --seed 1
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Settings:
    """Data with one folder for each class, and what is changed in them."""

    data: Path
    share: float = 0.05
    """Share of the pictures whose label is changed to another one at random."""
    listed: float = 0.08
    """Share of the pictures that are looked through, the likeliest errors first."""
    seed: int = 0
    flags: str = "--backbone MobileNetV2 --augment none --tune.epochs 0 --no-flip"
    """Flags of the recipe."""


def main(settings: Settings) -> None:
    """Prints how many of the changed labels are among the first of `suspects.csv`, and the first others."""
    with tempfile.TemporaryDirectory() as folder:
        changed, count = _copied(settings, Path(folder, "data"))
        words = f"--data {folder}/data --out {folder}/run --leaks accept {settings.flags}".split()
        subprocess.run([sys.executable, "-m", "recipes.image_classification", *words], check=True, stdout=sys.stderr)
        with Path(folder, "run", "suspects.csv").open(newline="") as file:
            suspects = list(csv.DictReader(file))
        first = suspects[: round(settings.listed * count)]
        found = {Path(row["example"]).name for row in first} & changed
        print(f"{count} pictures, {len(changed)} labels changed (seed {settings.seed})")
        print(f"{len(suspects)} listed; among the first {len(first)}: {len(found)} changed ones")
        print(f"found: {len(found) / len(changed):.1%}")
        others = [row for row in first if Path(row["example"]).name not in changed]
        print("the first others, which may be errors of the data themselves:")
        for row in others[:10]:
            print(f"  {row['example']}: {row['label']}, probably {row['likely']} ({row['reason']})")


def _copied(settings: Settings, folder: Path) -> tuple[set[str], int]:
    """Copies the pictures to folders of their labels, some of which are changed; returns the names of those, and the
    number of pictures."""
    paths = sorted(path for path in settings.data.rglob("*") if path.suffix.lower() in SUFFIXES)
    labels = [path.parent.name for path in paths]
    names, rng = sorted(set(labels)), np.random.default_rng(settings.seed)
    chosen = set(rng.choice(len(paths), round(settings.share * len(paths)), replace=False).tolist())
    changed = set()
    for index, (path, label) in enumerate(zip(paths, labels, strict=True)):
        name = f"{label}_{path.name}"
        if index in chosen:
            label = str(rng.choice([other for other in names if other != label]))
            changed.add(name)
        (folder / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / label / name)
    return changed, len(paths)


if __name__ == "__main__":
    main(tyro.cli(Settings))
