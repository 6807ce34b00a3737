"""One mask file to numbers of classes, read as they were written or not at all."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from tfft.data.reading.images import BadPictureError, opened

VERSION = 2
"""Of the numbers that `decode_mask` makes: stored ones of another version are not used."""


STRETCHED = {"L;2": 85, "L;2R": 85, "L;4": 17, "L;4R": 17}
"""By how much Pillow multiplies grey of 2 or 4 bits, so that the largest number is white."""


def decode_mask(content: bytes, image_size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Decodes a mask: (height, width), uint8, the nearest pixel for each, and one note that holds its values.

    Palettes are read as their indices. Colours are no classes. EXIF rotation is applied, as to pictures.

    Raises:
        BadPictureError: If the bytes are no picture, or no mask.
    """
    height, width = image_size
    with opened(content) as image:
        if lossy := _lossy(image, content):
            raise BadPictureError(f"{lossy} may change the numbers of classes; save it as PNG")
        if image.mode not in ("1", "L", "P", "I;16", "I", "RGB", "RGBA", "LA"):
            raise BadPictureError(f"{image.mode} pixels are no numbers of classes")
        stored = _stored_as(image)
        if ";16" in stored and image.mode != "I;16":
            raise BadPictureError("of colours of 16 bits only the upper 8 are read; save it as grey or palette PNG")
        pixels = np.asarray(ImageOps.exif_transpose(image))
        if pixels.ndim == 3:
            colours = pixels[..., :3] if image.mode != "LA" else pixels[..., :1]
            if (colours != colours[..., :1]).any():
                raise BadPictureError("its colours are no numbers of classes; save it as grey or palette PNG")
            pixels = colours[..., 0]
    if stored in STRETCHED:
        pixels = pixels // STRETCHED[stored]
    values = np.unique(pixels)
    for value in (values[0], values[-1]):
        if not 0 <= value <= 255:
            raise BadPictureError(f"a value of {value}, not from 0 to 255")
    small = Image.fromarray(pixels.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(small), [" ".join(map(str, values.astype(int)))]


def _lossy(image: Image.Image, content: bytes) -> str | None:
    """The format of a file that need not hold the numbers that were written; None if it does."""
    inside = str(image.info.get("compression"))
    if image.format == "TIFF" and ("jpeg" in inside or "webp" in inside):
        return f"TIFF with {inside} inside"
    if image.format in ("PNG", "BMP", "GIF", "TIFF") or content[8:16] == b"WEBPVP8L":  # that WebP is lossless
        return None
    return image.format


def _stored_as(image: Image.Image) -> str:
    """What Pillow calls the numbers in the file, such as `L;4` or `RGB;16B`, before they are decoded."""
    how = next((tile[3] for tile in getattr(image, "tile", ())), "")
    return str(how if isinstance(how, str) or not how else how[0])
