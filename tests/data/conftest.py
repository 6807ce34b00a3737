"""Pictures with boxes and masks on disk, in every form that is read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tfft.data import Record, assign_splits, read_pictures
from tfft.errors import DataError

Painted = Callable[..., bytes]
Check = Callable[..., None]
Coco = Callable[..., dict[str, Any]]
Paint = Callable[..., None]
Pair = Callable[..., None]
Text = Callable[..., str]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


@pytest.fixture
def write() -> Write:
    """Writes a file and the folders around it."""

    def make(path: Path, content: bytes | str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


@pytest.fixture
def paint(painted: Painted, write: Write) -> Paint:
    """Writes different pictures."""

    def make(folder: Path, *names: str) -> None:
        for name in names:
            seed = sum(path.is_file() for path in folder.rglob("*"))
            write(folder / name, painted((seed % 30, seed // 30, seed % 30 + 1, seed // 30 + 1)))

    return make


@pytest.fixture
def voc() -> Text:
    """What a Pascal VOC file says of some objects."""

    def make(*objects: tuple, size: str = "<size><width>30</width><height>20</height><depth>3</depth></size>") -> str:
        rows = [
            f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
            f"<ymax>{bottom}</ymax></bndbox></object>"
            for name, left, top, right, bottom in objects
        ]
        return f"<annotation>{size}{''.join(rows)}</annotation>"

    return make


@pytest.fixture
def yolo() -> Text:
    """The line of a YOLO file for one object."""

    def make(kind: int, left: float, top: float, right: float, bottom: float) -> str:
        return f"{kind} {(left + right) / 60} {(top + bottom) / 40} {(right - left) / 30} {(bottom - top) / 20}\n"

    return make


@pytest.fixture
def coco() -> Coco:
    """What a COCO file says, by the name of a picture, of its objects."""

    def make(objects: dict[str, list[tuple]]) -> dict[str, Any]:
        annotations = [
            {
                "image_id": number,
                "category_id": {"ant": 7, "bee": 3}[name],
                "bbox": [left, top, right - left, bottom - top],
            }
            for number, some in enumerate(objects.values())
            for name, left, top, right, bottom in some
        ]
        return {
            "images": [{"id": i, "file_name": name, "width": 30, "height": 20} for i, name in enumerate(objects)],
            "categories": [{"id": 7, "name": "ant"}, {"id": 3, "name": "bee"}],
            "annotations": annotations,
        }

    return make


@pytest.fixture
def voc_folder(tmp_path: Path, paint: Paint, write: Write, voc: Text) -> Path:
    folder = tmp_path / "voc"
    for number in range(5):
        paint(folder, f"images/{number}.png")
        write(folder / f"annotations/{number}.xml", voc(ANT))
    return folder


@pytest.fixture
def yolo_folder(tmp_path: Path, paint: Paint, write: Write, yolo: Text) -> Path:
    folder = tmp_path / "yolo"
    write(folder / "data.yaml", "names: [ant, bee]\n")
    for number in range(5):
        paint(folder, f"images/{number}.png")
        write(folder / f"labels/{number}.txt", yolo(0, *ANT[1:]))
    return folder


@pytest.fixture
def coco_folder(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> Path:
    folder = tmp_path / "coco"
    names = [f"{number}.png" for number in range(5)]
    paint(folder, *names)
    write(folder / "all.json", json.dumps(coco({name: [ANT] for name in names})))
    return folder


@pytest.fixture
def by_name(voc_folder: Path, yolo_folder: Path) -> list[tuple[Path, str]]:
    """Folders of the two forms in which a picture and its annotation share a name, and the path of an annotation."""
    return [(voc_folder, "annotations/{}.xml"), (yolo_folder, "labels/{}.txt")]


@pytest.fixture
def mask_pair(paint: Paint, write: Write) -> Pair:
    """Writes a picture unlike the others, and its mask; the name may hold folders below images/ and masks/."""

    def make(folder: Path, name: str, mask: np.ndarray | None = None, *, masks: str = "masks") -> None:
        paint(folder, f"images/{name}.png")
        if mask is None:
            mask = np.zeros((20, 30), np.uint8)
            mask[2:12, 3:13] = 1
        file = io.BytesIO()
        Image.fromarray(mask).save(file, format="PNG")
        write(folder / masks / f"{name}.png", file.getvalue())

    return make


@pytest.fixture
def mask_folder(tmp_path: Path, mask_pair: Pair) -> Path:
    """Five pictures, whose masks are 1 in the rectangle (3, 2, 13, 12)."""
    for number in range(5):
        mask_pair(tmp_path, str(number))
    return tmp_path


@pytest.fixture
def refused() -> Check:
    """A call raises an error that names some things, in whatever words."""

    def check(kind: type[Exception], named: str | Sequence[str], call: Callable[..., Any], *args: Any) -> None:
        with pytest.raises(kind) as caught:
            call(*args)
        _check_named(str(caught.value), named)

    return check


@pytest.fixture
def noted() -> Callable[..., bool]:
    """Whether one of the notes of the splits names some things, in whatever words."""
    return lambda splits, *named: any(all(name in note for name in named) for note in splits.notes)


@pytest.fixture
def check_fault(noted: Callable[..., bool]) -> Check:
    """One picture cannot be used: it is named with what is wrong, or left out."""

    def check(records: list[Record], where: str, *named: str) -> None:
        dealt = assign_splits(records, val_fraction=0.3, test_fraction=0, seed=0)
        with pytest.raises(DataError) as caught:
            read_pictures(dealt, image_size=(20, 30))
        splits = read_pictures(dealt, image_size=(20, 30), bad_files="skip")
        ((left_out, reason),) = splits.skipped
        assert left_out == where
        _check_named(reason, named)
        _check_named(str(caught.value), (where, *named, "--bad-files"))
        assert noted(splits, "1", "skipped.csv")
        assert left_out not in splits.train.where + splits.val.where
        assert len(splits.train) + len(splits.val) == len(records) - 1

    return check


def _check_named(message: str, named: str | Sequence[str]) -> None:
    missing = [name for name in ([named] if isinstance(named, str) else named) if name not in message]
    assert not missing, f"{missing} not in: {message}"
