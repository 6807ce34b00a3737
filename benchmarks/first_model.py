"""Measure how soon a run with its defaults has saved a model as good as the script of the Keras guide makes.

    KERAS_HOME=keras_home python benchmarks/first_model.py hymenoptera trashnet --seed 0

The script of the guide trains 10 epochs with a frozen MobileNetV2 and 10 with its top stage unfrozen, see
`frozen_once.py`; its score is that of its best epoch on validation. The seconds are those of the whole processes. A run
of tfft saves its model once the head is solved and again at the end; the first one that is at least as good counts.
The last columns are the seconds of the whole run and its accuracy on test, for the record.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PLAIN = Path(__file__).with_name("frozen_once.py")
EVERY = 0.1
"""Seconds from one look for a saved model to the next."""


def main() -> None:
    """Prints a row for each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--seed", default="0")
    words = parser.parse_known_args()
    chosen, flags = words
    print("| data | script, val | script s | first model as good s | ratio | saved models: s, val | run s | test |")
    print("| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |")
    for data in chosen.data:
        with tempfile.TemporaryDirectory() as folder:
            wanted, seconds = script(data, chosen.seed, Path(folder))
            start = time.monotonic()
            saved = list(models(data, chosen.seed, Path(folder), flags))
            whole = time.monotonic() - start
            scores = json.loads(Path(folder, "run", "report.json").read_text(encoding="utf-8"))["scores"]
            test = f"{scores['test']['accuracy']:.4f}" if "test" in scores else "-"
        first = next((after for after, score in saved if score >= wanted), None)
        ratio = "never" if first is None else f"{first:.1f} | {seconds / first:.1f}"
        listed = "; ".join(f"{after:.1f}, {score:.4f}" for after, score in saved)
        before = f"| {Path(data).name} | {wanted:.4f} | {seconds:.1f} |"
        print(f"{before} {ratio} | {listed} | {whole:.1f} | {test} |", flush=True)


def script(data: str, seed: str, folder: Path) -> tuple[float, float]:
    """The best validation accuracy of the script, and the seconds of its process."""
    command = [sys.executable, str(PLAIN), "--data", data, "--seed", seed, "--modes", "plain"]
    start = time.monotonic()
    subprocess.run([*command, "--child", str(folder / "plain.json")], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    return json.loads((folder / "plain.json").read_text())["accuracy"], seconds


def models(data: str, seed: str, folder: Path, flags: list[str]) -> Iterator[tuple[float, float]]:
    """Yields the seconds after which a model was saved, and its validation accuracy."""
    out = folder / "run"
    command = [sys.executable, "-m", "recipes.image_classification", "--data", data, "--seed", seed, *flags]
    start = time.monotonic()
    run = subprocess.Popen(
        [*command, "--out", str(out), "--store.folder", str(folder / "store")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    last = 0.0
    while run.poll() is None:
        changed = (out / "model.keras").stat().st_mtime if (out / "model.keras").exists() else 0.0
        if changed > last:
            last, after = changed, time.monotonic() - start
            with (out / "history.csv").open(newline="") as file:
                yield after, max(float(row["val_accuracy"]) for row in csv.DictReader(file))
        time.sleep(EVERY)
    if run.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {run.returncode}")


if __name__ == "__main__":
    main()
