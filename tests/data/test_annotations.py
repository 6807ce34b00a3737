from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfft.data import Record, assign_splits, find_boxes, read_pictures
from tfft.errors import DataError

Check = Callable[[list[Record], str, str], None]
Coco = Callable[..., dict[str, Any]]
Paint = Callable[..., None]
Text = Callable[..., str]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""
ANT_IN_PARTS = pytest.approx((0.1, 0.1, 13 / 30, 0.6))


def found(source: Path) -> dict[str, tuple]:
    return {r.where: (r.split, r.truth.names) for r in find_boxes(str(source))}


@pytest.mark.parametrize("form", ["voc", "yolo", "coco"])
def test_every_form_says_the_same(request: pytest.FixtureRequest, form: str) -> None:
    records = find_boxes(str(request.getfixturevalue(f"{form}_folder")))
    assert [Path(r.where).name for r in records] == [f"{number}.png" for number in range(5)]
    for record in records:
        assert (record.truth.names, record.truth.wrong, record.split) == (("ant",), None, None)
        assert record.truth.corners == (ANT_IN_PARTS,)
        assert record.content.is_file()
    assert len({r.digest for r in records}) == 5


@pytest.mark.parametrize(("images", "notes"), [("JPEGImages", "Annotations"), ("images", "annotations"), ("", "")])
def test_voc_folders(tmp_path: Path, paint: Paint, write: Write, voc: Text, images: str, notes: str) -> None:
    paint(tmp_path, str(Path(images, "a.png")), str(Path(images, "b.png")))
    write(tmp_path / notes / "a.xml", voc(ANT, ("bee", 0, 0, 30, 20)))
    write(tmp_path / notes / "b.xml", voc())
    assert list(found(tmp_path).values()) == [(None, ("ant", "bee")), (None, ())]


def test_voc_in_split_folders(tmp_path: Path, paint: Paint, write: Write, voc: Text) -> None:
    for split in ("train", "valid"):
        paint(tmp_path, f"{split}/a.png")
        write(tmp_path / split / "a.xml", voc(ANT))
    assert found(tmp_path) == {"train/a.png": ("train", ("ant",)), "valid/a.png": ("val", ("ant",))}


def test_a_picture_without_a_voc_file(voc_folder: Path, check_fault: Check) -> None:
    (voc_folder / "annotations/0.xml").unlink()
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", r"no 0\.xml in annotations")


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_an_annotation_without_its_picture(request: pytest.FixtureRequest, check_fault: Check, form: str) -> None:
    folder = request.getfixturevalue(f"{form}_folder")
    (folder / "images/0.png").unlink()
    place = {"voc": r"annotations/0\.xml", "yolo": r"labels/0\.txt"}[form]
    check_fault(find_boxes(str(folder)), place, "a picture of this name is missing")


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_two_pictures_of_one_name(request: pytest.FixtureRequest, paint: Paint, check_fault: Check, form: str) -> None:
    folder = request.getfixturevalue(f"{form}_folder")
    paint(folder, "images/0.webp")
    check_fault(find_boxes(str(folder)), r"images/0\.webp", r"a second picture named 0, as images/0\.png")


@pytest.mark.parametrize("size", ["", "<size><width>30</width><height>20</height></size>"])
def test_of_a_picture_that_does_not_open_that_is_said(
    voc_folder: Path, write: Write, voc: Text, check_fault: Check, size: str
) -> None:
    write(voc_folder / "images/0.png", "no picture")
    write(voc_folder / "annotations/0.xml", voc(("ant", 0, 0, 1, 1), size=size))
    check_fault(find_boxes(str(voc_folder)), r"images/0\.png", "text, not a picture")


def test_a_picture_turned_by_exif_has_the_size_that_is_shown(tmp_path: Path, write: Write, voc: Text) -> None:
    from PIL import Image

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


@pytest.mark.parametrize("images", ["images/{}", "{}/images"])
def test_yolo_in_split_folders_of_other_names(
    tmp_path: Path, paint: Paint, write: Write, yolo: Text, images: str
) -> None:
    write(tmp_path / "data.yaml", "names: [ant]\n")
    for split, labels in (("train", "train2017"), ("val", "valid")):
        paint(tmp_path, f"{images.format(split)}/{split}.png")
        write(tmp_path / "labels" / labels / f"{split}.txt", yolo(0, *ANT[1:]))
    both = {f"{images.format(split)}/{split}.png": (split, ("ant",)) for split in ("train", "val")}
    write(tmp_path / "labels/0.txt", yolo(0, *ANT[1:]))  # beside the folders of splits, of none
    assert found(tmp_path) == both
    write(tmp_path / "labels/valid/alone.txt", yolo(0, *ANT[1:]))
    assert found(tmp_path).keys() == {*both, "labels/valid/alone.txt"}
    (tmp_path / "labels/valid").rename(tmp_path / "labels/other")
    with pytest.raises(DataError, match=rf"for the pictures in .*{images.format('val')}\."):
        find_boxes(str(tmp_path))


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


def test_yolo_files_without_class_names(yolo_folder: Path) -> None:
    (yolo_folder / "data.yaml").rename(yolo_folder / "other.txt")
    with pytest.raises(DataError, match=r"data\.yaml or classes\.txt"):
        find_boxes(str(yolo_folder))


def test_no_folder_and_no_annotations(tmp_path: Path, paint: Paint) -> None:
    with pytest.raises(DataError, match=r"Pascal VOC.*no folder .*nowhere.*leave"):
        find_boxes(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"A COCO file.*No such file"):
        find_boxes(str(tmp_path / "none.json"))
    paint(tmp_path, "images/a.png")
    with pytest.raises(DataError, match=r"neither \.xml, \.json nor \.txt files.*images"):
        find_boxes(str(tmp_path))


def test_no_box_in_any_picture(voc_folder: Path, write: Write, voc: Text) -> None:
    for path in (voc_folder / "annotations").iterdir():
        write(path, voc())
    with pytest.raises(DataError, match=r"Some pictures have boxes.*no box in"):
        find_boxes(str(voc_folder))


def test_a_class_without_training_pictures(tmp_path: Path, paint: Paint, write: Write, voc: Text) -> None:
    for split, name in (("train", "ant"), ("val", "bee")):
        paint(tmp_path, f"{split}/a.png")
        write(tmp_path / split / "a.xml", voc((name, *ANT[1:])))
    with pytest.raises(DataError, match=r"class 'bee' only in the val split.*first val/a\.png"):
        find_boxes(str(tmp_path))


def test_every_broken_annotation_is_named_even_if_all_are(voc_folder: Path, write: Write) -> None:
    for path in (voc_folder / "annotations").iterdir():
        write(path, "<")
    records = assign_splits(find_boxes(str(voc_folder)), val_fraction=0.3, test_fraction=0, seed=0)
    with pytest.raises(DataError, match=r"5 that do not: images/\d\.png \(\d\.xml is no Pascal VOC"):
        read_pictures(records, image_size=(20, 30))


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_suffixes_in_capitals(request: pytest.FixtureRequest, form: str) -> None:
    folder = request.getfixturevalue(f"{form}_folder")
    before = found(folder)
    for number in (0, 3):
        path = folder / {"voc": f"annotations/{number}.xml", "yolo": f"labels/{number}.txt"}[form]
        path.rename(path.with_suffix(path.suffix.upper()))
    assert found(folder) == before


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_a_pipe_is_not_waited_for(request: pytest.FixtureRequest, check_fault: Check, form: str) -> None:
    folder = request.getfixturevalue(f"{form}_folder")
    place = {"voc": "annotations/0.xml", "yolo": "labels/0.txt"}[form]
    (folder / place).unlink()
    os.mkfifo(folder / place)
    check_fault(find_boxes(str(folder)), r"images/0\.png", f"{Path(place).name} is no regular file")


@pytest.mark.parametrize("form", ["voc", "yolo"])
def test_hidden_files_are_ignored(request: pytest.FixtureRequest, write: Write, form: str) -> None:
    folder = request.getfixturevalue(f"{form}_folder")
    place = {"voc": "annotations/{}.xml", "yolo": "labels/{}.txt"}[form]
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


@pytest.mark.parametrize("above", ["images", "."])
def test_one_folder_of_annotations_for_all_splits(tmp_path: Path, png: Callable[..., bytes], above: str) -> None:
    (tmp_path / "annotations").mkdir()
    box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
    for seed, split in enumerate(("train", "val")):
        (tmp_path / above / split).mkdir(parents=True)
        (tmp_path / above / split / f"{seed}.png").write_bytes(png(seed))
        text = f"<annotation><object><name>ant</name>{box}</object></annotation>"
        (tmp_path / "annotations" / f"{seed}.xml").write_text(text)
    found = find_boxes(str(tmp_path))
    assert [(r.split, r.truth.names, r.truth.wrong) for r in found] == [
        ("train", ("ant",), None),
        ("val", ("ant",), None),
    ]


def test_two_empty_files_without_a_picture_are_no_leak(tmp_path: Path, png: Callable[..., bytes]) -> None:
    for seed, split in enumerate(("train", "val")):
        for name in ("images", "labels"):
            (tmp_path / split / name).mkdir(parents=True)
        (tmp_path / split / "images" / "a.png").write_bytes(png(seed))
        (tmp_path / split / "labels" / "a.txt").write_text("0 0.5 0.5 0.4 0.4")
        (tmp_path / split / "labels" / "alone.txt").write_text("")
    (tmp_path / "classes.txt").write_text("ant")
    records = assign_splits(find_boxes(str(tmp_path)), val_fraction=0.3, test_fraction=0, seed=0)
    with pytest.raises(
        DataError, match=r"2 that do not: train/labels/alone\.txt \(a picture of this name is missing\)"
    ):
        read_pictures(records, image_size=(8, 8))
