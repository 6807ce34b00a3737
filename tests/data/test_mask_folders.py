from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfft.data import Record, find_masks
from tfft.errors import ConfigError, DataError

Check = Callable[[list[Record], str, str], None]
Pair = Callable[..., None]
Write = Callable[[Path, bytes | str], Path]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"classes": {"one": "ant"}}, r"from 0 to 255.*'one'"),
        ({"classes": {"256": "ant"}}, r"from 0 to 255.*'256'"),
        ({"classes": {"-1": "ant"}}, r"from 0 to 255.*'-1'"),
        ({"classes": {"1": "ant", "01": "bee"}}, r"named once.*'1': 'ant', '01': 'bee'"),
        ({"ignore": (300,)}, r"from 0 to 255.*300"),
        ({"classes": {"0": "road", "1": "ant"}, "ignore": (1,)}, r"either.*1.*ignore"),
        ({"classes": {str(value): f"no {value}" for value in range(256)}, "ignore": ()}, r"at most 254.*256 names"),
    ],
)
def test_values_that_cannot_be(mask_folder: Path, options: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find_masks(str(mask_folder), **options)


@pytest.mark.parametrize(("width", "height"), [(29, 20), (20, 30)])
def test_a_mask_of_another_size(mask_folder: Path, check_fault: Check, width: int, height: int) -> None:
    Image.new("L", (width, height)).save(mask_folder / "masks/0.png")
    said = f"its mask has {width} x {height} pixels, the picture 30 x 20"
    check_fault(find_masks(str(mask_folder)), r"images/0\.png", said)


def test_a_missing_mask(mask_folder: Path, check_fault: Check) -> None:
    (mask_folder / "masks/0.png").unlink()
    check_fault(find_masks(str(mask_folder)), r"images/0\.png", r"no mask masks/0\.png")


def test_a_mask_without_a_picture(mask_folder: Path, check_fault: Check) -> None:
    (mask_folder / "images/0.png").unlink()
    check_fault(find_masks(str(mask_folder)), r"masks/0\.png", "a picture of this name is missing")


def test_a_mask_that_cannot_be_read(mask_folder: Path, check_fault: Check) -> None:
    (mask_folder / "masks/0.png").unlink()
    (mask_folder / "masks/0.png").symlink_to(mask_folder / "nowhere.png")
    check_fault(find_masks(str(mask_folder)), r"images/0\.png", r".*No such file")


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


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no folder .*nowhere/images.*demo:masks"):
        find_masks(str(tmp_path / "nowhere"))
    (tmp_path / "images").mkdir()
    with pytest.raises(DataError, match=r"no folder .*/masks.*Check `--masks`"):
        find_masks(str(tmp_path))
    (tmp_path / "masks").mkdir()
    with pytest.raises(DataError, match=r"images/ holds pictures.*none in"):
        find_masks(str(tmp_path))


def test_a_table_chooses_and_deals(mask_folder: Path, write: Write) -> None:
    write(mask_folder / "list.csv", "\ufeffname;split;group\n3;train;p1\n0.png;valid;p2\n4;test;\n")
    assert [(r.where, r.split, r.group) for r in find_masks(str(mask_folder), table="list.csv")] == [
        ("images/3.png", "train", "p1"),
        ("images/0.png", "val", "p2"),
        ("images/4.png", "test", None),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("picture\n0\n", r"a column 'name'.*'picture'"),
        ("name\n0\n9\n", r"'9' in list\.csv row 3.*Nearest"),
        ("name\n0\n\n0.png\n", r"'0\.png' again in list\.csv row 4"),
        ("name,split\n0,tset\n", r"'tset' in list\.csv row 2.*'test'"),
        ("name,split\n0\n", r"in list\.csv row 2"),
        ("name\n", "only a header"),
        ("name,split\n0,train\n1,val,x\n", r"1 more in list\.csv row 3"),
        ("name,Split\n0,train\n1,val\n", r"'name', 'split', 'group'.*'Split' in .*list\.csv.*'split'"),
        ("Name\n0\n", r"a column 'name'.*Correct its header; nearest: 'Name'"),
        ("name\nmasks/5\n", r"'masks/5' in list\.csv row 2"),
    ],
)
def test_a_table_that_does_not_fit(mask_folder: Path, write: Write, text: str, said: str) -> None:
    write(mask_folder / "list.csv", text)
    with pytest.raises(DataError, match=said):
        find_masks(str(mask_folder), table="list.csv")
    with pytest.raises(DataError, match=r"no file .*none\.csv.*`--table`"):
        find_masks(str(mask_folder), table="none.csv")


def test_the_demo_has_no_table() -> None:
    with pytest.raises(ConfigError, match=r"list\.csv with demo:masks"):
        find_masks("demo:masks", table="list.csv")


def test_a_name_in_a_table_that_two_pictures_have(tmp_path: Path, write: Write, mask_pair: Pair) -> None:
    for film in ("may", "june"):
        mask_pair(tmp_path, f"{film}/0001")
    write(tmp_path / "list.csv", "name\n0001\n")
    with pytest.raises(DataError, match=r"one picture.*'0001' in list\.csv row 2.*images/june/0001\.png, images/may"):
        find_masks(str(tmp_path), table="list.csv")
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
    found = [record.truth.wrong for record in find_masks(str(tmp_path))]
    assert found == ["2 masks named masks/a", None, "a second picture named b, as images/b.png"]
