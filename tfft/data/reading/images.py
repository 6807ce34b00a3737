"""One picture file to pixels: by content, upright, RGB, of one size."""

from __future__ import annotations

import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

VERSION = 1
"""Of the pixels that `decode` makes: stored ones of another version are not used."""


MOST_PIXELS = 100_000_000
"""Of one picture: a file of a few kB can unpack to more than the memory holds."""


class BadPictureError(Exception):
    """A file that is no picture tfft can read; the message says why."""


def decode(content: bytes, image_size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Decodes one picture and stretches it to `image_size`.

    The format is told by the content, not by the name. EXIF rotation is applied; transparency is laid on
    white; 16-bit pictures are scaled to 8; of an animation the first frame is taken. Large JPEGs are decoded
    at the smallest of their own scales that is at least twice the size wanted.

    Args:
        content: The bytes of the file.
        image_size: Height and width in pixels.

    Returns:
        Pixels, (height, width, 3), uint8, and what had to be done to them, in words.

    Raises:
        BadPictureError: If the bytes do not decode to the end.
    """
    height, width = image_size
    with opened(content) as image:
        notes = [f"first frame of a {image.format} animation"] if getattr(image, "n_frames", 1) > 1 else []
        side = 2 * max(height, width)
        image.draft(None, (side, side))
        if image.getexif().get(0x0112, 1) != 1:
            notes.append("turned upright by EXIF")
        image = ImageOps.exif_transpose(image)
        if image.mode != "RGB":
            notes.append(f"{image.mode} converted to RGB")
            image = _to_rgb(image)
        resized = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
        return np.asarray(resized), notes


@contextlib.contextmanager
def opened(content: bytes) -> Iterator[Image.Image]:
    """The picture that some bytes hold; within, whatever is wrong with it is a `BadPictureError`.

    Raises:
        BadPictureError: If they hold none, or one of too many pixels.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_formats()) as image:
            if image.width * image.height > MOST_PIXELS:
                raise BadPictureError(f"{image.width} x {image.height} pixels, more than {MOST_PIXELS:,}")
            yield image
    except UnidentifiedImageError:
        raise BadPictureError(_why_unknown(content)) from None
    except (BadPictureError, MemoryError):
        raise
    except Exception as error:  # on damaged files Pillow's plug-ins raise whatever their parsers run into
        raise BadPictureError(str(error) or type(error).__name__) from None


def picture_size(picture: Path | bytes) -> tuple[int, int] | None:
    """Height and width of a picture in pixels as it is shown, from its first bytes; None if it does not open."""
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture, formats=_formats()) as image:
            # of a TIFF Pillow gives the size as it is shown, of all others as it is stored
            lies = image.format != "TIFF" and image.getexif().get(0x0112, 1) >= 5
            return (image.width, image.height) if lies else (image.height, image.width)
    except Exception:  # whatever the plug-ins of Pillow run into; decoding says what
        return None


@functools.cache
def _formats() -> list[str]:
    """What Pillow reads here by itself; not EPS, for which it would start another program."""
    Image.init()
    wanted = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM", "JPEG2000", "AVIF", "TGA", "ICO")
    return [name for name in wanted if name in Image.OPEN]


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image).convert("RGB")
    return image.convert("RGB")


def _why_unknown(content: bytes) -> str:
    if not content:
        return "an empty file"
    if content[4:8] == b"ftyp" and content[8:11] in (b"hei", b"hev", b"mif", b"msf", b"avi"):
        return "HEIC or AVIF that Pillow does not read here; convert it to JPEG or PNG"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in content[:200]) and content[:200].isascii():
        return "text, not a picture"
    return "no picture format that Pillow knows"
