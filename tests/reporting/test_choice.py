from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tfft.reporting import show_choice, write_choice

EVIL = "<script>alert('x')</script>"


def row(name: str, score: float | None, milliseconds: float | None) -> dict[str, Any]:
    scores = dict.fromkeys(("score", "last_block", "all_blocks", "neighbours"), score)
    times = {"milliseconds": milliseconds, "storing": 12.25, "solving": 3.5}
    sizes = {"parameters": 4_049_571, "multiply_adds": 389_000_000, "input": "224 x 224"}
    reason = "" if score is not None else EVIL
    return {"backbone": name, "monitor": "val_accuracy", **scores, **times, **sizes, "reason": reason}


def test_a_table_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row("EfficientNetB0", 0.93125, 21.5), row(f"a$b{EVIL}.keras", 0.5, 0.25), row("ResNet50", None, None)]
    write_choice("mine", f"tfft run mine --data '{EVIL}'", rows, tmp_path)
    page = (tmp_path / "choice.html").read_text(encoding="utf-8")
    assert EVIL not in page
    assert page.count("data:image/svg+xml") == 1
    places = [page.index(text) for text in ("0.9313", "tfft run mine", "4,049,571", "0.5000", "Left out", "ResNet50")]
    assert places == sorted(places)
    with (tmp_path / "choice.csv").open(newline="", encoding="utf-8") as file:
        assert [entry["score"] for entry in csv.DictReader(file)] == ["0.93125", "0.5", ""]
    show_choice([rows[0], rows[2]])
    header, line = capsys.readouterr().out.splitlines()
    assert " ".join(header.split()) == "backbone score last all k-NN ms seconds params adds input"
    assert line.split()[:6] == ["EfficientNetB0", "0.931", "0.931", "0.931", "0.931", "21.5"]
    assert line.split()[6:] == ["16", "4.0M", "389M", "224"]
