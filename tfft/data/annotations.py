"""Where pictures with boxes come from: Pascal VOC, COCO and YOLO folders on disk, the demo."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from tfft.data import audit, sources
from tfft.data.box_files import Found, Size, UnusableError, voc_boxes
from tfft.data.boxes import Boxes
from tfft.data.coco import coco_boxes, coco_file
from tfft.data.images import picture_size
from tfft.data.records import SPLIT_NAMES, Record, digested
from tfft.data.scenes import SIDE, scene_records
from tfft.data.yolo import yolo_boxes, yolo_names
from tfft.errors import DataError

FORMS = (
    "a folder with images/ and annotations/*.xml (Pascal VOC), images/ and labels/*.txt (YOLO), or pictures and a "
    ".json file (COCO), directly or under train/, val/ and test/; a COCO .json file; or demo:boxes"
)


def find_boxes(source: str) -> list[Record]:
    """Lists the pictures of a source with their boxes, and a digest of each, without decoding one.

    Args:
        source: A folder in Pascal VOC form (`images/`, `annotations/*.xml`), YOLO form (`images/`, `labels/*.txt`,
            the names in `data.yaml` or `classes.txt`) or COCO form (pictures and a `.json` file), directly or under
            `train/`, `val/` and `test/`; a COCO file; or `demo:boxes`.

    Returns:
        Records in the order of the names, or of the rows of a file. Boxes that cannot be used say why.

    Raises:
        DataError: If there is nothing to read, no box at all, or a class is on no training picture.
    """
    if source == "demo:boxes":
        records = scene_records(
            lambda scene: Boxes(tuple(map(str, scene.digits)), tuple(map(tuple, (scene.boxes / SIDE).tolist())))
        )
    elif source.lower().endswith(".json"):
        records = list(_coco(Path(source), Path(source).parent, Path(source).parent, None))
    else:
        records = _folder(Path(source))
    audit.check_trained(records, source)
    if not any(record.truth.names or record.truth.wrong for record in records):
        raise DataError("Some pictures have boxes", received=f"no box in {source}", fix="Check the annotations")
    return digested(records)


def _folder(root: Path) -> list[Record]:
    """Of the folder, or of the split folders in it or in its `images/`."""
    if not root.is_dir():
        raise DataError(
            f"`--data` must be {FORMS}",
            received=f"no folder {root}",
            fix="Check the path, or leave `--data` out for the demo",
        )
    images = _below(root, "images", "JPEGImages")
    for above in (root, images):
        if above and (tops := _split_folders(above)):
            return [record for top, split in tops.items() for record in _one(top, [top, root], root, split)]
    return list(_one(root, [root], root, None))


def _split_folders(folder: Path) -> dict[Path, str]:
    """The sub-folders that are named after a split, a year behind it as COCO has them: `train2017`."""
    named = {top: re.sub(r"\d{4}$", "", top.name.lower()) for top in sources.subfolders(folder)}
    return {top: SPLIT_NAMES[name] for top, name in named.items() if name in SPLIT_NAMES}


def _one(pictures: Path, notes: Sequence[Path], root: Path, split: str | None) -> Iterator[Record]:
    """The records of one split: pictures in or below one folder, what is said of them in or below others."""
    pictures = _below(pictures, "images", "JPEGImages") or pictures
    within = [
        place
        for folder in notes
        for name in ("annotations", "labels")
        if (below := _below(folder, name))
        for place in (below / pictures.name, below)
        if place.is_dir()
    ]
    for place in dict.fromkeys([*within, *notes, pictures]):
        below = place in (*within, pictures) and not _split_folders(place)
        if files := _files(place, ".xml", below=below):
            return _by_name(pictures, place, files, root, split, lambda path, size: voc_boxes(path, size))
        if jsons := _coco_files(place, split):
            return chain.from_iterable(_coco(path, pictures, root, name) for name, path in jsons.items())
        if (files := _files(place, ".txt", below=below)) and (names := yolo_names(root, place)):
            return _by_name(pictures, place, files, root, split, lambda path, size: yolo_boxes(path, names, size))
    raise DataError(
        f"`--data` must be {FORMS}",
        received=f"neither .xml, .json nor .txt files with class names for the pictures in {pictures}",
        fix="Check the names of the folders; YOLO files need their class names in data.yaml or classes.txt",
    )


def _below(folder: Path, *names: str) -> Path | None:
    wanted = [name.lower() for name in names]
    return next((one for one in sources.subfolders(folder) if one.name.lower() in wanted), None)


def _files(folder: Path, suffix: str, *, below: bool) -> list[Path]:
    """Files of one kind in a folder, or also below it."""
    return [
        path
        for path in sorted(folder.rglob(f"*{suffix}") if below else folder.glob(f"*{suffix}"))
        if path.name != "classes.txt" and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def _coco_files(folder: Path, split: str | None) -> dict[str | None, Path]:
    """The COCO files for one split, or for all of them, by split; of several the one named after instances."""
    found: dict[str | None, Path] = {}
    for path in sorted(_files(folder, ".json", below=False), key=lambda path: not path.name.startswith("instances")):
        found.setdefault(_split_in(path), path)
    if split is None and "train" in found:
        return {name: path for name, path in found.items() if name is not None}
    fitting = found.get(split, found.get(None))
    return {split: fitting} if fitting else {}


def _split_in(path: Path) -> str | None:
    """The split that the name of a file speaks of: `instances_train2017.json`."""
    words = re.findall(r"[a-z]+", path.stem.lower())
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)


def _by_name(
    pictures: Path,
    notes: Path,
    files: Sequence[Path],
    root: Path,
    split: str | None,
    parse: Callable[[Path, Size | None], Boxes],
) -> Iterator[Record]:
    """Pictures and the files of the same name in the folder `notes`; one that is alone says so."""
    named = {path.relative_to(notes).with_suffix(""): path for path in files}
    suffix = files[0].suffix
    taken: dict[Path, str] = {}
    for picture in sources.picture_files(pictures):
        where = sources.text(picture.relative_to(root).as_posix())
        name = picture.relative_to(pictures).with_suffix("")
        annotation = named.get(name) or named.get(Path(name.name))
        if annotation is None and suffix == ".txt":
            truth = Boxes((), ())  # YOLO writes no file for a picture without objects
        elif annotation is None:
            truth = _unusable(f"no {name.as_posix()}{suffix} in {notes.relative_to(root).as_posix()}")
        elif annotation in taken:
            truth = _unusable(f"a second picture named {name.as_posix()}, as {taken[annotation]}")
        else:
            taken[annotation] = where
            truth = _parsed(lambda: parse(annotation, picture_size(picture)))  # noqa: B023 (called at once)
        yield Record(picture=picture, truth=truth, where=where, split=split)
    shared = split is not None and not notes.is_relative_to(pictures.parent) and notes.name != pictures.name
    for path in files:
        if path not in taken and not shared:  # in a folder for all splits, it may be of a picture of another
            where = sources.text(path.relative_to(root).as_posix())
            # its place stands for its content: two that are empty are not one picture
            truth = _unusable("a picture of this name is missing")
            yield Record(picture=where.encode(), truth=truth, where=where, split=split)


def _parsed(parse: Callable[[], Boxes]) -> Boxes:
    try:
        return parse()
    except (UnusableError, OSError, UnicodeDecodeError) as error:
        return _unusable(str(error))


def _unusable(why: str) -> Boxes:
    return Boxes((), (), wrong=sources.text(why))


def _coco(path: Path, pictures: Path, root: Path, split: str | None) -> Iterator[Record]:
    """The records of a COCO file."""
    images, objects = coco_file(path)
    for number, name, said in images:
        yield _coco_record(path, pictures, root, split, name, said, objects.pop(number, []))
    for number in objects:
        where = sources.text(f"{path.relative_to(root).as_posix()} image {number}")
        yield Record(picture=path, truth=_unusable("no picture has this id"), where=where, split=split)


def _coco_record(
    path: Path, pictures: Path, root: Path, split: str | None, name: str, said: Size, objects: list[Found]
) -> Record:
    places = [folder / name for folder in (pictures, pictures / "images")]
    picture = next((place for place in places if place.is_file()), places[0])
    if not picture.resolve().is_relative_to(root.resolve()):
        raise DataError(
            "A picture lies below the data folder",
            received=f"{name!r} in {path}",
            fix="Write its path relative to the .json file",
        )
    where = sources.text(picture.relative_to(root).as_posix())
    truth = _parsed(lambda: coco_boxes(objects, said, picture_size(picture), path.name))
    return Record(picture=picture, truth=truth, where=where, split=split)
