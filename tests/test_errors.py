from __future__ import annotations

from tfft.errors import ConfigError, DataError, DivergedError, MachineError, listed, nearest


def test_a_message_says_what_is_wrong_and_how_to_mend_it() -> None:
    error = ConfigError("`units` must be at least 1 (got -1)", fix="Try 64")
    for part in ("`units`", "1", "-1", "Try 64."):
        assert part in str(error)


def test_exit_codes() -> None:
    assert [e.exit_code for e in (ConfigError, DataError, MachineError, DivergedError)] == [2, 3, 4, 5]


def test_nearest_ignores_case_and_falls_back_to_all() -> None:
    assert nearest("resnet5", ["ResNet50", "VGG16", "ResNet50V2"]).startswith("'ResNet50'")
    assert nearest("@@", ["train", "val"]) == "'train', 'val'"


def test_listed_counts_the_rest() -> None:
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"
