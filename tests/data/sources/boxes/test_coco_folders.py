from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfft.data import find_boxes
from tfft.errors import DataError

Check = Callable[..., None]
Coco = Callable[..., dict[str, Any]]
Paint = Callable[..., None]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


def row(number: int, name: str) -> dict[str, Any]:
    """Of a picture."""
    return {"id": number, "file_name": name, "width": 30, "height": 20}


def found(source: Path) -> dict[str, tuple]:
    return {r.where: (r.split, r.truth.names) for r in find_boxes(str(source))}


def test_a_coco_file_itself(coco_folder: Path) -> None:
    assert found(coco_folder / "all.json") == found(coco_folder)


def test_a_coco_file_beside_images(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    paint(tmp_path, "images/a.png", "images/more/b.png")
    write(tmp_path / "annotations/all.json", json.dumps(coco({"a.png": [ANT], "more/b.png": [("bee", 0, 0, 9, 9)]})))
    assert found(tmp_path) == {"images/a.png": (None, ("ant",)), "images/more/b.png": (None, ("bee",))}
    (tmp_path / "annotations/all.json").rename(tmp_path / "all.json")
    assert found(tmp_path / "all.json") == found(tmp_path)


def test_a_coco_file_in_each_split_folder(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    names = ("_annotations.coco.json", "annotations/instances.json", "annotations/train2017.json")
    for number, name in enumerate(names):
        folder = tmp_path / str(number)
        for split in ("train", "valid"):
            paint(folder, f"{split}/{split}.png")
            content = json.dumps(coco({f"{split}.png": [ANT]}))
            write(folder / split / name.replace("train", split), content)
        assert found(folder) == {"train/train.png": ("train", ("ant",)), "valid/valid.png": ("val", ("ant",))}


def test_a_coco_file_for_each_split_of_images(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    for split in ("train", "val"):
        paint(tmp_path, f"images/{split}/a.png")
        write(tmp_path / f"annotations/instances_{split}2017.json", json.dumps(coco({"a.png": [ANT]})))
    assert found(tmp_path) == {"images/train/a.png": ("train", ("ant",)), "images/val/a.png": ("val", ("ant",))}


def test_a_coco_file_for_each_split_of_one_folder_of_images(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco
) -> None:
    for split in ("train", "val"):
        paint(tmp_path, f"images/{split}.png")
        write(tmp_path / f"annotations/instances_{split}2017.json", json.dumps(coco({f"{split}.png": [ANT]})))
        write(tmp_path / f"annotations/captions_{split}2017.json", "{}")
    assert found(tmp_path) == {"images/train.png": ("train", ("ant",)), "images/val.png": ("val", ("ant",))}


def test_a_coco_picture_that_is_missing(coco_folder: Path, check_fault: Check) -> None:
    (coco_folder / "0.png").unlink()
    check_fault(find_boxes(str(coco_folder)), "0.png", "No such file")


def test_coco_annotations_of_no_picture(coco_folder: Path, write: Write, coco: Coco, check_fault: Check) -> None:
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    content["annotations"][0]["image_id"] = 99
    write(coco_folder / "all.json", json.dumps(content))
    check_fault(find_boxes(str(coco_folder)), "all.json image 99", "id")


def test_coco_files_that_cannot_be_used(coco_folder: Path, write: Write, coco: Coco, refused: Check) -> None:
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    for change, named in (
        ({"images": [row(0, "../0.png")]}, "'../0.png'"),
        ({"annotations": []}, str(coco_folder)),
        ({"images": [], "annotations": []}, str(coco_folder)),
    ):
        write(coco_folder / "all.json", json.dumps(content | change))
        refused(DataError, named, find_boxes, str(coco_folder))


def test_coco_as_it_is_downloaded(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    for above in (".", "images"):
        folder = tmp_path / f"with {above}"
        for split in ("train", "val"):
            paint(folder, f"{above}/{split}2017/000.png")
            content = json.dumps(coco({"000.png": [ANT]}))
            write(folder / f"annotations/instances_{split}2017.json", content)
            write(folder / f"annotations/captions_{split}2017.json", "{}")
        assert [(r.split, r.truth.names, r.truth.wrong) for r in find_boxes(str(folder))] == [
            ("train", ("ant",), None),
            ("val", ("ant",), None),
        ]


def test_several_coco_files_of_which_none_is_meant(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, refused: Check
) -> None:
    pairs = (("a.json", "b.json"), ("instances_a.json", "instances_b.json"), ("a.json", "train.json"))
    for number, names in enumerate(pairs):
        folder = tmp_path / str(number)
        paint(folder, "a.png", "b.png")
        for name, picture in zip(names, ("a.png", "b.png"), strict=True):
            write(folder / name, json.dumps(coco({picture: [ANT]})))
        refused(DataError, (*names, str(folder), "--data"), find_boxes, str(folder))
        assert found(folder / names[1]) == {"b.png": (None, ("ant",))}


def test_what_does_not_look_like_coco_does_not_count(coco_folder: Path, write: Write) -> None:
    before = found(coco_folder)
    write(coco_folder / "a_package.json", '{"name": "ants"}')
    os.mkfifo(coco_folder / "a_pipe.json")
    assert found(coco_folder) == before
    (coco_folder / "all.json").rename(coco_folder / "instances_of_ants.JSON")
    write(coco_folder / "captions.json", (coco_folder / "instances_of_ants.JSON").read_bytes())
    assert found(coco_folder) == before


def test_a_coco_file_without_one_to_train_on(coco_folder: Path, refused: Check) -> None:
    (coco_folder / "all.json").rename(coco_folder / "instances_val2017.json")
    refused(DataError, ("train", "instances_val2017.json", str(coco_folder)), find_boxes, str(coco_folder))


def test_a_split_folder_without_its_coco_file(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, refused: Check
) -> None:
    paint(tmp_path, "train/a.png", "val/b.png")
    write(tmp_path / "instances_train.json", json.dumps(coco({"a.png": [ANT]})))
    refused(DataError, (str(tmp_path / "val"), "instances_train.json"), find_boxes, str(tmp_path))


@pytest.mark.parametrize("above", ["", "images/"])
def test_one_coco_file_for_split_folders(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, check_fault: Check, above: str
) -> None:
    paint(tmp_path, f"{above}train/a.png", f"{above}val/b.png")
    both = {f"{above}train/a.png": ("train", ("ant",)), f"{above}val/b.png": ("val", ("ant",))}
    named = (("a.png", "b.png"), (f"{above}train/a.png", f"{above}val/b.png"), ("../train/a.png", "../val/b.png"))
    for place in ("all.json", "annotations/all.json"):
        for names in named:
            content = coco({name: [ANT] for name in names})
            write(tmp_path / place, json.dumps(content))
            assert found(tmp_path) == both, (place, names)
        content["images"].append(row(9, "c.png"))
        write(tmp_path / place, json.dumps(content))
        check_fault(find_boxes(str(tmp_path)), f"{place} image 9", "'c.png'", f"{above}train", f"{above}val")
        (tmp_path / place).unlink()


def test_one_coco_file_for_two_pictures_of_one_name(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, check_fault: Check
) -> None:
    paint(tmp_path, "train/a.png", "val/a.png", "train/b.png", "val/c.png")
    write(tmp_path / "all.json", json.dumps(coco({name: [ANT] for name in ("a.png", "b.png", "c.png")})))
    check_fault(find_boxes(str(tmp_path)), "all.json image 0", "'a.png'", "train/a.png", "val/a.png")


def test_a_coco_picture_that_is_listed_twice(coco_folder: Path, write: Write, coco: Coco, refused: Check) -> None:
    (coco_folder / "link.png").symlink_to("0.png")
    for again in ("0.png", "./0.png", "more/../0.png", "link.png"):
        content = coco({f"{number}.png": [ANT] for number in range(5)})
        content["images"].append(row(9, again))
        write(coco_folder / "all.json", json.dumps(content))
        named = ("'0.png'", "image 0", f"'{again}'", "image 9", "all.json")
        refused(DataError, named, find_boxes, str(coco_folder))


def test_coco_names_that_are_no_file(coco_folder: Path, write: Write, coco: Coco, check_fault: Check) -> None:
    os.mkfifo(coco_folder / "pipe.png")
    (coco_folder / "loop.png").symlink_to("loop.png")
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    for name, *named in (
        ("a\0.png", r"'a\x00.png'", "null byte"),
        ("\ud800.png", r"'\ud800.png'", "codec"),
        ("a" * 300, "aaa...aaa", "File name too long"),
        ("loop.png", "'loop.png'", "Too many levels of symbolic links"),
        ("loop.png/a.png", "'loop.png/a.png'", "Too many levels"),
        ("pipe.png", "'pipe.png'"),
        ("", "''"),
        ("/a\0.png", r"'/a\x00.png'", "null byte"),
    ):
        content["images"][0]["file_name"] = name
        write(coco_folder / "all.json", json.dumps(content))
        check_fault(find_boxes(str(coco_folder)), "all.json image 0", "file_name", *named)


def test_a_coco_picture_that_is_a_link_out_of_the_folder(coco_folder: Path, refused: Check) -> None:
    away = coco_folder.parent / "away.png"
    (coco_folder / "0.png").rename(away)
    (coco_folder / "0.png").symlink_to(away)
    refused(DataError, ("'0.png'", "all.json", str(away)), find_boxes, str(coco_folder))


def test_a_data_folder_that_is_reached_in_a_roundabout_way(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, monkeypatch: pytest.MonkeyPatch
) -> None:
    paint(tmp_path, "far/data/images/a.png", "far/data/b.png", "data/b.png")
    write(tmp_path / "far/data/all.json", json.dumps(coco({"a.png": [ANT], "./images/../b.png": [ANT]})))
    (tmp_path / "far/below").mkdir()
    (tmp_path / "link").symlink_to("far/below")
    monkeypatch.chdir(tmp_path / "far/data")
    expected = {"images/a.png": (None, ("ant",)), "b.png": (None, ("ant",))}
    assert found(Path("all.json")) == expected
    assert found(tmp_path / "link/../data/all.json") == expected
    assert all("far" in str(r.content.resolve()) for r in find_boxes(str(tmp_path / "link/../data/all.json")))


def test_what_is_wrong_with_the_only_file_is_told_beside_a_text(
    coco_folder: Path, write: Write, refused: Check
) -> None:
    text = (coco_folder / "all.json").read_text()
    write(coco_folder / "README.roboflow.txt", "Exported")
    write(coco_folder / "all.json", text[: text.index("categories")])
    refused(DataError, ("all.json", "JSONDecodeError"), find_boxes, str(coco_folder))


def test_absolute_names(
    coco_folder: Path, write: Write, coco: Coco, refused: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(coco_folder)
    os.mkfifo("pipe.png")
    for source in (coco_folder, Path()):
        content = coco({str(coco_folder / f"{i}.png"): [ANT] for i in range(5)} | {str(coco_folder / "pipe.png"): []})
        write(coco_folder / "all.json", json.dumps(content))
        assert found(source) == {f"{i}.png": (None, ("ant",)) for i in range(5)} | {"all.json image 5": (None, ())}
        outside = str(coco_folder.parent / "0.png")
        write(coco_folder / "all.json", json.dumps(coco({outside: [ANT]})))
        refused(DataError, "0.png", find_boxes, str(source))
