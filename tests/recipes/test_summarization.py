from __future__ import annotations

from pathlib import Path

import pytest

from recipes.summarization import SMOKE, Config, build_backbone, build_model, evaluate, find_data, load_data
from tfft.data import PairColumns, phrases
from tfft.models import Search


@pytest.fixture(autouse=True)
def _few_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    for split, count in {"train": 48, "val": 12, "test": 12}.items():
        monkeypatch.setitem(phrases.SIZES, split, count)


def test_summaries_are_scored_against_the_nearest_of_several(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        lines = [f'{{"text": "{split} {n} long", "short": ["a {n}", "b {n}"]}}' for n in range(6)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    config = Config(data=str(tmp_path), columns=PairColumns(source="text", target="short"), backbone="demo")
    records = find_data(config)
    splits = load_data(config, build_backbone(config, records), records)
    assert next(iter(splits.test.references)) == ("a 0", "b 0")


def test_the_demo_is_summarized() -> None:
    records = find_data(SMOKE)
    backbone = build_backbone(SMOKE, records)
    splits = load_data(SMOKE, backbone, records)
    model, _ = build_model(SMOKE, backbone=backbone, longest=splits.train.targets.shape[1])
    scores, answers = evaluate(model, splits, backbone[1], Search(beams=1))
    assert set(scores["test"]) == {"rouge1", "rouge2", "rougeL"}
    assert len(answers["val"]) == 12
