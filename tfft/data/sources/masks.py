"""Finds pictures with masks: in folders with images/ and masks/, or the demo data."""

from __future__ import annotations

import io
import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from tfft.data.demo.scenes import Scene, scene_records
from tfft.data.reading.images import picture_size
from tfft.data.records import Record, content_digest, digested
from tfft.data.sources import array_truths, class_folders
from tfft.data.sources.arrays import Arrays, array_records
from tfft.data.sources.files import picture_files, readable
from tfft.data.sources.mask_tables import chosen_by_table
from tfft.data.splitting import audit
from tfft.data.truths.mask_values import Ids
from tfft.data.truths.masks import Mask
from tfft.errors import ConfigError, DataError
from tfft.threads import in_threads


def find_masks(
    source: str | Arrays,
    *,
    masks: str = "masks",
    table: str | None = None,
    classes: Mapping[str, str] | None = None,
    ignore: tuple[int, ...] | None = None,
) -> list[Record]:
    """Lists the pictures of a source with their masks and digests, without decoding them.

    Args:
        source: `Arrays`, or the place of the data:
            a folder with pictures in `images/` and masks of the same names in `masks/`, directly, or above or
            below `train/`, `val/` and `test/`; or `demo:masks`.
        masks: Name of the folder with the masks.
        table: A `.csv` or `.tsv` file in the folder with a column `name` (of a picture, with or without its suffix
            and the folders around it) and optional columns `split` and `group`; other pictures are left out.
        classes: Names of the values in the masks, as `{"1": "road"}`; two values may share a name.
        ignore: Values of pixels to ignore; by default 255, if there are two other values.

    Returns:
        Records in the order of the names, or of the rows of the table. Masks that cannot be used, or have no
        picture, contain the reason.

    Raises:
        ConfigError: If `classes` or `ignore` are not values of a mask.
        DataError: If there is nothing to read, or the table does not fit the folder.
    """
    ids = Ids.of(classes or {}, ignore)
    if isinstance(source, Arrays):
        if classes:
            raise ConfigError("`classes` names the values in files of masks", fix="For arrays, pass `labels=[...]`")
        records = [
            replace(record, truth=replace(record.truth, ids=replace(record.truth.ids, ignored=tuple(ignore))))
            if ignore is not None
            else record
            for record in array_records(source, array_truths.picture, array_truths.mask)
        ]
    elif source == "demo:masks":
        if table is not None:
            raise ConfigError(
                f"`--table` works only with a folder, not with {source} (got {table})", fix="Leave it out"
            )
        named = Ids(((0, "ground"), *((digit + 1, str(digit)) for digit in range(10))), ())
        records = scene_records(lambda scene: _demo_mask(scene, ids if ids != Ids() else named))
    else:
        records = _folder(Path(source), masks, ids)
        if table is not None:
            records = chosen_by_table(records, Path(source) / table)
    audit.check_trained(records, source)
    return digested(records)


def _demo_mask(scene: Scene, ids: Ids) -> Mask:
    file = io.BytesIO()
    Image.fromarray(scene.mask).save(file, format="PNG", compress_level=1)
    return Mask(file.getvalue(), ids, content_digest(file.getvalue()))


def _folder(root: Path, masks: str, ids: Ids) -> list[Record]:
    places: list[tuple[Path, Path, str | None]] = [(root / "images", root / masks, None)]
    if tops := class_folders.split_folders(root) if root.is_dir() else {}:
        places = [(top / "images", top / masks, split) for top, split in tops.items()]
    elif (
        tops := class_folders.split_folders(root / "images") if places[0][0].is_dir() else {}
    ) and "train" in tops.values():
        places = [(top, root / masks / top.name, split) for top, split in tops.items()]
    records = [record for images, home, split in places for record in _pairs(images, home, root, ids, split)]
    if all(isinstance(record.content, bytes) for record in records):  # only masks
        raise DataError(f"No pictures found in images/ of {root}", fix="Check `--data`")
    return records


def _pairs(images: Path, masks: Path, root: Path, ids: Ids, split: str | None) -> list[Record]:
    for folder, flag in ((images, "--data"), (masks, "--masks")):
        if not folder.is_dir():
            raise DataError(
                f"Folder not found: {folder}",
                fix=f"Check `{flag}`; `--data` is a folder with images/ and masks/, directly or above or below train/, "
                "val/ and test/, or demo:masks",
            )
    files: dict[Path, list[Path]] = defaultdict(list)
    for file in picture_files(masks):
        files[file.relative_to(masks).with_suffix("")].append(file)
    first: dict[Path, Path] = {}
    pictures = picture_files(images)
    for picture in pictures:
        first.setdefault(picture.relative_to(images).with_suffix(""), picture)

    def record(picture: Path) -> Record:
        name = picture.relative_to(images).with_suffix("")
        mask = readable(os.path.relpath(masks / name, root))
        if len(candidates := files.get(name, [])) > 1:
            truth = Mask(b"", ids, wrong=f"{len(candidates)} masks named {mask}")
        elif first[name] is not picture:
            before = readable(first[name].relative_to(root).as_posix())
            truth = Mask(b"", ids, wrong=f"{before} has the same name")
        elif not candidates:
            truth = Mask(b"", ids, wrong=f"mask not found: {mask}.png")
        else:
            truth = _mask(picture, candidates[0], ids)
        where = readable(picture.relative_to(root).as_posix())
        return Record(content=picture, truth=truth, where=where, split=split)

    passes = in_threads(record, pictures)
    records = list(tqdm(passes, total=len(pictures), desc="Checking", unit=" masks", disable=None, leave=False))
    alone = [readable(os.path.relpath(file, root)) for name in files if name not in first for file in files[name]]
    missing = Mask(b"", ids, wrong="no picture has this name")
    # the content is the path of the mask, so that two of them do not count as equal pictures
    return records + [Record(content=where.encode(), truth=missing, where=where, split=split) for where in alone]


def _mask(picture: Path, mask: Path, ids: Ids) -> Mask:
    try:
        content = mask.read_bytes()
    except OSError as error:
        return Mask(b"", ids, wrong=str(error))
    sizes = picture_size(content), picture_size(picture)
    wrong = None
    if None not in sizes and sizes[0] != sizes[1]:
        (height, width), (tall, wide) = sizes
        wrong = f"its mask has {width} x {height} pixels, but the picture {wide} x {tall}"
    return Mask(mask, ids, content_digest(content), wrong)
