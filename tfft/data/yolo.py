"""YOLO: the boxes that one file says, and the names of their classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tfft.data.box_files import Size, UnusableError, checked
from tfft.data.boxes import Boxes
from tfft.errors import DataError, listed


def yolo_boxes(path: Path, names: Mapping[int, str], size: Size | None) -> Boxes:
    """The objects of one YOLO file: a class number, then middle and size in parts of the picture, in each line."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            kind, x, y, width, height = map(float, line.split())
        except ValueError:
            raise UnusableError(f"{path.name} line {number} is not five numbers: {line[:60]!r}") from None
        if kind not in names:
            raise UnusableError(f"{path.name} line {number} has class {kind:g}, classes are {listed(names, most=10)}")
        found.append((names[kind], [x - width / 2, y - height / 2, x + width / 2, y + height / 2]))
    height, width = size or (1, 1)
    scaled = [(name, [v * scale for v, scale in zip(c, (width, height) * 2, strict=True)]) for name, c in found]
    return checked(scaled, (height, width), path.name)


def yolo_names(root: Path, notes: Path) -> dict[int, str]:
    """The class names of YOLO files, from `classes.txt` or `data.yaml` (or another .yaml); empty if there are none."""
    for folder in dict.fromkeys((notes, notes.parent, root)):
        lists = [path for path in (folder / "classes.txt",) if path.is_file()]
        for path in [*lists, *sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])]:
            if names := _names_in(path):
                return names
    return {}


def _names_in(path: Path) -> dict[int, str]:
    """By number the class names that a file gives; empty if it gives none."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".txt":
            return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
        names = (yaml.safe_load(text) or {}).get("names") or []
        if not isinstance(names, (list, dict)):
            raise ValueError(f"names: {names!r}")
        pairs = names.items() if isinstance(names, dict) else enumerate(names)
        return {int(number): str(name) for number, name in pairs}
    except (OSError, yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise DataError(
            "The class names of YOLO files can be read",
            received=f"{' '.join(str(error).split())} in {path}",
            fix="Write `names: [ant, bee]` into data.yaml, or a name into each line of classes.txt",
        ) from None
