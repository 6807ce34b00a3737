from __future__ import annotations

import csv
from pathlib import Path

from tfft.reporting import write_search, write_trials

EVIL = "<script>alert('x')</script>"


def test_a_table_and_a_page(tmp_path: Path) -> None:
    space = {"rate": [1e-5, 1e-3], "word": ["a$b", EVIL], "depth": [1, "all"], "flip": [True, False]}
    about = {"recipe": "mine", "space": space, "monitor": "val_accuracy", "mode": "max"}
    rows = [
        {
            "trial": number + 1,
            "state": state,
            "val_accuracy": score,
            "epochs": 3,
            "seconds": 1.5,
            "rate": 10.0 ** -(5 - number),
            "word": space["word"][number % 2],
            "depth": space["depth"][number % 2],
            "flip": number > 1,
            "reason": EVIL if score is None else "",
        }
        for number, (state, score) in enumerate([("finished", 0.5), ("stopped", 0.25), ("diverged", None)])
    ]
    for shares in ({}, {"rate": 0.75, "word": 0.25}):
        write_trials(rows, tmp_path)
        write_search(about, rows, 0, shares, tmp_path)
        page = (tmp_path / "search.html").read_text(encoding="utf-8")
        assert EVIL not in page
        assert page.count("data:image/svg+xml") == 2 + bool(shares)
        # the best first, those without a score last
        places = [page.index(f"<td>{number}</td><td title") for number in (1, 2, 3)]
        assert places == sorted(places)
    with (tmp_path / "trials.csv").open(newline="", encoding="utf-8") as file:
        assert [row["val_accuracy"] for row in csv.DictReader(file)] == ["0.5", "0.25", ""]
