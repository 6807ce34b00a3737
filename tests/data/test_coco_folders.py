from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfft.data import Record, find_boxes
from tfft.errors import DataError

Check = Callable[[list[Record], str, str], None]
Coco = Callable[..., dict[str, Any]]
Paint = Callable[..., None]
Write = Callable[[Path, bytes | str], Path]
ANT = ("ant", 3, 2, 13, 12)
"""A class and left, top, right, bottom in a picture that is 20 pixels high and 30 wide."""


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


@pytest.mark.parametrize("name", ["_annotations.coco.json", "annotations/instances.json", "annotations/train2017.json"])
def test_a_coco_file_in_each_split_folder(tmp_path: Path, paint: Paint, write: Write, coco: Coco, name: str) -> None:
    for split in ("train", "valid"):
        paint(tmp_path, f"{split}/{split}.png")
        content = json.dumps(coco({f"{split}.png": [ANT]}))
        write(tmp_path / split / name.replace("train", split), content)
    assert found(tmp_path) == {"train/train.png": ("train", ("ant",)), "valid/valid.png": ("val", ("ant",))}


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
    check_fault(find_boxes(str(coco_folder)), r"0\.png", r".*No such file")


def test_coco_annotations_of_no_picture(coco_folder: Path, write: Write, coco: Coco, check_fault: Check) -> None:
    content = coco({f"{number}.png": [ANT] for number in range(5)})
    content["annotations"][0]["image_id"] = 99
    write(coco_folder / "all.json", json.dumps(content))
    check_fault(find_boxes(str(coco_folder)), r"all\.json image 99", "no picture has this id")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": [{"id": 0, "file_name": "../0.png", "width": 30, "height": 20}]}, r"below the data folder.*\.\./0"),
        ({"annotations": []}, "Some pictures have boxes.*no box in"),
        ({"images": [], "annotations": []}, "hold examples"),
    ],
)
def test_coco_files_that_cannot_be_used(coco_folder: Path, write: Write, coco: Coco, change: dict, said: str) -> None:
    write(coco_folder / "all.json", json.dumps(coco({f"{i}.png": [ANT] for i in range(5)}) | change))
    with pytest.raises(DataError, match=said):
        find_boxes(str(coco_folder))


@pytest.mark.parametrize("above", [".", "images"])
def test_coco_as_it_is_downloaded(tmp_path: Path, png: Callable[..., bytes], above: str) -> None:
    (tmp_path / "annotations").mkdir()
    for seed, split in enumerate(("train", "val")):
        (tmp_path / above / f"{split}2017").mkdir(parents=True)
        (tmp_path / above / f"{split}2017" / "000.png").write_bytes(png(seed))
        content = {
            "images": [{"id": 7, "file_name": "000.png", "height": 20, "width": 24}],
            "categories": [{"id": 3, "name": "ant"}],
            "annotations": [{"image_id": 7, "category_id": 3, "bbox": [2, 3, 10, 12]}],
        }
        (tmp_path / "annotations" / f"instances_{split}2017.json").write_text(json.dumps(content))
        (tmp_path / "annotations" / f"captions_{split}2017.json").write_text("{}")
    found = find_boxes(str(tmp_path))
    assert [(r.split, r.truth.names, r.truth.wrong) for r in found] == [
        ("train", ("ant",), None),
        ("val", ("ant",), None),
    ]


@pytest.mark.parametrize(
    "names", [("a.json", "b.json"), ("instances_a.json", "instances_b.json"), ("a.json", "train.json")]
)
def test_several_coco_files_of_which_none_is_meant(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, names: tuple[str, str]
) -> None:
    paint(tmp_path, "a.png", "b.png")
    for name, picture in zip(names, ("a.png", "b.png"), strict=True):
        write(tmp_path / name, json.dumps(coco({picture: [ANT]})))
    with pytest.raises(
        DataError, match=rf"one COCO file.*{names[0]}, {names[1]} in .*Pass one with `--data file\.json`"
    ):
        find_boxes(str(tmp_path))
    assert found(tmp_path / names[1]) == {"b.png": (None, ("ant",))}


def test_what_does_not_look_like_coco_does_not_count(coco_folder: Path, write: Write) -> None:
    before = found(coco_folder)
    write(coco_folder / "a_package.json", '{"name": "ants"}')
    os.mkfifo(coco_folder / "a_pipe.json")
    assert found(coco_folder) == before
    (coco_folder / "all.json").rename(coco_folder / "instances_of_ants.JSON")
    write(coco_folder / "captions.json", (coco_folder / "instances_of_ants.JSON").read_bytes())
    assert found(coco_folder) == before


def test_a_coco_file_without_one_to_train_on(coco_folder: Path) -> None:
    (coco_folder / "all.json").rename(coco_folder / "instances_val2017.json")
    with pytest.raises(DataError, match=r"there is one for train.*only instances_val2017\.json in .*Add the one"):
        find_boxes(str(coco_folder))


def test_a_split_folder_without_its_coco_file(tmp_path: Path, paint: Paint, write: Write, coco: Coco) -> None:
    paint(tmp_path, "train/a.png", "val/b.png")
    write(tmp_path / "instances_train.json", json.dumps(coco({"a.png": [ANT]})))
    with pytest.raises(DataError, match=r"for the pictures in .*val, only instances_train\.json.*is of one split"):
        find_boxes(str(tmp_path))


@pytest.mark.parametrize("above", ["", "images/"])
@pytest.mark.parametrize("place", ["all.json", "annotations/all.json"])
@pytest.mark.parametrize(
    "names", [("a.png", "b.png"), ("{}train/a.png", "{}val/b.png"), ("../train/a.png", "../val/b.png")]
)
def test_one_coco_file_for_split_folders(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, check_fault: Check, above: str, place: str, names: tuple
) -> None:
    paint(tmp_path, f"{above}train/a.png", f"{above}val/b.png")
    content = coco({name.format(above): [ANT] for name in names})
    write(tmp_path / place, json.dumps(content))
    both = {f"{above}train/a.png": ("train", ("ant",)), f"{above}val/b.png": ("val", ("ant",))}
    assert found(tmp_path) == both
    content["images"].append({"id": 9, "file_name": "c.png", "width": 30, "height": 20})
    write(tmp_path / place, json.dumps(content))
    check_fault(
        find_boxes(str(tmp_path)),
        rf"{place} image 9",
        f"file_name 'c.png': no such picture in {above}train, {above}val",
    )


def test_one_coco_file_for_two_pictures_of_one_name(
    tmp_path: Path, paint: Paint, write: Write, coco: Coco, check_fault: Check
) -> None:
    paint(tmp_path, "train/a.png", "val/a.png", "train/b.png", "val/c.png")
    write(tmp_path / "all.json", json.dumps(coco({name: [ANT] for name in ("a.png", "b.png", "c.png")})))
    check_fault(
        find_boxes(str(tmp_path)), "all.json image 0", r"file_name 'a\.png': there are several: train/a\.png, val"
    )


@pytest.mark.parametrize("again", ["0.png", "./0.png", "more/../0.png", "link.png"])
def test_a_coco_picture_that_is_listed_twice(coco_folder: Path, write: Write, coco: Coco, again: str) -> None:
    (coco_folder / "link.png").symlink_to("0.png")
    content = coco({f"{i}.png": [ANT] for i in range(5)})
    content["images"].append({"id": 9, "file_name": again, "width": 30, "height": 20})
    write(coco_folder / "all.json", json.dumps(content))
    with pytest.raises(DataError, match=r"listed once.*'0\.png' of image 0 and '.*\.png' of image 9 in .*all\.json"):
        find_boxes(str(coco_folder))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\0.png", r"file_name 'a\\x00\.png': embedded null byte"),
        ("\ud800.png", r"file_name '\\ud800\.png': 'utf-8' codec"),
        ("a" * 300, r"file_name 'a+\.\.\.a+': File name too long"),
        ("loop.png", r"file_name 'loop\.png': Too many levels of symbolic links"),
        ("loop.png/a.png", r"file_name 'loop\.png/a\.png': Too many levels"),
        ("pipe.png", r"file_name 'pipe\.png': no regular file"),
        ("", r"file_name '': no regular file"),
        ("/a\0.png", r"file_name '/a\\x00\.png': embedded null byte"),
    ],
)
def test_coco_names_that_are_no_file(
    coco_folder: Path, write: Write, coco: Coco, check_fault: Check, name: str, said: str
) -> None:
    os.mkfifo(coco_folder / "pipe.png")
    (coco_folder / "loop.png").symlink_to("loop.png")
    content = coco({f"{i}.png": [ANT] for i in range(5)})
    content["images"][0]["file_name"] = name
    write(coco_folder / "all.json", json.dumps(content))
    check_fault(find_boxes(str(coco_folder)), r"all\.json image 0", said)


def test_a_coco_picture_that_is_a_link_out_of_the_folder(coco_folder: Path, tmp_path_factory: Any) -> None:
    away = tmp_path_factory.mktemp("away") / "0.png"
    (coco_folder / "0.png").rename(away)
    (coco_folder / "0.png").symlink_to(away)
    with pytest.raises(DataError, match=r"below the data folder.*'0\.png' in .*a link to .*away.*Copy what the link"):
        find_boxes(str(coco_folder))


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


def test_what_is_wrong_with_the_only_file_is_told_beside_a_text(coco_folder: Path, write: Write) -> None:
    text = (coco_folder / "all.json").read_text()
    write(coco_folder / "README.roboflow.txt", "Exported")
    write(coco_folder / "all.json", text[: text.index("categories")])
    with pytest.raises(DataError, match=r"A COCO file holds.*JSONDecodeError"):
        find_boxes(str(coco_folder))


def test_absolute_names(coco_folder: Path, write: Write, coco: Coco, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(coco_folder)
    os.mkfifo("pipe.png")
    for source in (coco_folder, Path()):
        content = coco({str(coco_folder / f"{i}.png"): [ANT] for i in range(5)} | {str(coco_folder / "pipe.png"): []})
        write(coco_folder / "all.json", json.dumps(content))
        assert found(source) == {f"{i}.png": (None, ("ant",)) for i in range(5)} | {"all.json image 5": (None, ())}
        write(coco_folder / "all.json", json.dumps(coco({str(coco_folder.parent / "0.png"): [ANT]})))
        with pytest.raises(DataError, match="below the data folder"):
            find_boxes(str(source))
