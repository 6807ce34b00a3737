from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tfft.data.reading.images import BadPictureError
from tfft.data.reading.mask_files import decode_mask

PLAIN = np.zeros((20, 30), np.uint8)
PLAIN[2:12, 3:13] = 1


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(file, format=kind, **options)
    return file.getvalue()


def raw_png(depth: int, colour: int, rows: bytes, width: int = 4, height: int = 1) -> bytes:
    """A PNG that Pillow does not write, of one row, whatever its header says."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(BadPictureError, match="11000 x 10000"):
        decode_mask(raw_png(8, 0, b"\0" * 11_000, width=11_000, height=10_000), (8, 8))


def palette(colours: list[int]) -> Image.Image:
    image = Image.fromarray(PLAIN).convert("P")
    image.putpalette(colours)
    image.putdata(PLAIN.ravel().tolist())
    return image


def test_every_way_to_write_a_mask_says_the_same() -> None:
    for name, content in {
        "grey": encoded(PLAIN),
        "tiff": encoded(PLAIN, "TIFF"),
        "lzw": encoded(PLAIN, "TIFF", compression="tiff_lzw"),
        "bmp": encoded(PLAIN, "BMP"),
        "gif": encoded(PLAIN, "GIF"),
        "webp": encoded(PLAIN, "WEBP", lossless=True),
        "bits": encoded(Image.fromarray(PLAIN * 255).convert("1")),
        "palette": encoded(palette([255, 0, 0, 0, 255, 0])),
        "grey palette": encoded(palette([9, 9, 9, 9, 9, 9]), transparency=0),
        "16 bit": encoded(PLAIN.astype(np.uint16)),
        "32 bit": encoded(PLAIN.astype(np.int32), "TIFF"),
        "RGB": encoded(np.stack([PLAIN] * 3, -1)),
        "RGBA": encoded(np.stack([PLAIN] * 3 + [PLAIN * 0], -1)),
        "LA": encoded(np.stack([PLAIN, PLAIN * 0], -1)),
    }.items():
        pixels, notes = decode_mask(content, (20, 30))
        assert np.array_equal(pixels, PLAIN), name
        assert notes == ["0 1"], name


def test_grey_of_few_bits_is_not_stretched() -> None:
    for depth, rows in ((2, b"\x1b"), (4, b"\x01\x23")):
        pixels, notes = decode_mask(raw_png(depth, 0, rows), (1, 4))
        assert pixels.tolist() == [[0, 1, 2, 3]]
        assert notes == ["0 1 2 3"]


def test_exif_rotation_is_applied_as_to_pictures() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: left becomes top
    for kind, dtype in itertools.product(("PNG", "TIFF"), (np.uint8, np.uint16)):
        content = encoded(np.rot90(PLAIN).astype(dtype), kind, exif=exif)
        assert np.array_equal(decode_mask(content, (20, 30))[0], PLAIN), (kind, dtype)


def test_what_may_have_changed_the_numbers_is_refused() -> None:
    for content, named in (
        (encoded(PLAIN, "JPEG"), "JPEG"),
        (encoded(PLAIN, "WEBP"), "WEBP"),
        (encoded(PLAIN, "TIFF", compression="jpeg"), "TIFF.*jpeg"),
        (encoded(PLAIN, "PPM"), "PPM"),
        (raw_png(16, 2, struct.pack(">6H", 0, 0, 0, 1, 1, 1), width=2), "16 bits"),  # RGB
        (raw_png(16, 6, struct.pack(">8H", 0, 0, 0, 9, 1, 1, 1, 9), width=2), "16 bits"),  # RGBA
        (raw_png(16, 4, struct.pack(">4H", 0, 9, 1, 9), width=2), "16 bits"),  # LA
    ):
        with pytest.raises(BadPictureError, match=named):
            decode_mask(content, (20, 30))
