from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tfft.data import Record, assign_splits, find_boxes, read_pictures
from tfft.errors import DataError

Check = Callable[..., None]
Coco = Callable[..., dict[str, Any]]
Paint = Callable[..., None]
Text = Callable[..., str]
Write = Callable[[Path, bytes | str], Path]
ByName = list[tuple[Path, str]]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""
ANT_IN_PARTS = pytest.approx((0.1, 0.1, 13 / 30, 0.6))


def found(source: Path) -> dict[str, tuple]:
    return {r.where: (r.split, r.truth.names) for r in find_boxes(str(source))}


def test_every_form_says_the_same(voc_folder: Path, yolo_folder: Path, coco_folder: Path) -> None:
    for folder in (voc_folder, yolo_folder, coco_folder):
        records = find_boxes(str(folder))
        assert [Path(r.where).name for r in records] == [f"{number}.png" for number in range(5)]
        for record in records:
            assert (record.truth.names, record.truth.wrong, record.split) == (("ant",), None, None)
            assert record.truth.corners == (ANT_IN_PARTS,)
            assert record.content.is_file()
        assert len({r.digest for r in records}) == 5


def test_voc_folders(tmp_path: Path, paint: Paint, write: Write, voc: Text) -> None:
    for number, (images, notes) in enumerate((("JPEGImages", "Annotations"), ("images", "annotations"), ("", ""))):
        folder = tmp_path / str(number)
        paint(folder, str(Path(images, "a.png")), str(Path(images, "b.png")))
        write(folder / notes / "a.xml", voc(ANT, ("bee", 0, 0, 30, 20)))
        write(folder / notes / "b.xml", voc())
        assert list(found(folder).values()) == [(None, ("ant", "bee")), (None, ())]


def test_voc_in_split_folders(tmp_path: Path, paint: Paint, write: Write, voc: Text) -> None:
    for split in ("train", "valid"):
        paint(tmp_path, f"{split}/a.png")
        write(tmp_path / split / "a.xml", voc(ANT))
    assert found(tmp_path) == {"train/a.png": ("train", ("ant",)), "valid/a.png": ("val", ("ant",))}


def test_a_picture_without_a_voc_file(voc_folder: Path, check_fault: Check) -> None:
    (voc_folder / "annotations/0.xml").unlink()
    check_fault(find_boxes(str(voc_folder)), "images/0.png", "0.xml", "annotations")


def test_an_annotation_without_its_picture(by_name: ByName, check_fault: Check) -> None:
    for folder, place in by_name:
        (folder / "images/0.png").unlink()
        check_fault(find_boxes(str(folder)), place.format(0))


def test_two_pictures_of_one_name(by_name: ByName, paint: Paint, check_fault: Check) -> None:
    for folder, _ in by_name:
        paint(folder, "images/0.webp")
        check_fault(find_boxes(str(folder)), "images/0.webp", "images/0.png")


def test_of_a_picture_that_does_not_open_that_is_said(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check
) -> None:
    write(voc_folder / "images/0.png", "no picture")
    for size in ("", "<size><width>30</width><height>20</height></size>"):
        write(voc_folder / "annotations/0.xml", voc(("ant", 0, 0, 1, 1), size=size))
        check_fault(find_boxes(str(voc_folder)), "images/0.png", "text")


def test_a_picture_turned_by_exif_has_the_size_that_is_shown(tmp_path: Path, write: Write, voc: Text) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "images").mkdir()
    Image.new("RGB", (20, 30)).save(tmp_path / "images/a.jpg", exif=exif)
    write(tmp_path / "annotations/a.xml", voc(ANT))
    assert find_boxes(str(tmp_path))[0].truth.corners == (ANT_IN_PARTS,)


def test_names_that_are_no_utf8(voc_folder: Path) -> None:
    odd = os.fsdecode(b"f\xfc")
    (voc_folder / "annotations/0.xml").rename(voc_folder / f"annotations/{odd}.xml")
    (voc_folder / "images/1.png").rename(voc_folder / f"images/{odd}1.png")
    records = find_boxes(str(voc_folder))
    assert all((record.where + str(record.truth.wrong)).encode() for record in records)
    assert {r.where for r in records if r.truth.wrong} == {
        "images/0.png",
        "annotations/1.xml",
        "annotations/f?.xml",
        "images/f?1.png",
    }


def test_yolo_in_split_folders_below_images_and_labels(tmp_path: Path, paint: Paint, write: Write, yolo: Text) -> None:
    write(tmp_path / "data.yaml", "names: [ant]\n")
    for split in ("train", "val", "test"):
        paint(tmp_path, f"images/{split}/a.png")
        write(tmp_path / "labels" / split / "a.txt", yolo(0, *ANT[1:]))
    assert found(tmp_path) == {f"images/{split}/a.png": (split, ("ant",)) for split in ("train", "val", "test")}


def test_yolo_in_split_folders_of_other_names(
    tmp_path: Path, paint: Paint, write: Write, yolo: Text, refused: Check
) -> None:
    for images in ("images/{}", "{}/images"):
        folder = tmp_path / images.format("one")
        write(folder / "data.yaml", "names: [ant]\n")
        for split, labels in (("train", "train2017"), ("val", "valid")):
            paint(folder, f"{images.format(split)}/{split}.png")
            write(folder / "labels" / labels / f"{split}.txt", yolo(0, *ANT[1:]))
        both = {f"{images.format(split)}/{split}.png": (split, ("ant",)) for split in ("train", "val")}
        write(folder / "labels/0.txt", yolo(0, *ANT[1:]))  # beside the folders of splits, of none
        assert found(folder) == both
        write(folder / "labels/valid/alone.txt", yolo(0, *ANT[1:]))
        assert found(folder).keys() == {*both, "labels/valid/alone.txt"}
        (folder / "labels/valid").rename(folder / "labels/other")
        refused(DataError, str(folder / images.format("val")), find_boxes, str(folder))


def test_yolo_as_roboflow_writes_it(tmp_path: Path, paint: Paint, write: Write, yolo: Text) -> None:
    write(tmp_path / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['ant']\n")
    write(tmp_path / "README.roboflow.txt", "Exported")
    for split in ("train", "valid"):
        paint(tmp_path, f"{split}/images/a_jpg.rf.0.png", f"{split}/images/b.png")
        write(tmp_path / split / "labels/a_jpg.rf.0.txt", yolo(0, *ANT[1:]))
    assert found(tmp_path) == {
        "train/images/a_jpg.rf.0.png": ("train", ("ant",)),
        "train/images/b.png": ("train", ()),
        "valid/images/a_jpg.rf.0.png": ("val", ("ant",)),
        "valid/images/b.png": ("val", ()),
    }


def test_yolo_pictures_in_folders_of_their_own(tmp_path: Path, paint: Paint, write: Write, yolo: Text) -> None:
    write(tmp_path / "classes.txt", "ant\nbee\n")
    for kind, folder in enumerate(("may", "june")):
        paint(tmp_path, f"images/{folder}/a.png")
        write(tmp_path / f"labels/{folder}/a.txt", yolo(kind, *ANT[1:]))
    assert found(tmp_path) == {"images/june/a.png": (None, ("bee",)), "images/may/a.png": (None, ("ant",))}


def test_a_yolo_picture_without_objects_has_no_box(yolo_folder: Path, write: Write, yolo: Text) -> None:
    (yolo_folder / "labels/0.txt").unlink()
    write(yolo_folder / "labels/1.txt", "\n")
    write(yolo_folder / "labels/2.txt", "\ufeff" + yolo(1, *ANT[1:]))
    assert [names for _, names in found(yolo_folder).values()] == [(), (), ("bee",), ("ant",), ("ant",)]


def test_yolo_files_without_class_names(yolo_folder: Path, refused: Check) -> None:
    (yolo_folder / "data.yaml").rename(yolo_folder / "other.txt")
    refused(DataError, ("data.yaml", "classes.txt"), find_boxes, str(yolo_folder))


def test_no_folder_no_annotations_and_no_box(
    tmp_path: Path, paint: Paint, voc_folder: Path, write: Write, voc: Text, refused: Check
) -> None:
    refused(DataError, str(tmp_path / "nowhere"), find_boxes, str(tmp_path / "nowhere"))
    refused(DataError, ("none.json", "No such file"), find_boxes, str(tmp_path / "none.json"))
    paint(tmp_path, "empty/images/a.png")
    refused(DataError, ("empty/images", ".xml", ".json", ".txt"), find_boxes, str(tmp_path / "empty"))
    for path in (voc_folder / "annotations").iterdir():
        write(path, voc())
    refused(DataError, str(voc_folder), find_boxes, str(voc_folder))


def test_a_class_without_training_pictures(
    tmp_path: Path, paint: Paint, write: Write, voc: Text, refused: Check
) -> None:
    for split, name in (("train", "ant"), ("val", "bee")):
        paint(tmp_path, f"{split}/a.png")
        write(tmp_path / split / "a.xml", voc((name, *ANT[1:])))
    refused(DataError, ("'bee'", "val/a.png"), find_boxes, str(tmp_path))


def test_every_broken_annotation_is_named_even_if_all_are(voc_folder: Path, write: Write, refused: Check) -> None:
    for path in (voc_folder / "annotations").iterdir():
        write(path, "<")
    records = assign_splits(find_boxes(str(voc_folder)), val_fraction=0.3, test_fraction=0, seed=0)
    names = [name for number in range(5) for name in (f"images/{number}.png", f"{number}.xml")]
    refused(DataError, names, lambda: read_pictures(records, image_size=(20, 30)))


def test_suffixes_in_capitals(by_name: ByName) -> None:
    for folder, place in by_name:
        before = found(folder)
        for number in (0, 3):
            path = folder / place.format(number)
            path.rename(path.with_suffix(path.suffix.upper()))
        assert found(folder) == before


def test_a_pipe_is_not_waited_for(by_name: ByName, check_fault: Check) -> None:
    for folder, place in by_name:
        path = folder / place.format(0)
        path.unlink()
        os.mkfifo(path)
        check_fault(find_boxes(str(folder)), "images/0.png", path.name)


def test_hidden_files_are_ignored(by_name: ByName, write: Write) -> None:
    for folder, place in by_name:
        for name in ("._0", ".ipynb_checkpoints/0"):
            write(folder / place.format(name), b"\x00")
        assert set(found(folder).values()) == {(None, ("ant",))}


def test_records_in_an_order_of_names(voc_folder: Path, write: Write) -> None:
    def order(records: list[Record]) -> list[str]:
        return [record.where for record in records]

    first = order(find_boxes(str(voc_folder)))
    content = (voc_folder / "images/0.png").read_bytes()
    (voc_folder / "images/0.png").unlink()
    write(voc_folder / "images/0.png", content)  # now the newest in its folder
    assert order(find_boxes(str(voc_folder))) == first == sorted(first)


def test_one_folder_of_annotations_for_all_splits(tmp_path: Path, paint: Paint, write: Write, voc: Text) -> None:
    for above in ("images", "."):
        folder = tmp_path / f"with {above}"
        for number, split in enumerate(("train", "val")):
            paint(folder, f"{above}/{split}/{number}.png")
            write(folder / f"annotations/{number}.xml", voc(ANT, size=""))
        assert [(r.split, r.truth.names, r.truth.wrong) for r in find_boxes(str(folder))] == [
            ("train", ("ant",), None),
            ("val", ("ant",), None),
        ]


def test_two_empty_files_without_a_picture_are_no_leak(
    tmp_path: Path, paint: Paint, write: Write, yolo: Text, refused: Check
) -> None:
    for split in ("train", "val"):
        paint(tmp_path, f"{split}/images/a.png")
        write(tmp_path / split / "labels/a.txt", yolo(0, *ANT[1:]))
        write(tmp_path / split / "labels/alone.txt", "")
    write(tmp_path / "classes.txt", "ant")
    records = assign_splits(find_boxes(str(tmp_path)), val_fraction=0.3, test_fraction=0, seed=0)
    names = ("train/labels/alone.txt", "val/labels/alone.txt")
    refused(DataError, names, lambda: read_pictures(records, image_size=(8, 8)))
