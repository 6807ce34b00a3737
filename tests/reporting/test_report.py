from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft import runs
from tfft.data import Splits
from tfft.evaluation import classification
from tfft.models import single_label
from tfft.pages import stock_pages
from tfft.reporting import class_figures, write_report, write_skipped
from tfft.training import History, Phase, plan_phases

EVIL = "<script>alert('x')</script>"


@dataclass(frozen=True)
class Choices:
    data: str = EVIL
    backbone: str = f"Net, {EVIL}"
    seed: int = 7
    accept: tuple[str, ...] = ("accuracy>=0.9",)
    out: str | None = None


@pytest.fixture
def folder(network: keras.Model, splits: Splits, tmp_path: Path) -> Path:
    splits = replace(splits, labels=["ant", EVIL], notes=[EVIL], skipped=[("=cmd()", "an empty file")])
    plan = plan_phases(network, single_label(splits.labels), splits, {"head": Phase(epochs=1)}, batch_size=8)
    row = {"phase": "head", "epoch": 1, "learning_rate": 1e-3, "seconds": 1.0, "loss": 0.7, "val_loss": 0.6}
    guesses = {name: np.full((len(e), 2), 0.5, np.float32) for name, e in splits.items()}
    found = classification(splits, guesses)
    with runs.open_run(stock_pages()["image_classification"], Choices(out=str(tmp_path / "run"))) as run:
        write_skipped(splits, run.folder)
        history = History([row], best=0, parts={"head": 2}, notes=["the data changed"])
        write_report(run, plan, history, found, class_figures(splits, found))
    return tmp_path / "run"


def test_numbers_a_table_of_what_was_left_out_and_a_page(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    assert report["scores"]["test"]["accuracy"] == pytest.approx(4 / 7)
    assert set(report["scores"]) == {"train", "val", "test"}
    assert report["seed"] == 7
    assert report["backbone"] == f"Net, {EVIL}"
    assert "import" in report["seconds"]
    assert report["versions"]["keras"] == keras.__version__
    assert (report["examples"]["train"], report["counts"]["train"]) == (20, [10, 10])
    assert report["phases"][0]["trained_parameters"] == 18
    assert "pool" in report["phases"][0]["trains_on"]
    assert report["phases"][0]["views"] == 1

    assert report["notes"][1] == "the data changed"
    assert "in parts of at most 4 examples" in report["notes"][2]

    with (folder / "skipped.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["example"] == "'=cmd()"

    # the page loads nothing, and runs nothing but the script that its policy names
    page = (folder / "report.html").read_text()
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert page.count("<script") == 1
    assert "&lt;script&gt;" in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert page.count("data:image/svg+xml;base64,") == 2  # calibration and the curve of the loss
    assert all(re.search('alt="[^"]+"', image) for image in re.findall("<img [^>]*>", page))


def test_the_page_says_how_good_the_model_is_and_how_far_that_can_be_trusted(folder: Path) -> None:
    report, page = json.loads((folder / "report.json").read_text()), (folder / "report.html").read_text()
    low, high = report["intervals"]["test"]["accuracy"]
    assert low < report["scores"]["test"]["accuracy"] == report["baseline"]["scores"]["accuracy"] < high
    assert f"Accuracy on the test split is 0.571 (95 % interval {low:.3f} to {high:.3f})." in page
    assert "Guessing, always ant, the most frequent class, gives 0.571: the model is not surely better" in page
    assert report["command"] in page.replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">")
    assert [(one["met"], one["split"]) for one in report["accept"]] == [(False, "test")]
    assert "Not accepted" in page
    assert 'data-pair="1,0"' in page  # a cell of the confusion matrix, and the mistakes behind it
    card = (folder / "model_card.md").read_text()
    for part in ("## Intended use", "## Training data", "| accuracy | 0.500 | 0.571 | 0.571 |", "| ant | 10 |"):
        assert part in card, part
    outside = re.sub("``.*?``", "", card)
    assert "<script" not in outside.replace("\\<", "")
    assert report["command"] in card  # as it is, to be pasted
    assert "\n\n\n\n" not in card
