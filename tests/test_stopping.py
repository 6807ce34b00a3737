from __future__ import annotations

import os
import signal
import threading

import pytest

from tfft.errors import Interrupted
from tfft.stopping import postponed, termination_raises


def test_the_first_signal_waits_and_the_second_does_not(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    for number in (signal.SIGTERM, signal.SIGINT):
        with postponed() as stop:
            os.kill(os.getpid(), number)
            assert stop.signal == number
            assert "Ctrl-C" in capfd.readouterr().err
            with pytest.raises(Interrupted) as stopped:
                os.kill(os.getpid(), number)
            assert stopped.value.exit_code == 128 + number
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_sigterm_raises_at_once_where_nothing_is_trained() -> None:
    with pytest.raises(Interrupted) as stopped, termination_raises():
        os.kill(os.getpid(), signal.SIGTERM)
    assert stopped.value.exit_code == 143


def test_outside_the_main_thread_signals_stay_as_they_are() -> None:
    seen = []

    def elsewhere() -> None:
        with postponed() as stop:
            seen.append(stop.signal)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [None]
