from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
from PIL import Image

from tfft.data import Splits
from tfft.evaluation import Evaluation, confusions
from tfft.reporting import Figure, mask_figures
from tfft.reporting.figures import Shown
from tfft.reporting.masks import panels
from tfft.reporting.plots import colours

TRUTH = np.zeros((7, 32, 32), np.uint8)
TRUTH[:, 16:] = 1


def figures_of(splits: Splits, answers: np.ndarray, truth: np.ndarray = TRUTH) -> dict[str, Figure]:
    """Of the last split: the legend, the worst, the typical and the best answers."""
    name, examples = list(splits.items())[-1]
    shown = replace(splits, **{name: replace(examples, targets=truth)})
    classes = np.eye(len(splits.labels), dtype=np.float32)
    by_picture = {row.tobytes(): classes[answer] for row, answer in zip(examples.inputs, answers, strict=True)}

    class Known:
        """A model that answers so for these pictures."""

        def predict_on_batch(self, pictures: np.ndarray) -> np.ndarray:
            return np.stack([by_picture[picture.astype(np.uint8).tobytes()] for picture in pictures])

    found = mask_figures(shown, Evaluation({}, {name: confusions(classes[answers], truth)}), Known(), most=3)
    assert all(name in figure.title for figure in found[1:])
    return dict(zip(("legend", "worst", "typical", "best"), found, strict=True))


def pixels_of(uri: str) -> np.ndarray:
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition("base64,")[2])))
    assert image.format == "JPEG"
    return np.asarray(image).astype(int)


def share(shown: Shown) -> str:
    """Of the pixels that are right, as the caption says it."""
    (found,) = re.findall(r"[\d.]+%", shown.caption)
    return found


def test_the_worst_answers_come_first(splits: Splits) -> None:
    answers = TRUTH.copy()
    answers[3] = 1 - answers[3]
    answers[5, :8] = 1
    answers[6, :, :8] = 1 - answers[6, :, :8]
    found = figures_of(splits, answers)
    worst = found["worst"].pictures
    assert [shown.detail for shown in worst] == ["200/3", "200/5", "200/6"]
    assert [share(shown) for shown in worst] == ["0.0%", "75.0%", "75.0%"]
    assert [share(shown) for shown in found["best"].pictures] == ["100.0%"] * 3
    assert len(found["typical"].pictures) == 3


def test_pixels_that_do_not_count_are_not_counted(splits: Splits) -> None:
    truth = TRUTH.copy()
    truth[:, :16] = 255
    truth[1] = 255
    answers = np.zeros_like(TRUTH)
    answers[:, 24:] = 1
    found = figures_of(splits, answers, truth)
    assert [share(shown) for shown in found["worst"].pictures] == ["50.0%"] * 3
    assert found["best"].pictures[0].detail == "200/1"  # nothing to be wrong about


def test_picture_truth_and_answer_stand_beside_each_other(splits: Splits) -> None:
    truth, answers = TRUTH.copy(), np.ones_like(TRUTH)
    truth[:, :, 20:] = 255
    shown = figures_of(splits, answers, truth)["worst"].pictures[0]
    index = int(shown.detail.split("/")[1])
    pixels = splits.test.inputs[index]
    sky, road = shades = colours(2)
    beside = panels(pixels, truth[index], answers[index], shades)
    assert beside.dtype == np.uint8
    assert beside.shape == (32, 96, 3)
    assert np.abs(pixels_of(shown.image) - beside.astype(int)).mean() < 20  # but for the losses of JPEG
    picture, beside = pixels.astype(int), beside.astype(int)
    assert np.array_equal(beside[:, :32], picture)
    # nearer to the colour of its class than the picture is, everywhere
    for panel, mask, colour in ((1, truth == 0, sky), (1, truth == 1, road), (2, answers == 1, road)):
        inside = mask[0]
        before, after = (np.abs(p[inside] - colour) for p in (picture, beside[:, 32 * panel : 32 * panel + 32]))
        assert (after <= before + 1).all()
        assert after.mean() < 0.6 * before.mean()
    ignored = beside[:, 32:64][truth[0] == 255]
    assert ignored.mean() < 0.6 * picture[truth[0] == 255].mean()


def test_as_many_classes_as_masks_hold_and_no_test_split(splits: Splits) -> None:
    many = replace(splits, labels=[f"c{n}" for n in range(254)], test=None)
    found = figures_of(many, np.full_like(TRUTH, 253), np.full_like(TRUTH, 252))
    assert [shown.detail for shown in found["worst"].pictures] == ["100/0", "100/1", "100/2"]
    assert found["legend"].legend[-1][1] == "c253"
