"""COCO: the pictures that one file lists, and the boxes of each."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfft.data.box_files import Found, Size, UnusableError, checked
from tfft.data.boxes import Boxes
from tfft.errors import DataError


def coco_file(path: Path) -> tuple[list[tuple[Any, str, Size]], dict[Any, list[Found]]]:
    """The pictures of a COCO file, id, name and size of each, and by id their objects; crowds are left out."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        names = {kind["id"]: str(kind["name"]) for kind in content["categories"]}
        objects: dict[Any, list[Found]] = defaultdict(list)
        for one in content["annotations"]:
            if not one.get("iscrowd"):
                left, top, width, height = map(float, one["bbox"])
                objects[one["image_id"]].append((names[one["category_id"]], [left, top, left + width, top + height]))
        images = [
            (one["id"], str(one["file_name"]), (int(one["height"]), int(one["width"]))) for one in content["images"]
        ]
    except (
        OSError,
        json.JSONDecodeError,
        UnicodeDecodeError,
        KeyError,
        TypeError,
        ValueError,
        OverflowError,
        AttributeError,
    ) as error:
        raise DataError(
            "A COCO file holds images (id, file_name, height, width), categories and annotations with a bbox",
            received=f"{type(error).__name__}: {error} in {path}",
            fix="Check `--data`",
        ) from None
    return images, objects


def coco_boxes(objects: Sequence[Found], said: Size, size: Size | None, where: str) -> Boxes:
    """The objects of one picture of a COCO file, which says the size `said`; `size` is as for `voc_boxes`."""
    if size is not None and size != said:
        raise UnusableError(f"{where} says {said[1]} x {said[0]} pixels, the picture has {size[1]} x {size[0]}")
    return checked(objects, said, where)
