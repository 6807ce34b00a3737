"""A picture that was saved again is found by its pixels, not by its bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from tfft.data import Label, Record, assign_splits, mark_near_duplicates, near_duplicates_note
from tfft.data.records import digested
from tfft.data.splitting.leaks import check_leaks
from tfft.errors import DataError
from tfft.store import Storage


def scene(seed: int) -> Image.Image:
    """Soft shapes, as in a photograph."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC)


def saved(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def records(contents: dict[str, bytes]) -> list[Record]:
    return digested([Record(content, Label(name.partition("/")[0]), where=name) for name, content in contents.items()])


def test_pictures_saved_again_are_marked_and_others_are_not() -> None:
    photographs = {f"{'ab'[n % 2]}/{n}": saved(scene(n), quality=95) for n in range(40)}
    turned = Image.Exif()
    turned[0x0112] = 6
    again = {
        "a/png": saved(scene(0), "PNG"),
        "a/worse": saved(scene(2), quality=60),
        "a/smaller": saved(scene(4).resize((96, 72)), quality=85),
        "a/turned": saved(scene(6).transpose(Image.Transpose.ROTATE_90), quality=95, exif=turned),
        "b/brighter": saved(scene(1).point(lambda value: value * 0.7)),
        "b/blurred": saved(scene(3).filter(ImageFilter.GaussianBlur(30))),
        "b/bad": b"no picture",
    }
    marked = mark_near_duplicates(records(photographs | again), Storage())
    alike = {record.where: record.alike for record in marked if record.alike}
    assert alike.keys() == {"a/0", "a/png", "a/2", "a/worse", "a/4", "a/smaller", "a/6", "a/turned"}
    assert len(set(alike.values())) == 4
    (note,) = near_duplicates_note(marked)
    assert "8 pictures" in note
    assert "a/0 = a/png" in note


def test_they_stay_in_one_split_and_are_leaks_of_given_ones(refused: Callable[..., None]) -> None:
    contents = {f"{'ab'[n % 2]}/{n}": saved(scene(n)) for n in range(24)}
    contents |= {f"{'ab'[n % 2]}/{n} again": saved(scene(n), quality=70) for n in range(24)}
    marked = mark_near_duplicates(records(contents), Storage())
    split_of = {r.where: r.split for r in assign_splits(marked, val_fraction=0.2, test_fraction=0.2, seed=0)}
    assert all(split_of[f"{name} again"] == split_of[name] for name in contents if "again" not in name)
    given = [replace(r, split="test" if "again" in r.where else "train") for r in marked[:30]]
    refused(DataError, ("a/0 (train)", "a/0 again (test)"), check_leaks, given)
    after = assign_splits(given, val_fraction=0.2, test_fraction=0, seed=0)
    assert sorted(r.where for r in after if r.split == "leak") == ["a/0", "a/2", "a/4", "b/1", "b/3", "b/5"]


def test_a_camera_that_does_not_move_makes_no_duplicates() -> None:
    """Its pictures differ by the noise of the camera and by a small object."""
    still = np.asarray(scene(0), np.int16)
    contents = {}
    for n in range(20):
        pixels = still + np.random.default_rng(n).integers(-8, 9, still.shape)
        pixels[5 * n : 5 * n + 12, 60:72] = 255
        contents[f"{'ab'[n % 2]}/{n}"] = saved(Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), "PNG")
    assert not any(record.alike for record in mark_near_duplicates(records(contents), Storage()))
