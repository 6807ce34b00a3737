"""Where pictures with boxes come from: folders in one of the formats, a COCO file, the demo."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tfft.data.demo.scenes import SIDE, scene_records
from tfft.data.reading.images import picture_size
from tfft.data.records import SPLIT_NAMES, Record, digested
from tfft.data.sources import arrays
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.boxes.annotation import Size, annotation_files, parsed, unusable
from tfft.data.sources.boxes.coco import coco_file
from tfft.data.sources.boxes.coco_folders import coco_files, coco_records
from tfft.data.sources.boxes.voc import voc_boxes
from tfft.data.sources.boxes.yolo import yolo_boxes, yolo_names
from tfft.data.sources.files import picture_files, readable, subfolders
from tfft.data.splitting import audit
from tfft.data.truths.boxes import Boxes
from tfft.errors import DataError, listed

FORMS = (
    "a folder with images/ and annotations/*.xml (Pascal VOC), images/ and labels/*.txt (YOLO), or pictures and a "
    ".json file (COCO), directly or under train/, val/ and test/; a COCO .json file; or demo:boxes"
)


def find_boxes(source: str | Arrays) -> list[Record]:
    """Lists the pictures of a source with their boxes, and a digest of each, without decoding one.

    Args:
        source: `Arrays`, or where the data are.
            A folder in Pascal VOC form (`images/`, `annotations/*.xml`), YOLO form (`images/`, `labels/*.txt`,
            the names in `data.yaml` or `classes.txt`) or COCO form (pictures and a `.json` file), directly or under
            `train/`, `val/` and `test/`; a COCO file; or `demo:boxes`.

    Returns:
        Records in the order of the names, or of the rows of a file. Boxes that cannot be used say why.

    Raises:
        DataError: If there is nothing to read, no box at all, or a class is on no training picture.
    """
    if isinstance(source, Arrays):
        records = array_records(source, arrays.picture, arrays.boxes)
    elif source == "demo:boxes":
        records = scene_records(
            lambda scene: Boxes(tuple(map(str, scene.digits)), tuple(map(tuple, (scene.boxes / SIDE).tolist())))
        )
    elif source.lower().endswith(".json"):
        home = Path(source).parent
        records = list(coco_records(Path(source), {home: None}, home))
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
    tops = next((tops for above in (root, images) if above and (tops := _split_folders(above))), {root: None})
    records: list[Record] = []
    coco: dict[Path, dict[Path, str | None]] = defaultdict(dict)  # a file may be of several folders of pictures
    for top, split in tops.items():
        pictures = _below(top, "images", "JPEGImages") or top
        found = _one(pictures, [top, root], root, split)
        if isinstance(found, dict):
            for name, path in found.items():
                coco[path][pictures] = name
        else:
            records += found
    return records + [one for path, folders in coco.items() for one in coco_records(path, folders, root)]


def _split_folders(folder: Path) -> dict[Path, str]:
    """The sub-folders that are named after a split."""
    return {top: split for top in subfolders(folder) if (split := _split_of(top.name))}


def _split_of(name: str) -> str | None:
    """The split that a folder is named after, a year behind it as COCO has them: `train2017`."""
    return SPLIT_NAMES.get(re.sub(r"\d{4}$", "", name.lower()))


def _one(
    pictures: Path, notes: Sequence[Path], root: Path, split: str | None
) -> Iterator[Record] | dict[str | None, Path]:
    """For the pictures in or below one folder what is said of them in or below others: records, or COCO files."""
    within = [
        place
        for folder in notes
        for name in ("annotations", "labels")
        if (below := _below(folder, name))
        for place in (*_folders_of(below, split), below / pictures.name, below)
        if place.is_dir()
    ]
    places = list(dict.fromkeys([*within, *notes, pictures]))
    for place in places:
        divided = bool(_split_folders(place))
        below = place in (*within, pictures) and not divided
        by_name = not (divided and place in within)  # then what lies beside the folders of splits is of none
        if by_name and (files := annotation_files(place, ".xml", below=below)):
            return _by_name(pictures, place, files, root, split, lambda path, size: voc_boxes(path, size))
        if jsons := coco_files(place, split):
            return jsons
        texts = annotation_files(place, ".txt", below=below) if by_name else []
        if texts and (names := yolo_names(root, place)):
            return _by_name(pictures, place, texts, root, split, lambda path, size: yolo_boxes(path, names, size))
    raise _nothing(pictures, places)


def _folders_of(folder: Path, split: str | None) -> list[Path]:
    return [top for top, its in _split_folders(folder).items() if its == split]


def _nothing(pictures: Path, places: Sequence[Path]) -> DataError:
    """What to say if no place tells the boxes of some pictures."""
    jsons = [path for place in places for path in annotation_files(place, ".json")]
    named = {picture.stem for picture in picture_files(pictures)}
    if jsons and not any(path.stem in named for place in places for path in annotation_files(place, ".txt")):
        coco_file(jsons[0])  # which tells what is wrong with it
    return DataError(
        f"`--data` must be {FORMS}",
        received=f"neither .xml, .json nor .txt files with class names for the pictures in {pictures}"
        + (f", only {listed(path.name for path in jsons)}" if jsons else ""),
        fix="Check the names of the folders, and of a .json file that is of one split; YOLO files need their class "
        "names in data.yaml or classes.txt",
    )


def _below(folder: Path, *names: str) -> Path | None:
    wanted = [name.lower() for name in names]
    return next((one for one in subfolders(folder) if one.name.lower() in wanted), None)


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
    suffix = files[0].suffix.lower()
    taken: dict[Path, str] = {}
    for picture in picture_files(pictures):
        where = readable(picture.relative_to(root).as_posix())
        name = picture.relative_to(pictures).with_suffix("")
        annotation = named.get(name) or named.get(Path(name.name))
        if annotation is None and suffix == ".txt":
            truth = Boxes((), ())  # YOLO writes no file for a picture without objects
        elif annotation is None:
            truth = unusable(f"no {name.as_posix()}{suffix} in {notes.relative_to(root).as_posix()}")
        elif annotation in taken:
            truth = unusable(f"a second picture named {name.as_posix()}, as {taken[annotation]}")
        else:
            taken[annotation] = where
            truth = parsed(lambda: parse(annotation, picture_size(picture)))  # noqa: B023 (called at once)
        yield Record(content=picture, truth=truth, where=where, split=split)
    shared = split is not None and split not in map(_split_of, notes.relative_to(root).parts)
    for path in files:
        if path not in taken and not shared:  # in a folder for all splits, it may be of a picture of another
            where = readable(path.relative_to(root).as_posix())
            # its place stands for its content: two that are empty are not one picture
            truth = unusable("a picture of this name is missing")
            yield Record(content=where.encode(), truth=truth, where=where, split=split)
