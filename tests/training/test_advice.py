from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tfft.training.advice import NEAR_RATE, Advice, Facts, Probe, advise

FAR = Probe("val_accuracy", [(1, 0.82), (9, 0.87)], 0.7, gain=0.05, error=0.01)
NEAR, BETWEEN = replace(FAR, gain=0.0), replace(FAR, gain=0.016)
"""No gain, and one that may be chance."""
PICTURES = {
    "image_size": (224, 224),
    "augment": "light",
    "flip": False,
    "balance": "none",
    "features": "all",
    "weights": "imagenet",
    "tune.epochs": 6,
    "tune.unfreeze": 2,
    "tune.learning_rate": 3e-4,
    "tune.optimizer": "adamw",
}
FACTS = Facts("pictures", 100, (50, 50), (500, 400), stages=5, settings=PICTURES)


def said(facts: Facts, **settings: Any) -> dict[str, Any]:
    """The advised values; dots in names are written as `__`."""
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    given = advise(replace(facts, settings={**facts.settings, **changed}))
    assert all(one.reason and one.source and not one.taken for one in given)
    return {one.setting: one.value for one in given}


def test_nothing_is_advised_where_nothing_was_measured_that_speaks_against_the_settings() -> None:
    assert said(FACTS) == {}


@pytest.mark.parametrize(
    ("counts", "solvable", "balance", "advised"),
    [
        ((30, 20), True, "none", {"balance": "auto"}),
        ((29, 20), True, "none", {}),
        ((30, 2), True, "none", {}),  # too few to compare by
        ((30, 20), False, "none", {}),
        ((30, 20), True, "weights", {}),
    ],
)
def test_rare_classes(counts: tuple[int, ...], solvable: bool, balance: str, advised: dict[str, str]) -> None:
    assert said(replace(FACTS, counts=counts, solvable=solvable), balance=balance) == advised


def test_data_far_from_the_pretraining_are_tuned_deeper_and_near_ones_gently() -> None:
    assert said(replace(FACTS, probe=FAR)) == {}
    assert said(replace(FACTS, probe=FAR), tune__unfreeze=1) == {"tune.unfreeze": 2}
    near = replace(FACTS, probe=NEAR, settings={**PICTURES, "features": 1})
    assert said(near) == {"tune.learning_rate": NEAR_RATE, "tune.unfreeze": 1}
    assert said(near, tune__learning_rate=1e-6, tune__unfreeze=1) == said(near, tune__optimizer="sgd") == {}
    assert said(near, tune__learning_rate="find") == {"tune.unfreeze": 1}
    assert said(replace(FACTS, probe=BETWEEN)) == {}
    for probe in (FAR, NEAR):
        unmeasured = replace(near, probe=probe)
        assert said(unmeasured, tune__epochs=0) == said(unmeasured, weights="none") == {}
        assert said(replace(FACTS, probe=replace(probe, scores=[(1, 0.8)]))) == {}  # of one depth


def test_a_head_on_the_last_block_where_more_blocks_do_harm() -> None:
    given = advise(replace(FACTS, probe=replace(NEAR, gain=-0.05)))
    assert "features" not in said(replace(FACTS, probe=NEAR))  # it may be chance
    assert [(one.setting, one.value, one.free) for one in given if one.setting == "features"] == [
        ("features", 1, False)
    ]


def test_pictures_that_are_enlarged() -> None:
    small = replace(FACTS, original_size=(60, 90))
    assert said(small) == {"image_size": (96, 96)}
    assert said(small, image_size=(96, 96)) == {}
    assert said(small, backbone=SimpleNamespace(inputs=[SimpleNamespace(shape=(None, 224, 224, 3))])) == {}
    assert said(replace(FACTS, original_size=(60, 900))) == {}


def test_what_only_a_person_can_know_is_not_taken() -> None:
    signs = replace(FACTS, labels=("7", "10", "b"))
    given = advise(replace(signs, settings={**PICTURES, "augment": "strong", "flip": True}))
    assert {one.setting: one.free for one in given} == {"augment": False, "flip": False}
    assert said(signs, augment="none", flip=True) == {}
    assert said(replace(FACTS, labels=("ant", "b")), flip=True) == {}


def test_texts() -> None:
    settings = {"length": 32, "tune.epochs": 5, "tune.unfreeze": 2, "tune.learning_rate": 1e-4}
    texts = Facts("texts", 100, truncated=0.02, settings=settings)
    assert said(texts) == {"length": "auto"}
    assert said(texts, length="auto") == said(replace(texts, truncated=0.01)) == {}
    near = advise(replace(texts, probe=NEAR, truncated=0.0))
    assert [(one.setting, one.value, one.free) for one in near] == [("tune.epochs", 0, False)]
    assert said(replace(texts, probe=FAR, truncated=0.0)) == {}


def test_advice_in_words_is_what_to_type() -> None:
    assert Advice("flip", False, "why", "where").in_words == "`--no-flip`: why (where)"
    assert Advice("image_size", (96, 96), "why", "where").in_words == "`--image-size 96 96`: why (where)"
    assert Advice("tune.learning_rate", 3e-5, "why", "where").in_words == "`--tune.learning-rate 3e-05`: why (where)"
    assert FAR.in_words == "val_accuracy 0.8200 on the last block, 0.8700 on all 9, 0.7000 by nearest neighbours"
