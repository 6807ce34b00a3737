from __future__ import annotations

import keras
import pytest

from tfft.errors import ConfigError
from tfft.training import Phase, check_phases


def test_a_backbone_alone_can_be_checked_before_there_are_data(network: keras.Model) -> None:
    network.trainable = False
    check_phases(network, {"head": Phase(), "tune": Phase(unfreeze=3)})
    with pytest.raises(ConfigError, match=r"unfreeze\b.*\b4\b"):
        check_phases(network, {"head": Phase(), "tune": Phase(unfreeze=4)})


def test_a_later_phase_does_not_freeze_again(network: keras.Model) -> None:
    with pytest.raises(ConfigError, match=r"tune\.unfreeze=1 after head\.unfreeze=all"):
        check_phases(network, {"head": Phase(unfreeze="all"), "tune": Phase(unfreeze=1)})
    check_phases(network, {"head": Phase(unfreeze=3, epochs=0), "tune": Phase(unfreeze=1)})


def test_a_rate_far_above_the_usual_one_of_a_pretrained_head_is_told(
    network: keras.Model, caplog: pytest.LogCaptureFixture
) -> None:
    network.trainable = False
    phases = {
        "head": Phase(learning_rate=1e-3, optimizer="adamw"),
        "tune": Phase(learning_rate=1e-3, optimizer="sgd"),
        "last": Phase(learning_rate=9e-5),
    }
    check_phases(network, phases)
    assert not caplog.text
    check_phases(network, phases, usual_rate=3e-5)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "--head.learning-rate 3e-05" in said
