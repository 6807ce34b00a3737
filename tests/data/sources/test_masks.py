from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tfft.data import as_arrays, find_masks
from tfft.errors import ConfigError, DataError

Check = Callable[..., None]
Pair = Callable[..., None]
Write = Callable[[Path, bytes | str], Path]


def test_values_that_cannot_be(mask_folder: Path, refused: Check) -> None:
    for options, *named in (
        ({"classes": {"one": "ant"}}, "0", "255", "'one'"),
        ({"classes": {"256": "ant"}}, "0", "255", "'256'"),
        ({"classes": {"-1": "ant"}}, "0", "255", "'-1'"),
        ({"classes": {"1": "ant", "01": "bee"}}, "'1': 'ant'", "'01': 'bee'"),
        ({"ignore": (300,)}, "0", "255", "300"),
        ({"classes": {"0": "road", "1": "ant"}, "ignore": (1,)}, "1", "ignore"),
        ({"classes": {str(value): f"no {value}" for value in range(256)}, "ignore": ()}, "254", "256"),
    ):
        refused(ConfigError, named, partial(find_masks, str(mask_folder), **options))


def test_a_mask_of_another_size(mask_folder: Path, check_fault: Check) -> None:
    for width, height in ((29, 20), (20, 30)):
        Image.new("L", (width, height)).save(mask_folder / "masks/0.png")
        check_fault(find_masks(str(mask_folder)), "images/0.png", f"{width} x {height}", "30 x 20")


def test_a_mask_that_is_missing_or_cannot_be_read(mask_folder: Path, check_fault: Check) -> None:
    (mask_folder / "masks/0.png").unlink()
    check_fault(find_masks(str(mask_folder)), "images/0.png", "masks/0.png")
    (mask_folder / "masks/0.png").symlink_to(mask_folder / "nowhere.png")
    check_fault(find_masks(str(mask_folder)), "images/0.png", "No such file")


def test_a_mask_without_a_picture(mask_folder: Path, check_fault: Check) -> None:
    (mask_folder / "images/0.png").unlink()
    check_fault(find_masks(str(mask_folder)), "masks/0.png")


def test_split_folders(tmp_path: Path, mask_pair: Pair) -> None:
    for split in ("train", "valid", "test"):
        mask_pair(tmp_path / split, split)
    assert {r.where: r.split for r in find_masks(str(tmp_path))} == {
        "train/images/train.png": "train",
        "valid/images/valid.png": "val",
        "test/images/test.png": "test",
    }


def test_split_folders_below_images_and_masks(tmp_path: Path, mask_pair: Pair) -> None:
    for split in ("train", "val"):
        mask_pair(tmp_path, f"{split}/a", np.full((20, 30), split == "val", np.uint8))
    records = find_masks(str(tmp_path))
    assert {r.where: r.split for r in records} == {"images/train/a.png": "train", "images/val/a.png": "val"}
    assert records[1].truth.read() == (tmp_path / "masks/val/a.png").read_bytes()


def test_another_folder_and_other_suffixes(tmp_path: Path, mask_pair: Pair) -> None:
    mask_pair(tmp_path, "a", masks="labels")
    (tmp_path / "images/a.png").rename(tmp_path / "images/a.webp")
    (record,) = find_masks(str(tmp_path), masks="labels")
    assert record.truth.picture == tmp_path / "labels/a.png"
    assert record.truth.wrong is None


def test_pictures_in_folders_of_their_own(tmp_path: Path, mask_pair: Pair) -> None:
    """Frames of two films may have one name."""
    for number, film in enumerate(("may", "june")):
        mask_pair(tmp_path, f"{film}/0001", np.full((20, 30), number, np.uint8))
    for record in find_masks(str(tmp_path)):
        assert record.truth.picture == tmp_path / record.where.replace("images", "masks")


def test_a_picture_turned_by_exif_has_the_size_that_is_shown(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (20, 30)).save(tmp_path / "images/a.jpg", exif=exif)
    Image.new("L", (30, 20)).save(tmp_path / "masks/a.png")
    assert find_masks(str(tmp_path))[0].truth.wrong is None


def test_no_folder(tmp_path: Path, refused: Check) -> None:
    refused(DataError, (str(tmp_path / "nowhere/images"), "demo:masks"), find_masks, str(tmp_path / "nowhere"))
    (tmp_path / "images").mkdir()
    refused(DataError, (str(tmp_path / "masks"), "`--masks`"), find_masks, str(tmp_path))
    (tmp_path / "masks").mkdir()
    refused(DataError, (str(tmp_path), "images/"), find_masks, str(tmp_path))


def test_a_table_chooses_and_deals(mask_folder: Path, write: Write) -> None:
    write(mask_folder / "list.csv", "\ufeffname;split;group\n3;train;p1\n0.png;valid;p2\n4;test;\n")
    assert [(r.where, r.split, r.group) for r in find_masks(str(mask_folder), table="list.csv")] == [
        ("images/3.png", "train", "p1"),
        ("images/0.png", "val", "p2"),
        ("images/4.png", "test", None),
    ]


def test_a_table_that_does_not_fit(mask_folder: Path, write: Write, refused: Check) -> None:
    for text, *named in (
        ("picture\n0\n", "'name'", "'picture'"),
        ("name\n0\n9\n", "'9'", "row 3", "'0'"),
        ("name\n0\n\n0.png\n", "'0.png'", "row 4"),
        ("name,split\n0,tset\n", "'tset'", "row 2", "'test'"),
        ("name,split\n0\n", "row 2"),
        ("name\n", "header"),
        ("name,split\n0,train\n1,val,x\n", "row 3"),
        ("name,Split\n0,train\n1,val\n", "'name'", "'split'", "'group'", "'Split'"),
        ("Name\n0\n", "'name'", "'Name'"),
        ("name\nmasks/5\n", "'masks/5'", "row 2"),
    ):
        write(mask_folder / "list.csv", text)
        refused(DataError, ("list.csv", *named), partial(find_masks, str(mask_folder), table="list.csv"))
    refused(DataError, ("none.csv", "`--table`"), partial(find_masks, str(mask_folder), table="none.csv"))
    refused(ConfigError, ("list.csv", "demo:masks"), partial(find_masks, "demo:masks", table="list.csv"))


def test_a_name_in_a_table_that_two_pictures_have(
    tmp_path: Path, write: Write, mask_pair: Pair, refused: Check
) -> None:
    for film in ("may", "june"):
        mask_pair(tmp_path, f"{film}/0001")
    write(tmp_path / "list.csv", "name\n0001\n")
    named = ("'0001'", "list.csv", "row 2", "images/june/0001.png", "images/may/0001.png")
    refused(DataError, named, partial(find_masks, str(tmp_path), table="list.csv"))
    write(tmp_path / "list.csv", "name\nmay/0001\njune/0001.png\n")
    found = find_masks(str(tmp_path), table="list.csv")
    assert [r.where for r in found] == ["images/may/0001.png", "images/june/0001.png"]


def test_two_masks_or_two_pictures_of_one_name(tmp_path: Path, png: Callable[..., bytes]) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for seed, name in enumerate(("a.png", "b.png", "b.webp")):
        (tmp_path / "images" / name).write_bytes(png(seed))
    for name in ("a.png", "a.tif", "b.png"):
        Image.fromarray(np.zeros((20, 24), np.uint8)).save(tmp_path / "masks" / name)
    two_masks, right, two_pictures = (record.truth.wrong for record in find_masks(str(tmp_path)))
    assert "masks/a" in two_masks
    assert right is None
    assert "images/b.png" in two_pictures


def test_of_arrays_values_may_be_ignored_and_labels_are_names(refused: Check) -> None:
    x, y = np.zeros((2, 4, 4, 3), np.uint8), np.arange(32, dtype=np.uint8).reshape(2, 4, 4) % 3
    x[1] = 1
    arrays = as_arrays({"train": (x, y)}, None)
    assert [record.truth.ids.ignored for record in find_masks(arrays, ignore=(2,))] == [(2,), (2,)]
    assert [record.truth.ids.ignored for record in find_masks(arrays)] == [None, None]
    refused(ConfigError, ("labels=",), partial(find_masks, arrays, classes={"0": "road"}))
