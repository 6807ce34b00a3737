from __future__ import annotations

import gc
import sys

import pytest

from tfft.runs.starting import uncollected


def test_what_is_imported_is_never_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow")
    before = gc.get_freeze_count()
    try:
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()


def test_a_session_that_has_imported_tensorflow_is_collected_as_before() -> None:
    before = gc.get_freeze_count()
    with uncollected():  # TensorFlow is imported already
        assert gc.isenabled()
    assert gc.get_freeze_count() == before
