"""Decodes mask files to their values, exactly as they were written or not at all."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from tfft.data.reading.images import BadPictureError, opened

VERSION = 2
"""Version of the values that `decode_mask` returns: values stored by another version are not used."""


STRETCHED = {"L;2": 85, "L;2R": 85, "L;4": 17, "L;4R": 17}
"""The factor by which Pillow multiplies grayscale values of 2 or 4 bits, so that the largest is white."""


def decode_mask(content: bytes, image_size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Decodes a mask to (height, width), uint8, by nearest-neighbour resizing, and one note that lists its values.

    A palette picture gives its palette indices. Colours are rejected. EXIF rotation is applied, as in pictures.

    Raises:
        BadPictureError: If the bytes are not a picture, or not a mask.
    """
    height, width = image_size
    with opened(content) as image:
        if lossy := _lossy(image, content):
            raise BadPictureError(f"{lossy} may change the class indices; save the mask as PNG")
        if image.mode not in ("1", "L", "P", "I;16", "I", "RGB", "RGBA", "LA"):
            raise BadPictureError(f"{image.mode} pixels are not class indices")
        stored = _stored_as(image)
        if ";16" in stored and image.mode != "I;16":
            raise BadPictureError(
                "16 bits per colour, of which only 8 can be read; save it as a grayscale or palette PNG"
            )
        pixels = np.asarray(ImageOps.exif_transpose(image))
        if pixels.ndim == 3:
            colours = pixels[..., :3] if image.mode != "LA" else pixels[..., :1]
            if (colours != colours[..., :1]).any():
                raise BadPictureError("colours instead of class indices; save it as a grayscale or palette PNG")
            pixels = colours[..., 0]
    if stored in STRETCHED:
        pixels = pixels // STRETCHED[stored]
    values = np.unique(pixels)
    for value in (values[0], values[-1]):
        if not 0 <= value <= 255:
            raise BadPictureError(f"value {value} is not between 0 and 255")
    small = Image.fromarray(pixels.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(small), [" ".join(map(str, values.astype(int)))]


def _lossy(image: Image.Image, content: bytes) -> str | None:
    """Returns the format of a file if it may have changed the values that were written, else None."""
    inside = str(image.info.get("compression"))
    if image.format == "TIFF" and ("jpeg" in inside or "webp" in inside):
        return f"TIFF with {inside} inside"
    if image.format in ("PNG", "BMP", "GIF", "TIFF") or content[8:16] == b"WEBPVP8L":  # lossless WebP
        return None
    return image.format


def _stored_as(image: Image.Image) -> str:
    """Returns Pillow's name for the values as stored in the file, such as `L;4` or `RGB;16B`."""
    options = next((tile[3] for tile in getattr(image, "tile", ())), "")
    return str(options if isinstance(options, str) or not options else options[0])
