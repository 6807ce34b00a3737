from __future__ import annotations

import contextlib
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from tfft.data.reading.images import BadPictureError, decode, picture_size


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


HALVES = Image.fromarray(np.repeat(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8), 20, axis=1).repeat(20, axis=0))


def test_size_and_type() -> None:
    pixels, notes = decode(encoded(HALVES), (30, 50))
    assert (pixels.shape, pixels.dtype, notes) == ((30, 50, 3), np.uint8, [])
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels[0, -1].tolist() == [0, 0, 255]


def test_the_content_decides_the_format() -> None:
    for kind in ("JPEG", "WEBP", "BMP", "GIF", "TIFF"):
        pixels, _ = decode(encoded(HALVES, kind), (20, 40))
        assert pixels[10, 5, 0] > 200
        assert pixels[10, 35, 2] > 200


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: left becomes top
    pixels, notes = decode(encoded(HALVES, "JPEG", exif=exif), (40, 20))
    assert ["EXIF" in note for note in notes] == [True]
    assert pixels[2, 10, 0] > 200
    assert pixels[-2, 10, 2] > 200


def test_the_size_is_that_of_the_picture_as_it_is_shown() -> None:
    for kind, turn in itertools.product(("JPEG", "PNG", "WEBP", "TIFF"), range(1, 9)):
        exif = Image.Exif()
        exif[0x0112] = turn
        content = encoded(HALVES, kind, exif=exif)
        shown = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
        expected = (40, 20) if turn >= 5 else (20, 40)
        assert picture_size(content) == (shown.height, shown.width) == expected, (kind, turn)


def test_transparency_is_laid_on_white() -> None:
    pixels, (note,) = decode(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0))), (4, 4))
    assert pixels.min() == 255
    assert "RGBA" in note


def test_16_bits_are_scaled_to_8() -> None:
    pixels, _ = decode(encoded(Image.fromarray(np.full((4, 4), 0x80FF, np.uint16))), (4, 4))
    assert np.unique(pixels).tolist() == [0x80]


def test_other_modes_become_rgb() -> None:
    for mode in ("L", "P", "CMYK", "1"):
        kind = "TIFF" if mode == "CMYK" else "PNG"
        pixels, (note,) = decode(encoded(Image.new("RGB", (4, 4), "white").convert(mode), kind), (4, 4))
        assert pixels.min() == 255
        assert f"{mode} " in note


def test_of_an_animation_the_first_frame() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ("white", "black")]
    pixels, notes = decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), (4, 4))
    assert pixels.min() == 255
    assert any("GIF" in note for note in notes)


def test_a_large_jpeg_decoded_small_looks_the_same() -> None:
    ramp = np.linspace(0, 255, 2048).astype(np.uint8)
    large = Image.fromarray(np.broadcast_to(ramp[None, :, None], (1024, 2048, 3)))
    pixels, _ = decode(encoded(large, "JPEG", quality=95), (16, 32))
    exact = np.asarray(large.resize((32, 16), Image.Resampling.BOX)).astype(int)
    assert np.abs(pixels - exact).max() <= 3


def test_what_is_no_picture_says_why() -> None:
    for content, reason in (
        (b"", "empty"),
        (b"<html><body>404</body></html>", "text"),
        (b"not a picture at all", "text"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (bytes(range(128, 256)) * 4, "format"),
        (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", "format"),
        # Pillow would start Ghostscript on it
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n", "text"),
        (encoded(HALVES, "JPEG")[:-200], "(?i)truncated"),
        (encoded(HALVES)[:-30], "truncated|broken|EOF|unrecognized"),
    ):
        with pytest.raises(BadPictureError, match=reason):
            decode(content, (8, 8))


@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_pixels_or_a_reason() -> None:
    generator = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"):
        whole = np.frombuffer(encoded(HALVES, kind), np.uint8)
        for _ in range(150):
            damaged = whole.copy()
            places = generator.integers(0, len(whole), 6)
            damaged[places] = generator.integers(0, 256, 6)
            with contextlib.suppress(BadPictureError):  # and nothing else
                assert decode(damaged.tobytes(), (8, 8))[0].shape == (8, 8, 3)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_from_its_header() -> None:
    content = encoded(HALVES)
    header = b"IHDR" + struct.pack(">II", 11_000, 10_000) + content[24:29]
    bomb = content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
    with pytest.raises(BadPictureError, match="11000 x 10000"):
        decode(bomb, (8, 8))
