from __future__ import annotations

from pathlib import Path

from recipes.summarization import Config, build_backbone, load_data
from tfft.data import PairColumns


def test_summaries_are_scored_against_the_nearest_of_several(tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        lines = [f'{{"text": "{split} {n} long", "short": ["a {n}", "b {n}"]}}' for n in range(6)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    config = Config(data=str(tmp_path), columns=PairColumns(source="text", target="short"), backbone="demo")
    splits = load_data(config, build_backbone(config))
    assert next(iter(splits.test.references)) == ("a 0", "b 0")
