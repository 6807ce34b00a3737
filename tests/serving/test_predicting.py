from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from tfft.commands import app

Run, Paint = Callable[[str], Path], Callable[..., np.ndarray]


@pytest.fixture
def pictures(painted: Paint, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for number, colour in enumerate(["red", "green", "blue", "red", "blue"]):
        (folder / colour).mkdir(parents=True, exist_ok=True)
        Image.fromarray(painted(colour)).save(folder / colour / f"{number}.png")
    (folder / "=cmd.jpg").write_bytes(b"")
    return folder


@pytest.fixture
def tfft(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str]]:
    def call(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["tfft", *map(str, words)])
        try:
            app()
        except SystemExit as stop:
            return stop.code, "".join(capsys.readouterr())
        return 0, "".join(capsys.readouterr())

    return call


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_answers_become_rows(run_of: Run, pictures: Path, tmp_path: Path, tfft: Callable) -> None:
    run = run_of("classification")
    code, said = tfft("predict", run, pictures, "--out", tmp_path / "a.csv", "--top", 2)
    assert (code, "6 answers" in said, "1 of them could not be read" in said) == (0, True, True)
    rows = rows_of(tmp_path / "a.csv")
    assert list(rows[0]) == ["input", "label", "probability", "label_2", "probability_2", "error"]
    labels = {Path(row["input"]).name: row["label"] for row in rows}
    assert labels == {
        "0.png": "red",
        "1.png": "green",
        "2.png": "blue",
        "3.png": "red",
        "4.png": "blue",
        "=cmd.jpg": "",
    }
    assert {row["error"] for row in rows} == {"", "an empty file"}
    assert tfft("predict", run, pictures, "--out", tmp_path / "a.jsonl")[0] == 0
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [line.get("label", "") for line in lines] == [row["label"] for row in rows]
    assert tfft("predict", run, pictures, "--out", tmp_path / "a.parquet")[0] == 0
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet").to_pylist()
    assert [row["label"] or "" for row in table] == [row["label"] for row in rows]
    parts = []
    for number in (1, 2):
        assert tfft("predict", run, pictures, "--out", tmp_path / "s.csv", "--shard", f"{number}/2")[0] == 0
        parts.append(rows_of(tmp_path / f"s-{number}-of-2.csv"))
    assert sorted(row["input"] for part in parts for row in part) == sorted(row["input"] for row in rows)
    assert [len(part) for part in parts] == [3, 3]
    assert not list(tmp_path.glob("*.part"))
    code, said = tfft("predict", run, pictures / "red/0.png")
    assert (code, "0.png: red 9" in said) == (0, True)


def test_what_cannot_be_done_is_one_sentence(run_of: Run, pictures: Path, tmp_path: Path, tfft: Callable) -> None:
    run, out = run_of("classification"), tmp_path / "a.csv"
    out.write_text("mine")
    (tmp_path / "b.csv.part").symlink_to(tmp_path / "target")
    for words, code, said in (
        ([run, pictures, "--out", out], 2, "exists already"),
        ([run, pictures, "--out", tmp_path / "b.csv"], 2, "b.csv.part exists"),
        ([run_of("detection"), pictures, "--out", tmp_path / "c.csv", "--tta"], 2, "`--tta` works for"),
        ([run, pictures, "--shard", "1/" + "9" * 50], 2, "--shard"),
        ([run, pictures, "--out", tmp_path / "a.xls"], 2, "must end in .csv"),
        ([run, pictures, "--out", tmp_path / "no/a.csv"], 2, "Folder not found"),
        ([run, pictures, "--shard", "0/4"], 2, "--shard"),
        ([run, pictures, "--top", "0"], 2, "--top"),
        ([run, pictures, "--draw", tmp_path / "drawn"], 2, "`--draw` draws boxes and masks"),
        ([run, pictures / "=cmd.jpg"], 3, "None of 1 input can be read; the first: an empty file"),
        ([run, tmp_path / "no.csv"], 3, "File not found"),
        ([tmp_path, pictures], 2, "serving.json is missing"),
    ):
        ended, sentence = tfft("predict", *words)
        assert (ended, said in sentence) == (code, True), sentence
    assert out.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv.part", "pictures"]


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_boxes_and_masks_are_drawn(
    task: str, run_of: Run, pictures: Path, painted: Paint, tmp_path: Path, tfft: Callable
) -> None:
    (pictures / "more").mkdir()
    Image.fromarray(painted("blue", 60, 90)).save(pictures / "more/0.png")
    run, drawn = run_of(task), tmp_path / "drawn"
    assert tfft("predict", run, pictures, "--draw", drawn, "--out", tmp_path / "a.csv")[0] == 0
    names = sorted(path.name.rpartition("pictures_")[2] for path in drawn.iterdir())
    assert "more_0.jpg" in names
    assert len([name for name in names if name.endswith(".jpg")]) == 6
    large = Image.open(next(path for path in drawn.iterdir() if path.name.endswith("more_0.jpg")))
    assert large.size == (90, 60)
    assert np.abs(np.asarray(large, int) - painted("blue", 60, 90)).max() > 50
    if task == "segmentation":
        mask = Image.open(next(path for path in drawn.iterdir() if path.name.endswith("more_0.mask.png")))
        assert (mask.mode, mask.size, np.unique(np.asarray(mask)).tolist()) == ("P", (90, 60), [2])
    assert "not an empty folder" in tfft("predict", run, pictures, "--draw", drawn)[1]
