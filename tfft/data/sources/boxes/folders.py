"""Finds pictures with boxes: in folders, in a file that lists them, or the demo data."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tfft.data.demo.scenes import SIDE, scene_records
from tfft.data.reading.images import picture_size
from tfft.data.records import SPLIT_NAMES, Record, digested
from tfft.data.sources import array_truths
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.boxes.annotation import (
    ListFormat,
    Parser,
    PictureFormat,
    annotation_files,
    parsed,
    unusable,
)
from tfft.data.sources.boxes.coco_folders import COCO
from tfft.data.sources.boxes.voc import VOC
from tfft.data.sources.boxes.yolo import YOLO
from tfft.data.sources.files import picture_files, readable, subfolders
from tfft.data.splitting import audit
from tfft.data.truths.boxes import Boxes
from tfft.errors import DataError, listed

FORMATS: tuple[PictureFormat | ListFormat, ...] = (VOC, COCO, YOLO)
"""The annotation formats, in the order in which a folder is searched; a new one is a module and a row here."""


LISTS = tuple(form for form in FORMATS if isinstance(form, ListFormat))


FORMS = "; ".join(
    [
        f"a folder with {' or '.join(f'{form.layout} ({form.name})' for form in FORMATS)}, directly or under train/, "
        "val/ and test/",
        *(f"a {form.name} {form.suffix} file" for form in LISTS),
        "or demo:boxes",
    ]
)
"""What `--data` may be."""


def find_boxes(source: str | Arrays) -> list[Record]:
    """Lists the pictures of a source with their boxes and digests, without decoding them.

    Args:
        source: `Arrays`, or the place of the data:
            a folder in Pascal VOC form (`images/`, `annotations/*.xml`), YOLO form (`images/`, `labels/*.txt`,
            class names in `data.yaml` or `classes.txt`) or COCO form (pictures and a `.json` file), directly or under
            `train/`, `val/` and `test/`; a COCO file; or `demo:boxes`.

    Returns:
        Records in the order of the names, or of the rows of a file. Boxes that cannot be used contain the reason.

    Raises:
        DataError: If there is nothing to read, there are no boxes, or a class has no training pictures.
    """
    if isinstance(source, Arrays):
        records = array_records(source, array_truths.picture, array_truths.boxes)
    elif source == "demo:boxes":
        records = scene_records(
            lambda scene: Boxes(tuple(map(str, scene.digits)), tuple(map(tuple, (scene.boxes / SIDE).tolist())))
        )
    elif forms := [form for form in LISTS if source.lower().endswith(form.suffix)]:
        form, home = _format_of(Path(source), forms), Path(source).parent
        records = list(form.records(Path(source), {home: None}, home))
    else:
        records = _folder(Path(source))
    audit.check_trained(records, source)
    if not any(record.truth.names or record.truth.wrong for record in records):
        raise DataError(f"No boxes found in {source}", fix="Check the annotations")
    return digested(records)


def _format_of(path: Path, forms: Sequence[ListFormat]) -> ListFormat:
    """The first format that a file has; the first of all if it has none, whose error says why."""
    for form in forms:
        try:
            form.check(path)
        except DataError:
            continue
        return form
    return forms[0]


def _folder(root: Path) -> list[Record]:
    """Returns the records of a folder, or of the split folders in it or in its `images/`."""
    if not root.is_dir():
        raise DataError(f"Folder not found: {root}", fix=f"Check `--data`: {FORMS}")
    images = _below(root, "images", "JPEGImages")
    tops = next((tops for above in (root, images) if above and (tops := _split_folders(above))), {root: None})
    records: list[Record] = []
    lists: dict[tuple[ListFormat, Path], dict[Path, str | None]] = defaultdict(dict)
    for top, split in tops.items():
        pictures = _below(top, "images", "JPEGImages") or top
        annotations = _annotations(pictures, [top, root], root, split)
        if isinstance(annotations, Mapping):
            for file, its_split in annotations.items():
                lists[file][pictures] = its_split  # a file may list the pictures of several folders
        else:
            records += annotations
    return records + [record for (form, path), folders in lists.items() for record in form.records(path, folders, root)]


def _split_folders(folder: Path) -> dict[Path, str]:
    """Returns the sub-folders that are named after a split, with their splits."""
    return {top: split for top in subfolders(folder) if (split := _split_of(top.name))}


def _split_of(name: str) -> str | None:
    """Returns the split that a folder is named after; a year may follow as in COCO: `train2017`."""
    return SPLIT_NAMES.get(re.sub(r"\d{4}$", "", name.lower()))


def _annotations(
    pictures: Path, homes: Sequence[Path], root: Path, split: str | None
) -> Iterator[Record] | Mapping[tuple[ListFormat, Path], str | None]:
    """Searches for the annotations of the pictures in or below a folder.

    Args:
        pictures: The folder of the pictures.
        homes: Folders in or below which the annotations may be.
        root: The data folder.
        split: The split of the pictures.

    Returns:
        Records of the pictures, or the files that list them, with their splits.
    """
    within = [
        place
        for folder in homes
        for name in ("annotations", "labels")
        if (below := _below(folder, name))
        for place in (*_folders_of(below, split), below / pictures.name, below)
        if place.is_dir()
    ]
    places = list(dict.fromkeys([*within, *homes, pictures]))
    for place in places:
        divided = bool(_split_folders(place))
        below = place in (*within, pictures) and not divided
        by_name = not (divided and place in within)  # files beside split folders belong to no split
        for form in FORMATS:
            if isinstance(form, ListFormat):
                if paths := form.files(place, split):
                    return {(form, path): name for name, path in paths.items()}
            elif (
                by_name
                and (files := annotation_files(place, form.suffix, below=below))
                and (parse := form.parser(root, place))
            ):
                return _by_name(pictures, place, files, form, parse, root, split)
    raise _nothing(pictures, places)


def _folders_of(folder: Path, split: str | None) -> list[Path]:
    return [top for top, its_split in _split_folders(folder).items() if its_split == split]


def _nothing(pictures: Path, places: Sequence[Path]) -> DataError:
    """Returns the error for pictures without annotations."""
    lists = [(form, path) for form in LISTS for place in places for path in annotation_files(place, form.suffix)]
    suffixes = [form.suffix for form in FORMATS if isinstance(form, PictureFormat)]
    stems = {picture.stem for picture in picture_files(pictures)}
    if lists and not any(
        path.stem in stems for place in places for suffix in suffixes for path in annotation_files(place, suffix)
    ):
        form, path = lists[0]
        form.check(path)
    others = f" (only {listed(path.name for _, path in lists)})" if lists else ""
    hints = [form.hint for form in FORMATS if form.hint]
    return DataError(
        f"No annotations found for the pictures in {pictures}{others}",
        fix=f"{'; '.join(['Check the names of the folders', *hints])}. `--data` must be {FORMS}",
    )


def _below(folder: Path, *names: str) -> Path | None:
    wanted = [name.lower() for name in names]
    return next((sub for sub in subfolders(folder) if sub.name.lower() in wanted), None)


def _by_name(
    pictures: Path,
    place: Path,
    files: Sequence[Path],
    form: PictureFormat,
    parse: Parser,
    root: Path,
    split: str | None,
) -> Iterator[Record]:
    """Yields records of pictures and the annotation files of the same names, including those without a counterpart.

    Args:
        pictures: The folder of the pictures.
        place: The folder of the annotation files.
        files: The annotation files.
        form: Their format.
        parse: Parses such a file.
        root: The data folder.
        split: The split of the pictures.
    """
    by_name = {path.relative_to(place).with_suffix(""): path for path in files}
    taken: dict[Path, str] = {}
    for picture in picture_files(pictures):
        where = readable(picture.relative_to(root).as_posix())
        name = picture.relative_to(pictures).with_suffix("")
        annotation = by_name.get(name) or by_name.get(Path(name.name))
        if annotation is None and form.sparse:
            truth = Boxes((), ())
        elif annotation is None:
            truth = unusable(f"{name.as_posix()}{form.suffix} not found in {place.relative_to(root).as_posix()}")
        elif annotation in taken:
            truth = unusable(f"{taken[annotation]} has the same name")
        else:
            taken[annotation] = where
            truth = parsed(lambda: parse(annotation, picture_size(picture)))  # noqa: B023 (called at once)
        yield Record(content=picture, truth=truth, where=where, split=split)
    shared = split is not None and split not in map(_split_of, place.relative_to(root).parts)
    for path in files:
        if path not in taken and not shared:  # in a folder for all splits, its picture may be in another split
            where = readable(path.relative_to(root).as_posix())
            # the content is its place, so that two empty files do not count as equal pictures
            truth = unusable("no picture has this name")
            yield Record(content=where.encode(), truth=truth, where=where, split=split)
