"""Pictures with the boxes or the mask of an answer drawn on them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tfft import files, reporting
from tfft.data.reading.images import opened, to_rgb
from tfft.errors import ConfigError
from tfft.serving.answers import Boxes, Mask

DRAWN = ("detection", "segmentation")
"""Tasks whose answers can be drawn."""
LONGEST_NAME = 150
"""Bytes of a name at most, without number and suffix."""
LINES, LETTERS = 250, 45
"""A line is as thick, and a letter as high, as the longer side of the picture divided by these."""


def draw(answer: Boxes | Mask, picture: Image.Image, labels: list[str]) -> Image.Image:
    """A picture with its boxes, or in the colours of its classes.

    Args:
        answer: The answer for the picture.
        picture: Upright, RGB.
        labels: Names of all classes, which have the colours of the report.
    """
    colours = reporting.colours(len(labels))
    if isinstance(answer, Mask):
        return Image.fromarray(reporting.laid_over(np.asarray(picture), answer.mask, colours))
    picture = picture.copy()
    longest, pen = max(picture.size), ImageDraw.Draw(picture)
    font, width = _font(max(10, longest // LETTERS)), max(2, longest // LINES)
    for box in reversed(answer.boxes):  # the best on top
        colour = tuple(colours[labels.index(box.label)].round().astype(int).tolist())
        pen.rectangle((box.left, box.top, max(box.left, box.right), max(box.top, box.bottom)), None, colour, width)
        words = f"{box.label} {box.probability:.0%}"
        left, top, right, bottom = pen.textbbox((box.left + width, box.top + width), words, font=font)
        pen.rectangle((left - width, top - width, right + width, bottom + width), colour)
        pen.text((box.left + width, box.top + width), words, "black" if sum(colour) > 380 else "white", font)
    return picture


def mask_picture(answer: Mask) -> Image.Image:
    """A mask as a picture with a palette: its values are the indices of the classes, its colours those of `draw`."""
    picture = Image.fromarray(answer.mask)
    picture.putpalette(reporting.colours(len(answer.legend)).round().astype(np.uint8).tobytes())
    return picture


def upright(content: Any) -> Image.Image:
    """A picture as a person sees it, RGB: of a path, bytes, a picture of Pillow, or an array that could be read."""
    if isinstance(content, os.PathLike):
        content = Path(content).read_bytes()
    if isinstance(content, (bytes, bytearray, memoryview)):
        with opened(bytes(content)) as image:
            return _rgb(image)
    return _rgb(content if isinstance(content, Image.Image) else Image.fromarray(np.asarray(content, np.uint8)))


def _rgb(image: Image.Image) -> Image.Image:
    image = ImageOps.exif_transpose(image)
    return image.copy() if image.mode == "RGB" else to_rgb(image)


class Drawings:
    """A folder for drawn pictures, named after their inputs.

    Raises:
        ConfigError: If the task has nothing to draw.
    """

    def __init__(self, folder: Path, task: str, labels: list[str]):
        if task not in DRAWN:
            raise ConfigError(f"`--draw` draws boxes and masks, and there are none in {task}", fix="Leave it out")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._labels = folder, labels
        self._taken: set[str] = set()

    def add(self, answer: Boxes | Mask, content: Any) -> None:
        """Writes the drawn picture as a JPEG; of a mask also the mask, as a PNG of class indices."""
        name = self._name(answer.input)
        with files.replacing(self._folder / f"{name}.jpg", durable=False) as temporary:
            draw(answer, upright(content), self._labels).save(temporary, quality=92)
        if isinstance(answer, Mask):
            with files.replacing(self._folder / f"{name}.mask.png", durable=False) as temporary:
                mask_picture(answer).save(temporary)

    def _name(self, where: str) -> str:
        stem = re.sub(r"[^\w.-]+", "_", os.path.splitext(where)[0]).strip("._") or "picture"
        stem = stem.encode()[-LONGEST_NAME:].decode(errors="ignore")
        name, count = stem, 1
        while name in self._taken:
            count += 1
            name = f"{stem}_{count}"
        self._taken.add(name)
        return name


def _font(size: int) -> ImageFont.FreeTypeFont:
    from matplotlib import font_manager  # its font has more scripts than Pillow's

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
