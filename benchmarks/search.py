"""Measure the time of a search against the same number of plain Keras runs.

- `search`: `tfft.search` with an empty store, with its trials that are stopped early and without the last run.
- `plain`: the script of the Keras guide to transfer learning, as in `frozen_once.py`, each time with another learning
  rate; three runs are timed, and their mean is multiplied by the number of trials.

Both train 10 epochs of the second phase at most, on the same pictures, and each runs in its own process, one after the
other. A head of one Dense layer is solved by tfft and trained for 10 epochs by Keras. Seconds are those of the whole
process. Needs `pip install ".[search]"`.

    KERAS_HOME=keras_home python benchmarks/search.py --data hymenoptera
    python benchmarks/search.py --data hymenoptera --weights none --trials 6 --epochs 2 --plain-runs 1

`--data` is a folder with train/ and val/, each with a sub-folder per class, or a folder with only the classes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import frozen_once
import tyro

from recipes import image_classification
from tfft import searching
from tfft.cli import log_to_screen
from tfft.store import Storage
from tfft.training import Phase

RATES = (3e-5, 1e-4, 3e-4)
"""Learning rates of the plain runs, in turn."""


@dataclass(frozen=True)
class Settings:
    """Data, network and size of the search."""

    data: Path
    """Folder of pictures."""
    backbone: str = "MobileNetV2"
    """Name of a network in keras.applications."""
    weights: str = "imagenet"
    """imagenet, none, or a weights file."""
    image_size: tuple[int, int] = (224, 224)
    """Height and width in pixels."""
    epochs: int = 10
    """Epochs with the top stages unfrozen; so many come before with a frozen backbone."""
    augment: Literal["none", "light"] = "light"
    """light: flip, rotation, zoom, brightness and contrast; the plain script uses Keras layers."""
    trials: int = 30
    """Trials of the search."""
    plain_runs: int = 3
    """Plain runs that are timed."""
    seed: int = 0
    """Random seed."""
    child: str = ""
    """Internal: what this process does, `search` or the number of a plain run."""
    folder: Path | None = None
    """Internal: folder of the store, the search and the results."""


def main(settings: Settings) -> None:
    """Times the search and the plain runs, each in its own process, and prints a Markdown table."""
    times, results = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("search", *map(str, range(settings.plain_runs))):
            words = [*sys.argv[1:], "--child", name, "--folder", folder]
            start = time.monotonic()
            subprocess.run([sys.executable, __file__, *words], check=True, stdout=sys.stderr)
            times[name] = time.monotonic() - start
            results[name] = json.loads(Path(folder, f"{name}.json").read_text())
    plain = [times[str(number)] for number in range(settings.plain_runs)]
    whole = sum(plain) / len(plain) * settings.trials
    best = max(results[str(number)]["accuracy"] for number in range(settings.plain_runs))
    found = results["search"]
    print(
        f"{settings.data.name}, {settings.backbone}, {settings.epochs}+{settings.epochs} epochs, {settings.augment}\n"
    )
    print("| how | trials | stopped early | seconds | times faster | best val accuracy |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    each = ", ".join(f"{seconds:.0f}" for seconds in plain)
    print(f"| plain Keras ({each} s each) | {settings.trials} | 0 | {whole:.0f} | 1.0 | {best:.4f} |")
    print(
        f"| tfft.search | {settings.trials} | {found['stopped']} | {times['search']:.0f} | "
        f"{whole / times['search']:.1f} | {found['accuracy']:.4f} |"
    )


def search(settings: Settings) -> dict[str, Any]:
    """Searches; the last run is left out."""
    config = image_classification.Config(
        data=str(settings.data),
        backbone=settings.backbone,
        weights=settings.weights,
        image_size=settings.image_size,
        augment=settings.augment,
        head=Phase(epochs=settings.epochs, optimizer="auto", views=2),
        tune=Phase(epochs=settings.epochs, learning_rate=1e-4, optimizer="adamw", schedule="cosine", unfreeze=2),
        seed=settings.seed,
        store=Storage(folder=str(settings.folder / "store")),
        out=str(settings.folder / "search"),
    )
    log_to_screen()
    page: ModuleType | Any = SimpleNamespace(RECIPE=image_classification.RECIPE, run=lambda best: best)
    held = {"tune.epochs": [settings.epochs]}
    trials = searching.search(page, config, trials=settings.trials, space=held).trials
    stopped = sum(row["state"] == "stopped" for row in trials)
    return {"accuracy": max(row["val_accuracy"] or 0.0 for row in trials), "stopped": stopped}


def plain(settings: Settings, number: int) -> dict[str, Any]:
    """Trains once with plain Keras."""
    same = ("data", "backbone", "weights", "image_size", "augment", "seed")
    return frozen_once.plain(
        frozen_once.Settings(
            **{name: getattr(settings, name) for name in same},
            head_epochs=settings.epochs,
            tune_epochs=settings.epochs,
            tune_rate=RATES[number % len(RATES)],
            unfreeze=2,
        ),
        cache=False,
    )


if __name__ == "__main__":
    chosen = tyro.cli(Settings)
    if not chosen.child:
        main(chosen)
    else:
        result = search(chosen) if chosen.child == "search" else plain(chosen, int(chosen.child))
        Path(chosen.folder, f"{chosen.child}.json").write_text(json.dumps(result))
