"""Where COCO files and their pictures lie: one file for all splits or one for each, the pictures in split folders."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfft.data.reading.images import picture_size
from tfft.data.records import SPLIT_NAMES, Record
from tfft.data.sources.boxes.annotation import UnusableError, annotation_files, content_of, parsed, short, unusable
from tfft.data.sources.boxes.coco import coco_boxes, coco_file
from tfft.data.sources.files import readable
from tfft.errors import DataError, listed

PARTS = (b'"images"', b'"annotations"', b'"categories"')
"""What every COCO file has; a package.json or a file of captions lacks one."""


def coco_files(folder: Path, split: str | None) -> dict[str | None, Path]:
    """By split the COCO files in a folder: the one of `split`, or one for each if that is None and the names say so.

    Raises:
        DataError: If there are several of one split, or none to train on.
    """
    found: dict[str | None, list[Path]] = defaultdict(list)
    for path in annotation_files(folder, ".json"):
        if _is_coco(path):
            found[_split_in(path)].append(path)
    for name, paths in found.items():  # beside them lie those of keypoints and of regions without a shape
        found[name] = [path for path in paths if path.name.lower().startswith("instances")] or paths
    if split is None and found and not found.keys() & {"train", None}:
        raise DataError(
            "Beside a .json file for val or test there is one for train",
            received=f"only {listed(path.name for paths in found.values() for path in paths)} in {folder}",
            fix="Add the one for train, or pass this one with `--data file.json` to deal its pictures to all splits",
        )
    wanted = dict(found) if split is None else {split: found.get(split) or found.get(None, [])}
    if any(len(paths) > 1 for paths in wanted.values()) or (None in wanted and len(wanted) > 1):
        raise DataError(
            "A folder holds one COCO file for all splits, or one for each whose name says the split",
            received=f"{listed(path.name for paths in wanted.values() for path in paths)} in {folder}",
            fix="Pass one with `--data file.json`, or merge them, or move those that are not meant somewhere else",
        )
    return {name: paths[0] for name, paths in wanted.items() if paths}


def _split_in(path: Path) -> str | None:
    """The split that the name of a file speaks of: `instances_train2017.json`."""
    words = re.findall(r"[a-z]+", path.stem.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def _is_coco(path: Path) -> bool:
    """Whether it looks like one; it may be large, so it is not parsed for that."""
    try:
        content = content_of(path)
    except UnusableError:
        return False
    except OSError:
        return True  # so that its name is told with the reason
    return all(part in content for part in PARTS)


def coco_records(path: Path, tops: Mapping[Path, str | None], root: Path) -> Iterator[Record]:
    """The records of a COCO file, whose pictures lie in or below some folders, each of which is of a split."""
    images, objects = coco_file(path)
    first = next(iter(tops.values()))
    listed_as: dict[Path, str] = {}

    def unusable_row(number: object, why: str) -> Record:
        where = readable(f"{path.relative_to(root).as_posix()} image {short(number)}")
        # its place stands for its content: two of them are not one picture
        return Record(content=where.encode(), truth=unusable(why), where=where, split=first)

    for number, name, said in images:
        try:
            picture, split = _picture(path, name, tops, root)
        except UnusableError as error:
            yield unusable_row(number, f"file_name {short(name)}: {error}")
            continue
        row = f"{short(name)} of image {short(number)}"
        if (before := listed_as.setdefault(picture.resolve(), row)) != row:
            raise DataError(
                "Every picture is listed once",
                received=f"{before} and {row} in {path}",
                fix="Remove one of the two, and give its annotations the image_id of the other",
            )
        where = readable(Path(os.path.relpath(picture, root)).as_posix())
        truth = parsed(lambda: coco_boxes(objects.get(number, []), said, picture_size(picture), path.name))  # noqa: B023
        yield Record(content=picture, truth=truth, where=where, split=split)
    known = {number for number, _, _ in images}
    for number in objects:
        if number not in known:
            yield unusable_row(number, "no picture has this id")


def _picture(path: Path, name: str, tops: Mapping[Path, str | None], root: Path) -> tuple[Path, str | None]:
    """The picture of a row, and its split; one that is nowhere is left to be named by decoding."""

    def plain(folder: Path) -> Path:  # `..` is undone below the root alone, which may be reached over a link
        return root / os.path.normpath(folder.relative_to(root) / name)

    found = {}
    for top, split in tops.items():
        inner = top / "images"
        # some tools write names relative to the file, or to the data folder
        homes = ((top, top if len(tops) > 1 else root), (inner, inner), (path.parent, top), (root, top))
        places = [place for folder, home in homes if (place := plain(folder)).is_relative_to(home)]
        if there := next(filter(_is_picture, places), None):
            found[there] = split
    if len(found) > 1:
        raise UnusableError(f"there are several: {listed(os.path.relpath(place, root) for place in found)}")
    first = next(iter(tops))
    picture, split = next(iter(found.items()), (plain(first), tops[first]))
    _is_picture(picture)  # also of one that is nowhere, as its path may be none at all
    if not picture.resolve().is_relative_to(root.resolve()):
        inside = Path(os.path.abspath(picture)).is_relative_to(os.path.abspath(root))
        raise DataError(
            "A picture lies below the data folder",
            received=f"{short(name)} in {path}" + (f", a link to {picture.resolve()}" if inside else ""),
            fix="Copy what the link points at" if inside else "Write its path relative to the .json file",
        )
    if not found and len(tops) > 1:
        raise UnusableError(f"no such picture in {listed(top.relative_to(root) for top in tops)}")
    return picture, split


def _is_picture(place: Path) -> bool:
    """Whether there is a file; of a path that cannot be one, or what would never end, the reason is told."""
    try:
        if stat.S_ISREG(place.stat().st_mode):
            return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError, RuntimeError) as error:  # too long, a loop of links, a NUL, half a character
        raise UnusableError(getattr(error, "strerror", None) or str(error)) from None
    raise UnusableError("no regular file")
