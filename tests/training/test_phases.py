from __future__ import annotations

import pytest

from tfft.errors import ConfigError
from tfft.training import Phase


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("epochs", -1),
        ("learning_rate", 0.0),
        ("learning_rate", -1e-3),
        ("learning_rate", 3.0),
        ("learning_rate", float("nan")),
        ("momentum", 1.0),
        ("weight_decay", -0.1),
        ("warmup", 1.0),
        ("patience", -1),
        ("unfreeze", -1),
    ],
)
def test_an_impossible_phase_cannot_be_made(field: str, number: float) -> None:
    with pytest.raises(ConfigError) as error:
        Phase(**{field: number})
    assert all(word in str(error.value) for word in (field, f"{number:g}"))


def test_the_edges_are_possible() -> None:
    Phase(learning_rate="find")
    assert Phase(epochs=0, learning_rate=1.0, momentum=0.0, warmup=0.0, unfreeze="all").unfreeze == "all"
