from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tfft.errors import Interrupted
from tfft.stopping import postponed
from tfft.store import turns
from tfft.store.turns import turn


def test_a_run_waits_only_for_its_own_rows_and_stops_on_a_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 1)
    folder = tmp_path / "array"
    with turn(folder, ["ant"]), turn(folder, ["bee"]), postponed() as stop:
        stop.signal = signal.SIGTERM
        with pytest.raises(Interrupted), turn(folder, ["ant"]):
            pass
        stop.signal = None
        assert not caplog.messages
        with turn(folder, ["ant"]):  # the other run hangs
            pass
        assert "no longer waiting" in caplog.text
    assert not list(tmp_path.iterdir())
