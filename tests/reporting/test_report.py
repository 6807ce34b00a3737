from __future__ import annotations

import csv
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
        write_report(run, plan, history, found.scores, class_figures(splits, found))
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

    # the page loads nothing and runs nothing
    page = (folder / "report.html").read_text()
    assert "Content-Security-Policy" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", page)
    assert page.count("data:image/svg+xml;base64,") == 2  # confusion matrix and learning curves
