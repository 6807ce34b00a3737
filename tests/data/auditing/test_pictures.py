from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from tfft.data import Finding, Label, Record, audit_json, audit_pictures, audit_summary, mark_near_duplicates
from tfft.data.reading import looks
from tfft.data.records import content_digest, digested
from tfft.data.truths.boxes import Boxes
from tfft.data.truths.mask_values import Ids
from tfft.data.truths.masks import Mask
from tfft.store import Storage


def scene(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Soft shapes with fine detail, in colour."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(0, 256, (9, 12, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return Image.fromarray(
        np.clip(np.asarray(soft) + rng.normal(0, 30, (size[1], size[0], 1)), 0, 255).astype(np.uint8)
    )


def saved(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def record(content: bytes, where: str, **fields: object) -> Record:
    return Record(content, fields.pop("truth", Label("ant")), where=where, **fields)


def audited(records: list[Record]) -> list[Finding]:
    return audit_pictures(mark_near_duplicates(digested(records), Storage()), Storage(), (32, 32))


def test_every_kind_of_odd_picture_is_found_and_no_other() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    odd = {
        "dark": scene(50).point(lambda value: value * 0.2),
        "bright": scene(51).point(lambda value: 247 + value // 32),
        "blurred": scene(52).filter(ImageFilter.GaussianBlur(12)),
        "flat": Image.new("RGB", (160, 120), (200, 80, 60)),
        "odd shape": scene(53, (480, 60)),
        "odd size": scene(54, (1600, 1200)),
        "grey": scene(55).convert("L"),
        "rotated": scene(56),
    }
    records = [record(saved(scene(n, (160 + n, 120))), f"{n}") for n in range(40)]
    records += [
        record(saved(image, **({"exif": turned} if name == "rotated" else {})), name) for name, image in odd.items()
    ]
    records.append(record(b"no picture", "unreadable"))
    found = audited(records)
    by_name = {name: {one.check for one in found if one.where == name} for name in (*odd, "unreadable")}
    assert by_name == {name: {name, "flat"} if name == "bright" else {name} for name in by_name}
    assert not [one for one in found if one.where not in by_name]
    assert found[0].check == "unreadable"
    assert audit_json(found)["counts"] == audit_summary(found)


def test_equal_pictures_by_label_and_split_and_rare_classes() -> None:
    records = [record(saved(scene(n)), f"{n}") for n in range(200)]
    records += [
        record(saved(scene(0)), "again"),
        record(saved(scene(1)), "other label", truth=Label("bee")),
        replace(record(saved(scene(2)), "other split"), split="test"),
        record(saved(scene(3).resize((158, 119))), "nearly"),
    ]
    found = {(one.check, one.where) for one in audited(records)}
    assert found >= {
        ("duplicate", "again"), ("contradiction", "other label"), ("leak", "other split"), ("near-duplicate", "nearly"),
    }  # fmt: skip
    many = [record(saved(scene(n)), f"{n}", truth=Label(f"class {n % 2}")) for n in range(220)]
    rare = audited([*many, record(saved(scene(300)), "one", truth=Label("zebra"))])
    assert [(one.check, one.where) for one in rare] == [("rare class", "zebra")]


def test_what_all_have_in_common_is_not_odd() -> None:
    greys = [record(saved(scene(n).convert("L")), f"{n}") for n in range(12)]
    assert audited([*greys, record(saved(scene(50)), "colour")]) == []
    blurred = [record(saved(scene(n).filter(ImageFilter.GaussianBlur(12))), f"{n}") for n in range(12)]
    assert not {one.check for one in audited(blurred)} & {"blurred", "flat"}
    assert [one.where for one in audited([*greys, *blurred[:4]]) if one.check == "blurred"] == [*"0123"]


def test_a_pixel_more_is_no_odd_size_and_a_copy_of_a_copy_keeps_its_reason() -> None:
    sizes = [record(saved(scene(n, (160 + (n % 5 == 0), 120))), f"{n}") for n in range(30)]
    assert audited(sizes) == []
    near, again = saved(scene(3).resize((158, 119))), saved(scene(3, (160, 120)))
    records = [*sizes, record(near, "near"), record(again, "other", truth=Label("bee"))]
    found = {one.where: one for one in audited(records)}
    assert found["near"].check == "near-duplicate"
    assert found["other"].check == "contradiction"
    assert "3: ant and bee" in found["other"].detail


def test_boxes() -> None:
    boxes = {
        "tiny box": ((0.5, 0.5, 0.51, 0.51),),
        "huge box": ((0.0, 0.0, 1.0, 1.0),),
        "doubled box": ((0.1, 0.1, 0.5, 0.5), (0.1, 0.1, 0.5, 0.49)),
        "": ((0.1, 0.1, 0.5, 0.5), (0.3, 0.1, 0.7, 0.5)),
    }
    records = [
        record(saved(scene(n)), name, truth=Boxes(("ant",) * len(corners), corners))
        for n, (name, corners) in enumerate(boxes.items())
    ]
    records.append(record(saved(scene(9)), "box outside", truth=Boxes(("ant",), ((0.0, 0.1, 0.5, 0.5),), clipped=1)))
    assert {(one.check, one.where) for one in audited(records)} == {
        (name, name) for name in [*boxes, "box outside"] if name
    }


def test_masks() -> None:
    def mask(*values: int) -> bytes:
        rows = np.resize(np.repeat(values, 4), (32, 32)).astype(np.uint8)
        return saved(Image.fromarray(rows))

    masks = {
        "a": mask(0, 1),
        "b": mask(0, 1, 255),
        "c": mask(1, 0),
        "one": mask(1),
        "ignored": mask(255),
        "more": mask(0, 1, 7),
    }
    masks["damaged"] = b"no picture"

    def found_with(**ids: Any) -> set[tuple[str, str, str]]:
        records = [
            record(saved(scene(n)), name, truth=Mask(content, Ids(**ids), content_digest(content)))
            for n, (name, content) in enumerate(masks.items())
        ]
        return {(one.check, one.where, one.detail.partition(":")[0]) for one in audited(records)}

    empty = {("empty mask", "one", "only 1"), ("empty mask", "ignored", "only ignored pixels")}
    assert found_with() == {("bad mask", "damaged", "mask"), *empty}
    named = found_with(names=((0, "road"), (1, "car")), ignored=(255,))
    unknown = "its mask has the values 7, which `--classes` does not name"
    also = {("empty mask", "one", "only car"), ("empty mask", "ignored", "only ignored pixels")}
    assert named == {("bad mask", "damaged", "mask"), ("bad mask", "more", unknown), *also}
    both = found_with(names=((0, "road"), (1, "road"), (7, "car")), ignored=(255,))
    assert not {check for check, *_ in both} & {"empty mask"}  # most masks have one class

    masks.clear()
    masks.update({f"{n}": mask(0, 255) for n in range(4)}, white=mask(255))  # 255 is a class where there is one other
    assert found_with() == {("empty mask", "white", "only 255")}


def test_measures_are_stored_and_files_read_once() -> None:
    records = digested([record(saved(scene(n)), f"{n}") for n in range(3)])
    first = looks.looks_of(records, Storage())
    gone = [replace(one, content=b"") for one in records]
    again = looks.looks_of(gone, Storage())
    assert not again.failed
    for name, values in first.measures().items():
        assert np.array_equal(values, again.measures()[name])
    assert first.measures()["height"].tolist() == [120, 120, 120]
    assert np.array_equal(first.thumbnails[:], again.thumbnails[:])
