from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tfft.errors import ConfigError
from tfft.models import Search
from tfft.serving import Contract, Generation, TextInput, open_run
from tfft.serving.contract import read_contract, write_contract


def test_what_is_written_is_read(tmp_path: Path) -> None:
    contract = Contract(
        (), TextInput(32, "mail"), Generation(20, Search(2), "AAAA"), "translation", None, {"tfft": "1"}
    )
    write_contract(contract, tmp_path)
    assert read_contract(tmp_path) == contract


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("format", 2, "format is 2"),
        ("task", "mining", "task is 'mining'"),
        ("task", None, "not finished"),
        ("labels", ["a", "a", "b"], "twice"),
        ("labels", "abc", "list of texts"),
        ("labels", [1, 2, 3], "list of texts"),
        ("labels", ["a", "b"], "outputs for 2 labels"),
        ("thresholds", [0.5], "1 thresholds for 3 labels"),
        ("thresholds", [0, 1, "nan"], "thresholds"),
        ("input", {"kind": "sound", "column": "a"}, "'sound'"),
        ("input", {"kind": "picture", "column": "a", "image_size": [16, 1e9], "flip": True}, "whole number"),
        ("input", {"kind": "picture", "column": "a", "image_size": [32, 32], "flip": True}, "do not belong together"),
        ("input", {"kind": "text", "column": "a", "length": 8}, "do not belong together"),
        ("input", [], "not written by a run"),
        ("task", "multilabel", "needs thresholds"),
        ("task", "translation", "does not go with"),
        ("generation", {"longest": 9, "search": {"beams": 2.5, "length_penalty": 0}, "subwords": None}, "whole number"),
    ],
)
def test_an_edited_contract_is_refused(
    key: str, value: Any, said: str, run_of: Callable[[str], Path], tmp_path: Path
) -> None:
    shutil.copytree(run_of("classification"), tmp_path / "run")
    path = tmp_path / "run/serving.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match=re.escape(said)):
        open_run(tmp_path / "run")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_contract_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"serving\.json is missing"):
        open_run(tmp_path)
    for text in ("", "[]", "null", "{}", "[" * 100_000):
        (tmp_path / "serving.json").write_text(text)
        with pytest.raises(ConfigError, match=r"serving\.json"):
            open_run(tmp_path)


def test_another_archive_in_place_of_the_model_is_refused(run_of: Callable[[str], Path], tmp_path: Path) -> None:
    shutil.copytree(run_of("classification"), tmp_path / "run")
    path = tmp_path / "run/model.keras"
    for content, said in (
        (b"", "not a zip file"),
        (run_of("segmentation").joinpath("model.keras").read_bytes(), "do not belong together"),
        (run_of("detection").joinpath("model.keras").read_bytes(), "do not belong together"),
    ):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=said):
            open_run(tmp_path / "run")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is not a file"):
        open_run(tmp_path / "run")
