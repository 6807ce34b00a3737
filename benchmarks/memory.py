"""Check that memory does not grow with the data: the peak of a whole run with few and with many pictures.

Pictures are generated. The store is on disk (`--store.memory 0`) and empty at the start of each run. Its size is
checked every second; where the limit is too low for everything, the rest is computed in every epoch.

    python benchmarks/memory.py --counts 2000 20000
    python benchmarks/memory.py --counts 2000 200000 --limit 2 --size 64
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

CHILD = """
import json, resource, sys
from recipes.image_classification import run, Config, DEMO
from tfft import cli
cli.main(run, Config, DEMO, sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)
open(sys.argv[1], "w").write(json.dumps(peak))
"""


@dataclass(frozen=True)
class Settings:
    """Sizes and flags of the measured runs."""

    counts: tuple[int, ...] = (2000, 20000)
    """Number of pictures in each run."""
    size: int = 96
    """Height and width of the pictures."""
    limit: float = 50.0
    """Size limit of the store in gigabytes."""
    flags: str = "--augment light --views 2 --head.epochs 1 --tune.epochs 1 --tune.unfreeze 1"
    """More flags of the recipe."""


def main(settings: Settings) -> None:
    """Prints seconds and peak memory for each count, and the ratio of the last peak to the first."""
    peaks = []
    print("| pictures | seconds | peak of resident memory, MB | largest store, GB |\n| ---: | ---: | ---: | ---: |")
    for count in settings.counts:
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder, "data"), count, settings.size)
            words = (
                f"--data {folder}/data --weights none --image-size {settings.size} {settings.size} "
                f"--out {folder}/run --store.folder {folder}/store --store.memory 0 "
                f"--store.limit {settings.limit} {settings.flags}"
            ).split()
            start = time.monotonic()
            largest = watched([sys.executable, "-c", CHILD, f"{folder}/peak", *words], Path(folder, "store"))
            peaks.append(json.loads(Path(folder, "peak").read_text()))
            row = f"| {count:,} | {time.monotonic() - start:.0f} | {peaks[-1]:,.0f} | {largest / 1e9:.2f} |"
            print(row, flush=True)
    print(f"\nratio of the last to the first: {peaks[-1] / peaks[0]:.3f}")


def watched(command: list[str], store: Path) -> int:
    """Runs a command; returns the most bytes that the store had meanwhile.

    Raises:
        RuntimeError: If the command fails.
    """
    largest = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            time.sleep(1)
            with suppress(FileNotFoundError):  # a file has been removed meanwhile
                largest = max(largest, sum(path.stat().st_size for path in store.rglob("*.chunk")))
    if child.returncode:
        raise RuntimeError(f"{command} failed")
    return largest


def generate(folder: Path, count: int, size: int) -> None:
    """Writes noisy pictures of two classes, all different."""
    rng = np.random.default_rng(0)
    for label in ("dark", "light"):
        (folder / label).mkdir(parents=True)
    for number in range(count):
        label, level = (("dark", 80), ("light", 170))[number % 2]
        pixels = np.clip(rng.normal(level, 40, (size // 8, size // 8, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).resize((size, size)).save(folder / label / f"{number}.jpg", quality=85)


if __name__ == "__main__":
    main(tyro.cli(Settings))
