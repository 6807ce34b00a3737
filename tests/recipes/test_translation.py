from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipes.translation import SMOKE, Config, find_data, run
from tfft import texts
from tfft.data import PairColumns
from tfft.serving import open_run


def test_documents_stay_on_one_side(tmp_path: Path) -> None:
    rows = [f"doc{n // 4}\tthe word {n}\tdas Wort {n}" for n in range(120)]
    (tmp_path / "p.tsv").write_text("document\ten\tde\n" + "\n".join(rows) + "\n")
    columns = PairColumns(source="en", target="de", group="document")
    config = Config(data=str(tmp_path / "p.tsv"), columns=columns, val_fraction=0.2, test_fraction=0.2)
    records = texts.deal(config, find_data(config))
    sides = {record.group: {other.split for other in records if other.group == record.group} for record in records}
    assert all(len(found) == 1 for found in sides.values())
    assert {"train", "val", "test"} == {record.split for record in records}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bart", "t5"])
def test_a_pretrained_decoder_is_tuned_and_opened_again(
    kind: str, seq2seq_folder: Callable, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    once = replace(SMOKE.head, learning_rate=1e-2, optimizer="adam")
    config = replace(SMOKE, backbone=str(seq2seq_folder(kind)), head=once, tune=replace(once, unfreeze=1))
    config = replace(config, length=32, target_length=24, out=str(tmp_path / "run"))
    assert set(run(config).scores) == {"val", "test"}
    assert "--tune.learning-rate" in caplog.text  # a rate of 0.01 is told to be high
    rows = (tmp_path / "run/history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["head", "tune"]
    asked = [record.read().decode() for record in find_data(config)[:8]]
    assert len(open_run(tmp_path / "run")(asked)) == 8
