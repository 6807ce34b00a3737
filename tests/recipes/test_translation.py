from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipes.translation import SMOKE, Config, build_backbone, build_model, evaluate, find_data, load_data, run
from tfft.data import PairColumns, phrases
from tfft.models import Search
from tfft.serving import open_answerer


@pytest.fixture(autouse=True)
def _few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    for split, count in {"train": 48, "val": 12, "test": 12}.items():
        monkeypatch.setitem(phrases.SIZES, split, count)


def test_documents_stay_on_one_side(tmp_path: Path) -> None:
    rows = [f"doc{n // 4}\tthe word {n}\tdas Wort {n}" for n in range(120)]
    (tmp_path / "p.tsv").write_text("document\ten\tde\n" + "\n".join(rows) + "\n")
    columns = PairColumns(source="en", target="de", group="document")
    records = find_data(Config(data=str(tmp_path / "p.tsv"), columns=columns, val_fraction=0.2, test_fraction=0.2))
    sides = {record.group: {other.split for other in records if other.group == record.group} for record in records}
    assert all(len(found) == 1 for found in sides.values())
    assert {"train", "val", "test"} == {record.split for record in records}


def test_what_was_saved_answers_as_what_was_scored(tmp_path: Path) -> None:
    config = replace(SMOKE, out=str(tmp_path / "run"), head=replace(SMOKE.head, epochs=0))
    scores = run(config)
    assert set(scores) == {"val", "test"}
    said = open_answerer(tmp_path / "run", config.search)(["The exam begins on Monday."])
    assert isinstance(said[0], str)
    assert "Worst answers (test)" in (tmp_path / "run/report.html").read_text()


@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_a_pretrained_decoder_is_tuned_and_opened_again(
    kind: str, seq2seq_folder: Callable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    once = replace(SMOKE.head, learning_rate=1e-2, optimizer="adam")
    config = replace(SMOKE, backbone=str(seq2seq_folder(kind)), head=once, tune=replace(once, unfreeze=1))
    config = replace(config, length=32, target_length=24, out=str(tmp_path / "run"))
    scores = run(config)
    assert set(scores) == {"val", "test"}
    assert "rate of 0.01 a pretrained decoder forgets what it knows; try `--tune.learning-rate" in caplog.text
    assert not (tmp_path / "run/answers.spm").exists()
    rows = (tmp_path / "run/history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["head", "tune"]
    texts = [record.read().decode() for record in find_data(config) if record.split == "test"]
    assert len(open_answerer(tmp_path / "run", config.search)(texts)) == len(texts)


def test_answers_are_scored_against_the_references() -> None:
    records = find_data(SMOKE)
    backbone = build_backbone(SMOKE, records)
    splits = load_data(SMOKE, backbone, records)
    model, _ = build_model(SMOKE, backbone=backbone, longest=splits.train.targets.shape[1])
    scores, answers = evaluate(model, splits, backbone[1], Search(beams=1))
    assert set(scores["val"]) == {"bleu", "chrf"}
    assert len(answers["test"]) == len(splits.test) == 12
