"""Check that memory does not grow with the number of runs in one process, such as a notebook.

    python benchmarks/ten_runs.py --recipe image_classification

The first run is not counted: it loads what all others use.
"""

from __future__ import annotations

import dataclasses
import gc
import importlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
import tyro

from tfft.training import Phase


@dataclass(frozen=True)
class Settings:
    """What runs how often."""

    recipe: str = "image_classification"
    """The recipe, with its smallest settings."""
    runs: int = 10
    """Runs in one process."""


def main(settings: Settings) -> None:
    """Prints the resident memory after each run, and the ratio of the last to the second."""
    if settings.runs < 2:
        raise SystemExit("`--runs` must be at least 2")
    page = importlib.import_module(f"recipes.{settings.recipe}")
    phases = {"head": Phase(epochs=1), "tune": Phase(epochs=1, unfreeze=1)}
    sizes = []
    with tempfile.TemporaryDirectory() as name:
        os.environ["TFFT_STORE"] = str(Path(name, "store"))
        for number in range(settings.runs):
            page.run(dataclasses.replace(page.SMOKE, out=str(Path(name, str(number))), **phases))
            gc.collect()
            sizes.append(psutil.Process().memory_info().rss / 1e6)
    print("resident memory after each run, MB:", *(f"{size:,.0f}" for size in sizes))
    print(f"ratio of the last to the second: {sizes[-1] / sizes[1]:.3f}")


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
