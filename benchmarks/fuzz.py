"""Damage files of every kind that tfft reads, at random, and check that each ends as an error that it explains.

A case is a small valid file with a few changes: bytes flipped, cut, doubled, or replaced by what often breaks readers.
It passes if it is read, or refused with a `TfftError`, within ten seconds, without writing a file anywhere.

    python benchmarks/fuzz.py --cases 5000
    python benchmarks/fuzz.py --cases 200 --kinds voc --seed 7
"""

from __future__ import annotations

import csv
import faulthandler
import io
import json
import logging
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tyro
from PIL import Image

from tfft import pages, serving
from tfft.data import (
    Columns,
    Label,
    Record,
    TextColumns,
    assign_splits,
    find_boxes,
    find_pictures,
    find_texts,
    read_pictures,
)
from tfft.data.records import digested
from tfft.errors import TfftError
from tfft.runs.replay import read_config
from tfft.store import Storage, open_store
from tfft.training.recording import History
from tfft.training.state import State, read_state, write_state

SECONDS = 10
"""Longest time for a case."""
NASTY = [
    b"",
    b"\0",
    b"\xff" * 8,
    b"-1",
    b"1e999",
    b"NaN",
    b"9" * 400,
    b"../" * 20,
    b"\r\n",
    b'"',
    b"[" * 2000,
    b"{}",
    b"&a;",
    b"=",
]
"""What often breaks readers."""


@dataclass(frozen=True)
class Settings:
    """How many cases of which kinds."""

    cases: int = 5000
    """Cases in all, the kinds in turn."""
    kinds: tuple[str, ...] = ()
    """By default all."""
    seed: int = 0
    """Of the changes; with `--cases 1` and a printed seed one case is repeated."""


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    make: Callable[[Path], Path]
    """Writes valid data into a folder and returns the file to damage."""
    read: Callable[[Path], object]
    """Reads the data in the folder as tfft does."""


def main(settings: Settings) -> int:
    """Prints the outcomes by kind; returns the number of cases that did not end as they should."""
    logging.disable(logging.CRITICAL)
    kinds = {name: KINDS[name] for name in settings.kinds or KINDS}
    outcomes: dict[str, Counter[str]] = {name: Counter() for name in kinds}
    wrong, slowest, start = 0, 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        valid = {}
        for kind, made in kinds.items():
            (work / kind).mkdir()
            valid[kind] = made.make(work / kind).relative_to(work / kind)
            made.read(work / kind)
        for number in range(settings.cases):
            kind = list(kinds)[number % len(kinds)]
            seed = settings.seed + number
            folder = work / "case"
            shutil.copytree(work / kind, folder)
            path = folder / valid[kind]
            path.write_bytes(damaged(path.read_bytes(), random.Random(seed)))
            before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
            began = time.monotonic()
            faulthandler.dump_traceback_later(6 * SECONDS, exit=True)
            try:
                kinds[kind].read(folder)
                outcome = "read"
            except TfftError as error:
                outcome = f"exit {error.exit_code}"
            except Exception:
                outcome = "TRACEBACK"
                print(f"{kind}, --seed {seed}:\n{traceback.format_exc()}")
            faulthandler.cancel_dump_traceback_later()
            slowest = max(slowest, time.monotonic() - began)
            if time.monotonic() - began > SECONDS:
                outcome = "SLOW"
            if any(file.exists() and file.read_bytes() != content for file, content in before.items()):
                outcome = "CHANGED A FILE"
            outcomes[kind][outcome] += 1
            wrong += outcome.isupper()
            shutil.rmtree(folder)
    for kind, counts in outcomes.items():
        print(f"{kind:8}", ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(counts.items())))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 1024
    print(f"{settings.cases:,} cases, {wrong} wrong; slowest {slowest:.1f} s; memory grew by {grown:.0f} MB")
    return wrong


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The content with one to four changes."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        end = min(len(changed), place + rng.choice((1, 1, 4, 30, 300)))
        match rng.randrange(6):
            case 0 if place < len(changed):
                changed[place] ^= 1 << rng.randrange(8)
            case 1:
                del changed[place:end]
            case 2:
                changed[place:place] = changed[place:end]
            case 3:
                changed[place:end] = rng.choice(NASTY)
            case 4:
                del changed[place:]
            case _:
                changed[place:end] = rng.randbytes(end - place)
    return bytes(changed)


def _picture(form: str) -> Kind:
    def make(folder: Path) -> Path:
        for number in range(4):
            noise = np.random.default_rng(number).integers(0, 256, (8, 9, 3), np.uint8)
            Image.fromarray(noise).resize((60, 40)).save(folder / f"{number}.{form.lower()}", form)
        return folder / f"0.{form.lower()}"

    def read(folder: Path) -> object:
        splits = ("train", "train", "val", "val")
        records = digested(
            [
                Record(path, Label("ab"[n % 2]), where=path.name, split=splits[n])
                for n, path in enumerate(sorted(folder.iterdir()))
            ]
        )
        return read_pictures(records, image_size=(16, 16), storage=Storage(limit=0))

    return Kind(make, read)


def _table(rows: list[dict[str, str]], name: str, find: Callable[[str], list[Record]]) -> Kind:
    def make(folder: Path) -> Path:
        text = io.StringIO()
        if name.endswith(".jsonl"):
            text.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(text, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        (folder / name).write_text(text.getvalue(), encoding="utf-8")
        for number, row in enumerate(rows):
            if "path" in row:
                Image.new("RGB", (8, 8 + number)).save(folder / row["path"])
        return folder / name

    return Kind(make, lambda folder: find(str(folder / name)))


def _boxes(form: str) -> Kind:
    def make(folder: Path) -> Path:
        names = [f"{number}.png" for number in range(4)]
        (folder / "images").mkdir()
        for number, name in enumerate(names):
            Image.new("RGB", (30, 20), (60 * number, 0, 0)).save(folder / "images" / name)
        if form == "coco":
            content = {
                "images": [{"id": n, "file_name": name, "height": 20, "width": 30} for n, name in enumerate(names)],
                "categories": [{"id": 1, "name": "ant"}, {"id": 2, "name": "bee"}],
                "annotations": [
                    {"id": n, "image_id": n, "category_id": 1 + n % 2, "bbox": [3, 2, 10, 10]} for n in range(4)
                ],
            }
            (folder / "all.json").write_text(json.dumps(content))
            return folder / "all.json"
        notes = folder / ("annotations" if form == "voc" else "labels")
        notes.mkdir()
        for number, name in enumerate("abab"):
            box = f"<name>{name}</name><bndbox><xmin>3</xmin><ymin>2</ymin><xmax>13</xmax><ymax>12</ymax></bndbox>"
            size = "<size><width>30</width><height>20</height></size>"
            text = (
                f"<annotation>{size}<object>{box}</object></annotation>"
                if form == "voc"
                else f"{number % 2} .5 .5 .2 .2\n"
            )
            (notes / f"{number}.{'xml' if form == 'voc' else 'txt'}").write_text(text)
        (folder / "classes.txt").write_text("ant\nbee\n")
        return notes / ("0.xml" if form == "voc" else "0.txt")

    def read(folder: Path) -> object:
        records = assign_splits(find_boxes(str(folder)), val_fraction=0.4, test_fraction=0, seed=0)
        return read_pictures(records, image_size=(16, 16), bad_files="skip", storage=Storage(limit=0))

    return Kind(make, read)


def _config() -> Kind:
    page = pages.find_page("image_classification")
    recipe = pages.load_page(page)

    def make(folder: Path) -> Path:
        from tfft import runs

        content = {**page.described(), "config": runs.as_json(recipe.DEMO)}
        (folder / "config.json").write_text(json.dumps(content, indent=1))
        return folder / "config.json"

    return Kind(make, lambda folder: read_config(recipe.Config, folder, page))


def _state() -> Kind:
    def make(folder: Path) -> Path:
        arrays = {"best": [np.ones(9, np.float32)], "examples": [np.array(["a", "b"], "S")]}
        made = {"splits": ["train"], "targets": {"train": ""}, "labels": ["a"], "frozen": []}
        write_state(State(0, 1, 2, History([{"loss": 1.0}], 0), (0.0, 0.0), arrays, made), folder)
        return folder / "state.npz"

    return Kind(make, read_state)


def _chunk() -> Kind:
    keys = [f"{number:032x}" for number in range(5)]
    values = np.arange(20, dtype=np.float32).reshape(5, 4)

    def opened(folder: Path) -> object:
        return open_store(Storage(folder=str(folder))).array({"kind": "activations"}, (4,), "float32", "test")

    def make(folder: Path) -> Path:
        opened(folder).append(keys, values)
        return next(folder.rglob("*.chunk"))

    def read(folder: Path) -> None:
        array = opened(folder)
        if not array.missing(keys) and not np.array_equal(array.rows(keys)[:], values):
            raise AssertionError("damaged rows were read")

    return Kind(make, read)


def _model() -> Kind:
    def make(folder: Path) -> Path:
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(2)])
        model.save(folder / "model.keras")
        return folder / "model.keras"

    return Kind(make, serving.open_model)


KINDS = {
    **{form.lower(): _picture(form) for form in ("JPEG", "PNG", "WEBP", "GIF")},
    "csv": _table(
        [{"path": f"{n}.png", "label": "ab"[n % 2]} for n in range(4)],
        "table.csv",
        lambda path: assign_splits(find_pictures(path, Columns()), val_fraction=0.3, test_fraction=0, seed=0),
    ),
    "texts": _table(
        [{"text": f"a text, {n}", "label": "ab"[n % 2]} for n in range(4)],
        "texts.csv",
        lambda path: find_texts(path, TextColumns()),
    ),
    "jsonl": _table(
        [{"text": f"a text {n}", "label": "ab"[n % 2]} for n in range(4)],
        "texts.jsonl",
        lambda path: find_texts(path, TextColumns()),
    ),
    **{form: _boxes(form) for form in ("voc", "coco", "yolo")},
    "config": _config(),
    "state": _state(),
    "chunk": _chunk(),
    "model": _model(),
}


if __name__ == "__main__":
    sys.exit(min(1, main(tyro.cli(Settings, description=__doc__))))
