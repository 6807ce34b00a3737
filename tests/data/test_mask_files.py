from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tfft.data.images import BadPictureError
from tfft.data.mask_files import decode_mask

PLAIN = np.zeros((20, 30), np.uint8)
PLAIN[2:12, 3:13] = 1


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(file, format=kind, **options)
    return file.getvalue()


def raw_png(depth: int, colour: int, rows: bytes, width: int = 4) -> bytes:
    """One row of a PNG that Pillow does not write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    with pytest.raises(BadPictureError, match="11000 x 10000 pixels"):
        decode_mask(encoded(Image.new("1", (11_000, 10_000))), (8, 8))


def palette(colours: list[int]) -> Image.Image:
    image = Image.fromarray(PLAIN).convert("P")
    image.putpalette(colours)
    image.putdata(PLAIN.ravel().tolist())
    return image


@pytest.mark.parametrize(
    "content",
    [
        encoded(PLAIN),
        encoded(PLAIN, "TIFF"),
        encoded(PLAIN, "TIFF", compression="tiff_lzw"),
        encoded(PLAIN, "BMP"),
        encoded(PLAIN, "GIF"),
        encoded(PLAIN, "WEBP", lossless=True),
        encoded(Image.fromarray(PLAIN * 255).convert("1")),
        encoded(palette([255, 0, 0, 0, 255, 0])),
        encoded(palette([9, 9, 9, 9, 9, 9]), transparency=0),
        encoded(PLAIN.astype(np.uint16)),
        encoded(PLAIN.astype(np.int32), "TIFF"),
        encoded(np.stack([PLAIN] * 3, -1)),
        encoded(np.stack([PLAIN] * 3 + [PLAIN * 0], -1)),
        encoded(np.stack([PLAIN, PLAIN * 0], -1)),
    ],
    ids=[
        "grey",
        "tiff",
        "lzw",
        "bmp",
        "gif",
        "webp",
        "bits",
        "palette",
        "grey palette",
        "16 bit",
        "32 bit",
        "RGB",
        "RGBA",
        "LA",
    ],
)
def test_every_way_to_write_a_mask_says_the_same(content: bytes) -> None:
    pixels, notes = decode_mask(content, (20, 30))
    assert np.array_equal(pixels, PLAIN)
    assert notes == ["0 1"]


@pytest.mark.parametrize(("depth", "rows"), [(2, b"\x1b"), (4, b"\x01\x23")])
def test_grey_of_few_bits_is_not_stretched(depth: int, rows: bytes) -> None:
    pixels, notes = decode_mask(raw_png(depth, 0, rows), (1, 4))
    assert pixels.tolist() == [[0, 1, 2, 3]]
    assert notes == ["0 1 2 3"]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exif_rotation_is_applied_as_to_pictures(kind: str, dtype: type) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: left becomes top
    content = encoded(np.rot90(PLAIN).astype(dtype), kind, exif=exif)
    assert np.array_equal(decode_mask(content, (20, 30))[0], PLAIN)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (encoded(PLAIN, "JPEG"), "JPEG may change the numbers of classes; save it as PNG"),
        (encoded(PLAIN, "WEBP"), "WEBP may change"),
        (encoded(PLAIN, "TIFF", compression="jpeg"), "TIFF with jpeg inside may change"),
        (encoded(PLAIN, "PPM"), "PPM may change"),
        (raw_png(16, 2, struct.pack(">6H", 0, 0, 0, 1, 1, 1), width=2), "16 bits only the upper 8.*grey"),
        (raw_png(16, 6, struct.pack(">8H", 0, 0, 0, 9, 1, 1, 1, 9), width=2), "16 bits"),
        (raw_png(16, 4, struct.pack(">4H", 0, 9, 1, 9), width=2), "16 bits"),
    ],
    ids=["JPEG", "WebP", "JPEG in TIFF", "PPM", "16 bit RGB", "16 bit RGBA", "16 bit LA"],
)
def test_what_may_have_changed_the_numbers_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(BadPictureError, match=said):
        decode_mask(content, (20, 30))
