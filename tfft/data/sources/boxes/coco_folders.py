"""Finds COCO files and their pictures: one file for all splits or one for each, and pictures in split folders."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfft.data.reading.images import picture_size
from tfft.data.records import SPLIT_NAMES, Record
from tfft.data.sources.boxes.annotation import (
    ListFormat,
    UnusableError,
    annotation_files,
    content_of,
    parsed,
    short,
    unusable,
)
from tfft.data.sources.boxes.coco import coco_boxes, coco_file
from tfft.data.sources.files import readable
from tfft.errors import DataError, listed

PARTS = (b'"images"', b'"annotations"', b'"categories"')
"""Keys of every COCO file; a package.json or a file of captions lacks at least one."""


def coco_files(folder: Path, split: str | None) -> dict[str | None, Path]:
    """Returns the COCO files in a folder by split: the file of `split`; if that is None, one for each split or for all.

    Raises:
        DataError: If a split has several files, or train has none.
    """
    candidates: dict[str | None, list[Path]] = defaultdict(list)
    for path in annotation_files(folder, ".json"):
        if _is_coco(path):
            candidates[_split_in(path)].append(path)
    for name, paths in candidates.items():  # keypoints and other annotations may have files beside them
        candidates[name] = [path for path in paths if path.name.lower().startswith("instances")] or paths
    if split is None and candidates and not candidates.keys() & {"train", None}:
        raise DataError(
            f"No .json file for train in {folder}, only "
            f"{listed(path.name for paths in candidates.values() for path in paths)}",
            fix="Add one for train, or pass one with `--data file.json` to split its pictures",
        )
    by_split = dict(candidates) if split is None else {split: candidates.get(split) or candidates.get(None, [])}
    if any(len(paths) > 1 for paths in by_split.values()) or (None in by_split and len(by_split) > 1):
        raise DataError(
            f"Several COCO files in {folder}: {listed(path.name for paths in by_split.values() for path in paths)}",
            fix="Pass one with `--data file.json`, name one after each split, or move the others elsewhere",
        )
    return {name: paths[0] for name, paths in by_split.items() if paths}


def _split_in(path: Path) -> str | None:
    """Returns the split in the name of a file, such as `instances_train2017.json`."""
    words = re.findall(r"[a-z]+", path.stem.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def _is_coco(path: Path) -> bool:
    """Returns whether a file looks like COCO, without parsing it, since it may be large."""
    try:
        content = content_of(path)
    except UnusableError:
        return False
    except OSError:
        return True  # so that reading it reports the reason
    return all(part in content for part in PARTS)


def coco_records(path: Path, tops: Mapping[Path, str | None], root: Path) -> Iterator[Record]:
    """Yields the records of a COCO file.

    Args:
        path: The file.
        tops: The folders that contain its pictures, directly or below, with their splits.
        root: The data folder.
    """
    images, objects = coco_file(path)
    first = next(iter(tops.values()))
    row_of: dict[Path, str] = {}

    def unusable_row(number: object, why: str) -> Record:
        where = readable(f"{path.relative_to(root).as_posix()} image {short(number)}")
        # the content is its place, so that two of them do not count as equal pictures
        return Record(content=where.encode(), truth=unusable(why), where=where, split=first)

    for number, name, stated in images:
        try:
            picture, split = _picture(path, name, tops, root)
        except UnusableError as error:
            yield unusable_row(number, f"file_name {short(name)}: {error}")
            continue
        row = f"{short(name)} of image {short(number)}"
        if (before := row_of.setdefault(picture.resolve(), row)) != row:
            raise DataError(
                f"{path} lists a picture twice, as {before} and {row}",
                fix="Remove one of the two, and give its annotations the image_id of the other",
            )
        where = readable(Path(os.path.relpath(picture, root)).as_posix())
        truth = parsed(lambda: coco_boxes(objects.get(number, []), stated, picture_size(picture), path.name))  # noqa: B023
        yield Record(content=picture, truth=truth, where=where, split=split)
    known = {number for number, _, _ in images}
    for number in objects:
        if number not in known:
            yield unusable_row(number, "no picture has this id")


def _picture(path: Path, name: str, tops: Mapping[Path, str | None], root: Path) -> tuple[Path, str | None]:
    """Returns the picture of a row and its split; decoding reports a picture that does not exist."""

    def plain(folder: Path) -> Path:  # resolves `..` only below the root, the path to which may contain links
        return root / os.path.normpath(folder.relative_to(root) / name)

    splits = {}
    for top, split in tops.items():
        inner = top / "images"
        # some tools write paths relative to the annotation file, or to the data folder
        homes = ((top, top if len(tops) > 1 else root), (inner, inner), (path.parent, top), (root, top))
        places = [place for folder, home in homes if (place := plain(folder)).is_relative_to(home)]
        if match := next(filter(_is_picture, places), None):
            splits[match] = split
    if len(splits) > 1:
        raise UnusableError(f"several pictures match: {listed(os.path.relpath(place, root) for place in splits)}")
    first = next(iter(tops))
    picture, split = next(iter(splits.items()), (plain(first), tops[first]))
    _is_picture(picture)  # raises an error if the path is invalid
    if not picture.resolve().is_relative_to(root.resolve()):
        inside = Path(os.path.abspath(picture)).is_relative_to(os.path.abspath(root))
        raise DataError(
            f"Picture outside of the data folder: {short(name)} in {path}"
            + (f", a link to {picture.resolve()}" if inside else ""),
            fix="Replace the link by a copy" if inside else "Write its path relative to the .json file",
        )
    if not splits and len(tops) > 1:
        raise UnusableError(f"not found in {listed(top.relative_to(root) for top in tops)}")
    return picture, split


def _is_picture(place: Path) -> bool:
    """Returns whether a path is a file; raises `UnusableError` if it is invalid, or a pipe or a device."""
    try:
        if stat.S_ISREG(place.stat().st_mode):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError, RuntimeError) as error:  # too long, a loop of links, a NUL, half a character
        raise UnusableError(getattr(error, "strerror", None) or str(error)) from None
    raise UnusableError("not a regular file")


COCO = ListFormat(
    name="COCO",
    suffix=".json",
    layout="pictures and a .json file",
    hint="a COCO file with a split in its name is used only for that split",
    files=coco_files,
    records=coco_records,
    check=coco_file,
)
