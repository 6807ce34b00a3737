from __future__ import annotations

from pathlib import Path

import pytest

from tfft.serving import Contract, PictureInput
from tfft.serving.answers import Label
from tfft.serving.tables import part_of, table


def test_a_table_that_is_stopped_keeps_its_rows_but_not_its_name(tmp_path: Path) -> None:
    out, contract = tmp_path / "a.csv", Contract(("ant", "bee"), PictureInput((8, 8)), task="classification")
    answer = Label("a.jpg", "ant", 0.75, {"ant": 0.75, "bee": 0.25})

    def stopped() -> None:
        with table(out, contract, 1) as write:
            write(answer)
            assert part_of(out).read_text() == "input,label,probability,error\na.jpg,ant,0.75,\n"  # at once
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(tmp_path.iterdir()) == [part_of(out)]
