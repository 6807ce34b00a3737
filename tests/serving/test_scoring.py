from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tfft.data import Label, Record
from tfft.errors import DataError
from tfft.serving import open_run
from tfft.serving.scoring import score_run, truths_of
from tfft.store import Storage

Run = Callable[[str], Path]


def test_labels_of_new_data_are_those_of_the_run(run_of: Run, examples: object) -> None:
    """Where a class is missing, the indices of the others stay, and files that cannot be read are left out."""
    predict = open_run(run_of("classification"))
    records = [record for record in examples.trained() if record.truth.name != "red"]
    truths = truths_of(predict.contract, [*records, Record(b"", Label("blue"), "empty.png")], Storage())
    assert truths.at(range(5)).tolist() == [1, 2, 1, 2, 2]
    found = score_run(predict, truths)
    scores, unreadable = found.scores, found.unreadable
    assert scores["accuracy"] == 1
    assert [answer.input for answer in unreadable] == ["empty.png"]
    with pytest.raises(DataError, match="knows no 'pink', only 'red', 'green', 'blue'"):
        truths_of(predict.contract, [Record(b"", Label("pink"), "a")], Storage())
    with pytest.raises(DataError, match="can be read"):
        score_run(predict, truths_of(predict.contract, [Record(b"", Label("red"), "a")], Storage()))
    assert np.isfinite(scores["loss"])
