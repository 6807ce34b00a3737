"""Compare the audit of pictures with CleanVision: both search a copy of a data set with planted
faults.

CleanVision is compared if it is installed (`pip install cleanvision`).

    python benchmarks/audit.py --data data/trashnet
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image, ImageFilter

from tfft import data
from tfft.store import Storage

THEIRS = {
    "dark": "dark", "bright": "light", "blurred": "blurry", "flat": "low_information", "odd shape": "odd_aspect_ratio",
    "odd size": "odd_size", "grey": "grayscale", "duplicate": "exact_duplicates", "near-duplicate": "near_duplicates",
}  # fmt: skip
"""Names of CleanVision's checks."""
SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Settings:
    """Data with one folder for each class."""

    data: Path
    each: int = 10
    """Faults of each kind."""
    seed: int = 0


def main(settings: Settings) -> None:
    """Prints recall and false alarms of each check, and pictures a second."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(settings.data, copied := Path(folder, "data"))
        planted = plant(copied, settings)
        count = sum(path.suffix.lower() in SUFFIXES for path in copied.rglob("*"))
        ours, seconds = tfft_finds(copied, Path(folder, "store"))
        again = tfft_finds(copied, Path(folder, "store"))[1]
        print(f"{count:,} pictures; tfft: {seconds:.1f} s ({count / seconds:,.0f} a second), again {again:.2f} s")
        columns = {"tfft": ours}
        if importlib.util.find_spec("cleanvision"):
            columns["CleanVision"], seconds = cleanvision_finds(copied)
            print(f"CleanVision: {seconds:.1f} s ({count / seconds:,.0f} a second)")
        print(f"\n| check | planted | {' | '.join(f'{name}: found | false alarms' for name in columns)} |")
        print("| --- | ---: |" + " ---: | ---: |" * len(columns))
        for check, files in planted.items():
            cells = []
            for found in columns.values():
                right = {file for file in found.get(check, set()) if file in files}
                cells += [f"{len(right)}", f"{len(found.get(check, set()) - files)}"]
            print(f"| {check} | {len(files)} | {' | '.join(cells)} |")


def plant(folder: Path, settings: Settings) -> dict[str, set[str]]:
    """Changes pictures of a folder; returns by check the names of those that it should find."""
    rng = np.random.default_rng(settings.seed)
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    drawn = iter(rng.choice(len(paths), settings.each * len(THEIRS), replace=False).tolist())
    changes: dict[str, Callable[[Image.Image], Image.Image]] = {
        "dark": lambda image: image.point(lambda value: value * 0.15),
        "bright": lambda image: image.point(lambda value: 250 + value // 64),
        "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(0.03 * max(image.size))),
        "flat": lambda image: Image.new("RGB", image.size, tuple(rng.integers(60, 200, 3).tolist())),
        "odd shape": lambda image: image.crop((0, 0, image.width, image.height // 5)).resize(
            (image.width, image.height // 5)
        ),
        "odd size": lambda image: image.resize((4 * image.width, 4 * image.height)),
        "grey": lambda image: image.convert("L"),
    }
    planted: dict[str, set[str]] = {check: set() for check in THEIRS}
    for check in THEIRS:
        for _ in range(settings.each):
            path = paths[next(drawn)]
            if check in changes:
                with Image.open(path) as image:
                    changed = changes[check](image.convert("RGB"))
                changed.save(path, "JPEG", quality=92)
                planted[check].add(path.name)
            else:
                copy = path.with_name(f"copy_{path.name}")
                copy.write_bytes(path.read_bytes() if check == "duplicate" else _saved_again(path))
                planted[check].add(copy.name)
    return planted


def _saved_again(path: Path) -> bytes:
    """Smaller, and with a lower quality."""
    file = io.BytesIO()
    with Image.open(path) as image:
        smaller = image.convert("RGB").resize((int(0.8 * image.width), int(0.8 * image.height)))
    smaller.save(file, "JPEG", quality=70)
    return file.getvalue()


def tfft_finds(folder: Path, store: Path) -> tuple[dict[str, set[str]], float]:
    """By check the names of the pictures, and seconds; of equal ones the copy counts as found if either is."""
    start = time.monotonic()
    storage = Storage(folder=str(store))
    records = data.mark_near_duplicates(data.find_pictures(str(folder), data.Columns()), storage)
    found: dict[str, set[str]] = {}
    for one in data.audit_pictures(records, storage):
        name = Path(one.where).name
        if one.check in ("duplicate", "near-duplicate", "contradiction"):
            names = {name, Path(one.detail.split()[-1].rstrip(":")).name}
            name = max(names, key=lambda other: other.startswith("copy_"))
        found.setdefault(one.check, set()).add(name)
    return found, time.monotonic() - start


def cleanvision_finds(folder: Path) -> tuple[dict[str, set[str]], float]:
    """The same of CleanVision, with its defaults."""
    from cleanvision import Imagelab

    start = time.monotonic()
    lab = Imagelab(data_path=str(folder))
    lab.find_issues(verbose=False)
    seconds = time.monotonic() - start
    found = {}
    for ours, theirs in THEIRS.items():
        flagged = lab.issues.index[lab.issues[f"is_{theirs}_issue"]]
        names = {Path(path).name for path in flagged}
        if "duplicate" in theirs:
            sets = lab.info[theirs]["sets"]
            names = {max((Path(p).name for p in group), key=lambda name: name.startswith("copy_")) for group in sets}
        found[ours] = names
    return found, seconds


if __name__ == "__main__":
    main(tyro.cli(Settings))
