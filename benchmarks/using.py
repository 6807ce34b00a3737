"""How exactly and how quickly a run folder answers.

For each run folder: whether `tfft predict` gives the answers that the run scored, also for pictures that are stored in
other formats; its speed beside a bare loop that decodes and predicts in batches; and how its memory grows.

    python benchmarks/using.py runs/mine
    python benchmarks/using.py runs/mine --speed pictures/ --repetitions 3
    python benchmarks/using.py runs/mine --memory pictures/
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import tyro

MANY = 50_000
"""Inputs of the larger run of which the memory is measured."""


@dataclass(frozen=True)
class Settings:
    """What to measure."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, made by recipes that come with tfft."""
    speed: Path | None = None
    """Folder of pictures to answer for, as quickly as possible, beside a bare loop."""
    memory: Path | None = None
    """Folder of pictures to answer for once, and so often that there are 50,000."""
    repetitions: int = 3
    """Of each measurement of speed."""


def main(settings: Settings) -> None:
    """Prints what was measured."""
    for run in settings.runs:
        if settings.speed is not None:
            compare_speed(run, settings.speed, settings.repetitions)
        elif settings.memory is not None:
            compare_memory(run, settings.memory)
        else:
            compare_answers(run)


def compare_answers(run: Path) -> None:
    """Prints the largest difference between the answers of a run folder and those that the run scored."""
    import numpy as np
    from keras import tree

    import tfft
    from tfft import front, training
    from tfft.runs.replay import data_config
    from tfft.serving.splits import read_splits

    stored = json.loads((run / "config.json").read_text())
    page = front.open_page(stored["recipe"])
    config, predict = data_config(page.Config, run), tfft.open(run)
    splits = page.load_data(config, page.RECIPE.build_backbone(config))
    split, report = list(json.loads((run / "report.json").read_text())["scores"].items())[-1]
    records, examples = read_splits(run).of(page.find_data(config), split), getattr(splits, split)
    if predict.contract.generation is not None:
        # the texts that the run scored are in no file; its score is
        scored, found = None, None
    else:
        from tfft.serving.outputs import fixed_size

        only = type(splits)(examples, splits.val, None, splits.labels)
        model = fixed_size(predict.model) if predict.noun == "pictures" else inner(predict.model)
        scored = training.predict(model, only)["train"]
        found = dict(zip(examples.ids, range(len(examples)), strict=True))
    forms: dict[str, Callable[[bytes], bytes]] = {"as they are": lambda content: content}
    if predict.noun == "pictures":
        forms |= {"as PNG": as_png, "as WebP": as_webp, "turned, with an EXIF tag": as_phone}
    score = tfft.evaluate(run)
    name = next(name for name, value in report.items() if isinstance(value, float))
    print(f"{run.name}: {name} of the run {report[name]:.6f}, again {score[name]:.6f}")
    for form, encoded in forms.items():
        contents = (encoded(record.read()) for record in records)
        largest = 0.0
        for record, (_, output) in zip(records, predict.raw(predict.reader.items(contents)), strict=True):
            if scored is not None:
                place = found[record.digest]
                own = tree.map_structure(lambda rows, place=place: rows[place], scored)
                pairs = zip(tree.flatten(own), tree.flatten(output), strict=True)
                largest = max(largest, *(float(np.abs(one - other).max()) for one, other in pairs))
        if scored is not None:
            print(f"  {form}: {len(records)} examples, largest difference {largest:.2e}")


def inner(model: Any) -> Any:
    """The network for tokens inside a model for texts."""
    from tfft.serving.outputs import network_of

    return network_of(model)


def as_png(content: bytes, **options: Any) -> bytes:
    """The same pixels as a PNG."""
    from PIL import Image, ImageOps

    file = io.BytesIO()
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    image.convert("RGB").save(file, **{"format": "PNG", **options})
    return file.getvalue()


def as_webp(content: bytes) -> bytes:
    """The same pixels as a lossless WebP."""
    return as_png(content, format="WEBP", lossless=True)


def as_phone(content: bytes) -> bytes:
    """The same picture, stored lying, with the EXIF tag that says so."""
    from PIL import Image, ImageOps

    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    image.transpose(Image.Transpose.ROTATE_90).save(file, "PNG", exif=exif)
    return file.getvalue()


BARE = """
import sys, time
from pathlib import Path
import keras, numpy as np
from PIL import Image
run, folder = map(Path, sys.argv[1:])
model = keras.saving.load_model(run / "model.keras", compile=False)
height, width = model.input_shape[1:3]
files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
model.predict_on_batch(np.zeros((32, height, width, 3), "float32"))  # the graph is made before
start = time.perf_counter()
for place in range(0, len(files), 32):
    images = [Image.open(file).convert("RGB") for file in files[place : place + 32]]
    images = [image.resize((width, height), Image.BILINEAR) for image in images]
    model.predict_on_batch(np.stack([np.asarray(image, "float32") for image in images]))
print(len(files), time.perf_counter() - start)
"""
OURS = """
import sys, time
from pathlib import Path
import tfft
from tfft.serving.predicting import Job, predict_all
predict = tfft.open(sys.argv[1])
import numpy as np
predict(np.zeros((64, 64, 3), "uint8"))
start = time.perf_counter()
predict_all(predict, sys.argv[2], Job(out=Path(sys.argv[3])))
with open(sys.argv[3]) as file:
    print(sum(1 for _ in file) - 1, time.perf_counter() - start)
"""


def compare_speed(run: Path, folder: Path, repetitions: int) -> None:
    """Prints pictures per second, from files to a .csv file, beside a bare loop; both after a first batch."""
    speeds: dict[str, list[float]] = {"bare loop": [], "tfft predict": []}
    for _ in range(repetitions):
        for name, code in (("bare loop", BARE), ("tfft predict", OURS)):
            with tempfile.TemporaryDirectory() as out:
                words = [sys.executable, "-c", code, str(run), str(folder)]
                words += [f"{out}/answers.csv"] if name != "bare loop" else []
                count, seconds = map(float, output(words).split()[-2:])
            speeds[name].append(count / seconds)
    for name, values in speeds.items():
        print(f"{run.name}, {name}: {median(values):.1f} pictures a second ({', '.join(f'{v:.1f}' for v in values)})")
    print(f"ratio of the medians: {median(speeds['tfft predict']) / median(speeds['bare loop']):.2f}")


PEAK = """
import resource, sys
from pathlib import Path
sys.argv = ["tfft", "predict", *sys.argv[1:]]
from tfft.commands import app
app()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def compare_memory(run: Path, folder: Path) -> None:
    """Prints the peak memory of `tfft predict` over the pictures of a folder, and over 50,000 of them, from a table."""
    files = sorted(path.resolve() for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    for count in (len(files), MANY):
        with tempfile.TemporaryDirectory() as name:
            with (Path(name) / "list.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["path"])
                writer.writerows([files[place % len(files)]] for place in range(count))
            start = time.perf_counter()
            words = [sys.executable, "-c", PEAK, str(run), f"{name}/list.csv", "--out", f"{name}/answers.csv"]
            peak = float(output([*words, "--column", "path"]).split()[-1])
            print(f"{run.name}: {count:,} inputs, peak {peak:,.0f} MB, {time.perf_counter() - start:.0f} s", flush=True)


def output(words: list[str]) -> str:
    """What a command prints."""
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
