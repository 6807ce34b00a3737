"""Reads YOLO annotations: one text file for each picture, and a file of class names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tfft.data.sources.boxes.annotation import Parser, PictureFormat, Size, UnusableError, checked, content_of, short
from tfft.data.truths.boxes import Boxes
from tfft.errors import DataError, listed

if TYPE_CHECKING:
    import yaml


def yolo_boxes(path: Path, names: Mapping[int, str], size: Size | None) -> Boxes:
    """Returns the boxes of a YOLO file.

    Each line has a class number, then the center and the size of a box relative to the picture.

    Args:
        path: The file.
        names: Class names by number.
        size: The size of its picture; None if that cannot be opened.

    Raises:
        UnusableError: If the file cannot be used.
    """
    try:
        text = content_of(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableError(f"{path.name} is not UTF-8 text") from None
    boxes = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, width, height = map(float, line.split())
        except ValueError:
            polygon = len(line.split()) > 6 and len(line.split()) % 2  # a class and at least three corners
            why = "has a polygon, as for segmentation; a box is" if polygon else "is not"
            raise UnusableError(f"{path.name} line {number} {why} five numbers: {line[:60]!r}") from None
        if kind not in names:
            raise UnusableError(
                f"{path.name} line {number} has class {kind:g}, but the classes are {listed(names, most=10)}"
            )
        boxes.append((names[kind], [x - width / 2, y - height / 2, x + width / 2, y + height / 2]))
    height, width = size or (1, 1)
    scaled = [(name, [v * scale for v, scale in zip(c, (width, height) * 2, strict=True)]) for name, c in boxes]
    return checked(scaled, (height, width), path.name)


def yolo_names(root: Path, notes: Path) -> dict[int, str]:
    """Returns the class names of YOLO files, from `classes.txt`, `data.yaml` or another .yaml; empty if there are none.

    Args:
        root: The data folder.
        notes: The folder of the YOLO files.

    Raises:
        DataError: If a file of names cannot be read, or two files contradict each other.
    """
    folders = dict.fromkeys((notes, notes.parent, root))
    files = [path for folder in folders for path in sorted(folder.iterdir()) if path.is_file()]
    named = [path for path in files if path.name.lower() in ("classes.txt", "data.yaml", "data.yml")]
    others = [path for path in files if path.suffix.lower() in (".yaml", ".yml") and path not in named]
    for paths in (named, others):  # another .yaml may configure a training on other data
        candidates = [(path, names) for path in paths if (names := _names_in(path))]
        for path, names in candidates[1:]:
            if names != candidates[0][1]:
                raise DataError(
                    f"Class names differ: {_quoted(candidates[0][1])} in {candidates[0][0]}, but {_quoted(names)} in "
                    f"{path}",
                    fix="Remove the wrong file",
                )
        if candidates:
            return candidates[0][1]
    return {}


def _quoted(names: Mapping[int, str]) -> str:
    return listed((f"{number}: {short(name)}" for number, name in names.items()), most=5)


def _names_in(path: Path) -> dict[int, str]:
    """Returns the class names in a file by number; empty if it has none."""
    import yaml

    try:
        text = content_of(path).decode("utf-8-sig")
        if path.suffix.lower() == ".txt":
            return {number: line.strip() for number, line in enumerate(text.splitlines()) if line.strip()}
        return _yaml_names(yaml.compose(text, yaml.SafeLoader))
    except (OSError, yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            f"Class names cannot be read from {path}: {' '.join(str(error).split())}",
            fix="Write `names: [ant, bee]` into data.yaml, or one name per line into classes.txt",
        ) from None


def _yaml_names(root: yaml.Node | None) -> dict[int, str]:
    """Returns the class names below `names:`, read from YAML nodes: with aliases, values may grow without bound."""
    if root is None:
        return {}
    if root.id != "mapping":
        raise ValueError("no `names:`")
    names = next((value for key, value in reversed(root.value) if key.value == "names"), None)
    if names is None or names.tag == "tag:yaml.org,2002:null":
        return {}
    if names.id == "scalar":
        raise ValueError(f"names: {short(names.value)}")
    pairs = [(k.value, v) for k, v in names.value] if names.id == "mapping" else list(enumerate(names.value))
    classes: dict[int, str] = {}
    for key, node in pairs:
        kind = node.tag.rpartition(":")[2]
        if kind not in ("str", "int", "float"):  # yes, null, a date, a list
            value = f"{short(node.value)}, which YAML reads as {kind}" if node.id == "scalar" else f"a {node.id}"
            raise ValueError(f"the name of class {short(key)} is {value}; put a name in quotes")
        if classes.setdefault(int(key), node.value) != node.value:
            raise ValueError(f"class {short(key)} has the names {short(classes[int(key)])} and {short(node.value)}")
    return classes


def _parser(root: Path, folder: Path) -> Parser | None:
    names = yolo_names(root, folder)
    return (lambda path, size: yolo_boxes(path, names, size)) if names else None


YOLO = PictureFormat(
    name="YOLO",
    suffix=".txt",
    layout="images/ and labels/*.txt",
    hint="YOLO files need class names in data.yaml or classes.txt",
    parser=_parser,
    sparse=True,
)
