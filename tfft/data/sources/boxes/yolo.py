"""YOLO: the boxes that one file says, and the names of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tfft.data.sources.boxes.annotation import Size, UnusableError, checked, content_of, short
from tfft.data.truths.boxes import Boxes
from tfft.errors import DataError, listed

if TYPE_CHECKING:
    import yaml


def yolo_boxes(path: Path, names: Mapping[int, str], size: Size | None) -> Boxes:
    """The objects of one YOLO file: a class number, then middle and size in parts of the picture, in each line."""
    try:
        text = content_of(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableError(f"{path.name} is not UTF-8 text") from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, width, height = map(float, line.split())
        except ValueError:
            polygon = len(line.split()) > 6 and len(line.split()) % 2  # a class and three corners or more
            why = "has a polygon, as for segmentation; a box is" if polygon else "is not"
            raise UnusableError(f"{path.name} line {number} {why} five numbers: {line[:60]!r}") from None
        if kind not in names:
            raise UnusableError(f"{path.name} line {number} has class {kind:g}, classes are {listed(names, most=10)}")
        found.append((names[kind], [x - width / 2, y - height / 2, x + width / 2, y + height / 2]))
    height, width = size or (1, 1)
    scaled = [(name, [v * scale for v, scale in zip(c, (width, height) * 2, strict=True)]) for name, c in found]
    return checked(scaled, (height, width), path.name)


def yolo_names(root: Path, notes: Path) -> dict[int, str]:
    """The class names of YOLO files, from `classes.txt` or `data.yaml` (or another .yaml); empty if there are none.

    Raises:
        DataError: If a file of names cannot be read, or two contradict each other.
    """
    folders = dict.fromkeys((notes, notes.parent, root))
    files = [path for folder in folders for path in sorted(folder.iterdir()) if path.is_file()]
    named = [path for path in files if path.name.lower() in ("classes.txt", "data.yaml", "data.yml")]
    others = [path for path in files if path.suffix.lower() in (".yaml", ".yml") and path not in named]
    for paths in (named, others):  # another .yaml may be of a training, with the names of other data
        given = [(path, names) for path in paths if (names := _names_in(path))]
        for path, names in given[1:]:
            if names != given[0][1]:
                raise DataError(
                    "The files of class names say the same",
                    received=f"{_told(given[0][1])} in {given[0][0]}, {_told(names)} in {path}",
                    fix="Remove the one that is wrong",
                )
        if given:
            return given[0][1]
    return {}


def _told(names: Mapping[int, str]) -> str:
    return listed((f"{number}: {short(name)}" for number, name in names.items()), most=5)


def _names_in(path: Path) -> dict[int, str]:
    """By number the class names that a file gives; empty if it gives none."""
    import yaml

    try:
        text = content_of(path).decode("utf-8-sig")
        if path.suffix.lower() == ".txt":
            return {number: line.strip() for number, line in enumerate(text.splitlines()) if line.strip()}
        return _yaml_names(yaml.compose(text, yaml.SafeLoader))
    except (OSError, yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise DataError(
            "The class names of YOLO files can be read",
            received=f"{' '.join(str(error).split())} in {path}",
            fix="Write `names: [ant, bee]` into data.yaml, or a name into each line of classes.txt",
        ) from None


def _yaml_names(root: yaml.Node | None) -> dict[int, str]:
    """The names below `names:`, from the nodes of the file: values made of them may grow without bound."""
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
    found: dict[int, str] = {}
    for key, node in pairs:
        kind = node.tag.rpartition(":")[2]
        if kind not in ("str", "int", "float"):  # yes, null, a date, a list
            what = f"{short(node.value)}, which YAML reads as {kind}" if node.id == "scalar" else f"a {node.id}"
            raise ValueError(f"the name of class {short(key)} is {what}; put a name in quotes")
        if found.setdefault(int(key), node.value) != node.value:
            raise ValueError(f"class {short(key)} has the names {short(found[int(key)])} and {short(node.value)}")
    return found
