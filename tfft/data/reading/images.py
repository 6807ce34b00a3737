"""Decodes picture files to RGB pixels of one size, upright."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

VERSION = 2
"""Version of what `decode` returns, pixels and notes: what another version has stored is not used."""


MOST_PIXELS = 100_000_000
"""Pixels of a picture at most: a file of a few kB can unpack to more than the memory holds."""


FEWEST_PIXELS, LONGEST = 4, 10
"""A picture is noted if its shorter side has fewer pixels, or its longer side is so many times the shorter one."""


class BadPictureError(Exception):
    """The reason why a file cannot be read as a picture."""


def decode(content: bytes, image_size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Decodes one picture and stretches it to `image_size`.

    The content determines the format, not the file name. EXIF rotation is applied, transparent pixels are blended
    with white, 16-bit pictures are scaled to 8 bits, and only the first frame of an animation is used. Large JPEGs
    are decoded at the smallest of their built-in scales that is at least twice `image_size`.

    Args:
        content: The bytes of the file.
        image_size: Height and width in pixels.

    Returns:
        Pixels, (height, width, 3), uint8, and notes on how they were converted.

    Raises:
        BadPictureError: If the bytes cannot be decoded to the end.
    """
    with opened(content) as image:
        fitted = fit(image, image_size)
    return fitted.pixels, fitted.notes


@dataclass(frozen=True, eq=False)
class Fitted:
    """A picture as the network takes it."""

    pixels: np.ndarray
    """(height, width, 3), uint8."""
    size: tuple[int, int]
    """Height and width of the picture as it stands upright, in pixels."""
    notes: list[str]
    """How it was converted."""


def fit(image: Image.Image, image_size: tuple[int, int]) -> Fitted:
    """Turns an open picture upright, converts it to RGB and stretches it to `image_size`, as `decode` says."""
    height, width = image_size
    notes = [f"first frame of a {image.format} animation"] if getattr(image, "n_frames", 1) > 1 else []
    notes += _odd_size(*image.size)
    size, side = _upright_size(image), 2 * max(height, width)
    image.draft(None, (side, side))
    if _orientation(image) != 1:
        notes.append("rotated to their EXIF orientation")
    image = ImageOps.exif_transpose(image)
    if image.mode != "RGB":
        notes.append(f"converted from mode {image.mode} to RGB")
        image = to_rgb(image)
    resized = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return Fitted(np.asarray(resized), size, notes)


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """Opens a picture; errors within the block become `BadPictureError`.

    Raises:
        BadPictureError: If the bytes are not a picture, or it has too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_formats()) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadPictureError(f"{image.width} x {image.height} pixels, more than the limit of {MOST_PIXELS:,}")
            yield image
    except UnidentifiedImageError:
        raise BadPictureError(_why_unknown(content)) from None
    except (BadPictureError, MemoryError):
        raise
    except Exception as error:  # Pillow's plug-ins raise errors of any kind on damaged files
        raise BadPictureError(str(error) or type(error).__name__) from None


def picture_size(picture: Path | bytes) -> tuple[int, int] | None:
    """Returns height and width in pixels as the picture is shown, from its first bytes; None if it cannot be opened."""
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture, formats=_formats()) as image:
            return _upright_size(image)
    except Exception:  # of any kind, from Pillow's plug-ins; decoding reports it
        return None


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width of a picture as it is shown."""
    # Pillow reports the size of a TIFF as it is shown, of other formats as it is stored
    sideways = image.format != "TIFF" and _orientation(image) in (5, 6, 7, 8)
    return (image.width, image.height) if sideways else (image.height, image.width)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 if there is none."""
    return image.getexif().get(0x0112, 1)


@functools.cache
def _formats() -> list[str]:
    """Returns the formats that Pillow reads here by itself; not EPS, for which it would start another program."""
    Image.init()
    wanted = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA", "ICO")
    return [name for name in wanted if name in Image.OPEN]


def _odd_size(width: int, height: int) -> list[str]:
    if min(width, height) < FEWEST_PIXELS:
        return [f"less than {FEWEST_PIXELS} pixels wide or high"]
    if max(width, height) >= LONGEST * min(width, height):
        return [f"one side at least {LONGEST} times the other, which stretching distorts"]
    return []


def to_rgb(image: Image.Image) -> Image.Image:
    """A picture of any mode as RGB; see `decode`."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        background = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(background, image).convert("RGB")
    return image.convert("RGB")


def _why_unknown(content: bytes) -> str:
    if not content:
        return "an empty file"
    if content[4:8] == b"ftyp" and content[8:11] in (b"hei", b"hev", b"mif", b"msf", b"avi"):
        return "HEIC or AVIF, which Pillow cannot read here; convert it to JPEG or PNG"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in content[:200]) and content[:200].isascii():
        return "text, not a picture"
    return "not in a picture format that Pillow knows"
