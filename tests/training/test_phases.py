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
        ("gradual", -1),
    ],
)
def test_an_impossible_phase_cannot_be_made(field: str, number: float) -> None:
    with pytest.raises(ConfigError) as error:
        Phase(**{field: number})
    assert all(word in str(error.value) for word in (field, f"{number:g}"))


def test_most_stages_are_nearly_all() -> None:
    counts = [Phase(unfreeze="most").with_stages(count).unfreeze for count in (1, 2, 4, 6, 12)]
    assert counts == [1, 1, 3, 5, 10]
    assert Phase(unfreeze="all").with_stages(3).unfreeze == "all"


def test_where_examples_are_few_more_epochs_make_up_the_steps() -> None:
    phase = Phase(epochs="auto")
    assert [phase.with_epochs(steps).epochs for steps in (1, 3, 20, 100)] == [200, 67, 10, 10]
    assert Phase(epochs=3).with_epochs(1).epochs == 3


def test_each_stage_is_trained_in_the_end() -> None:
    assert Phase(epochs=4, unfreeze=2, gradual=1.5).gradual == 1.5
    with pytest.raises(ConfigError, match=r"gradual=2, unfreeze=2, epochs=4.* below 2"):
        Phase(epochs=4, unfreeze=2, gradual=2.0)


@pytest.mark.parametrize("field", ["epochs", "unfreeze", "learning_rate", "schedule"])
def test_a_word_that_is_no_choice_is_named(field: str) -> None:
    with pytest.raises(ConfigError, match=f"`{field}` must be one of .* \\(got 'some'\\)"):
        Phase(**{field: "some"})


def test_the_edges_are_possible() -> None:
    Phase(learning_rate="find")
    assert Phase(epochs=0, learning_rate=1.0, momentum=0.0, warmup=0.0, unfreeze="all").unfreeze == "all"
