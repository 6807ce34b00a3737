from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recipes.text_classification import ONCE, SMOKE, build_backbone, build_model, evaluate, find_data, load_data, run
from tfft import models, training
from tfft.data import phrases


@pytest.fixture(autouse=True)
def _few_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    for split, count in {"train": 48, "val": 24, "test": 24}.items():
        monkeypatch.setitem(phrases.SIZES, split, count)


def test_adapters_are_counted_leave_the_weights_alone_and_are_merged_on_save(tmp_path: Path) -> None:
    tune = replace(ONCE, epochs=2, unfreeze=1, lora_rank=4, learning_rate=0.5)
    scores = run(replace(SMOKE, out=str(tmp_path / "run"), head=replace(ONCE, epochs=0), tune=tune, dropout=0))
    phase = json.loads((tmp_path / "run/report.json").read_text())["phases"][0]
    # one block, its queries and values, (64, 2, 32): Keras splits off the last axis; and the head
    assert phase["trained_parameters"] == 2 * (64 * 2 * 4 + 4 * 32) + 64 * 2 + 2
    import keras

    saved = keras.saving.load_model(tmp_path / "run/model.keras")
    assert not [weight.path for weight in saved.weights if "lora" in weight.path]
    splits = load_data(SMOKE)
    answers = saved.predict(splits.val.texts, verbose=0)
    assert (answers.argmax(axis=-1) == splits.val.targets).mean() == scores["val"]["accuracy"]


def test_adapters_train_beside_weights_that_stay(tmp_path: Path) -> None:
    encoder = build_backbone(SMOKE, find_data(SMOKE))
    splits = load_data(SMOKE, encoder)
    model, task = build_model(SMOKE, splits.labels, encoder)
    before = {weight.path: np.array(weight) for weight in encoder.model.weights}
    start = model.predict(splits.val.inputs, verbose=0)
    phases = {"tune": replace(ONCE, epochs=2, unfreeze="all", lora_rank=2, learning_rate=0.5)}
    plan = training.plan_phases(model, splits, phases, batch_size=8)
    training.fine_tune(model, task, plan)
    after = {weight.path: np.array(weight) for weight in encoder.model.weights}
    adapters = {path for path in after if "lora" in path}
    assert len(adapters) == 2 * 2 * 2  # layers, queries and values, two matrices
    assert all(np.array_equal(before[path], after[path]) for path in before)
    assert any(after[path].any() for path in adapters if path.endswith("_b"))
    assert not np.allclose(model.predict(splits.val.inputs, verbose=0), start)


def test_what_is_scored_does_not_depend_on_what_was_stored() -> None:
    encoder = build_backbone(SMOKE, find_data(SMOKE))
    splits = load_data(SMOKE, encoder)
    model, task = build_model(SMOKE, splits.labels, encoder)
    plan = training.plan_phases(model, splits, {"head": ONCE}, batch_size=8)
    training.fine_tune(model, task, plan)
    by_plan, whole = evaluate(model, splits, plan)[1], evaluate(model, splits)[1]
    assert all(np.allclose(by_plan[name], whole[name], atol=1e-6) for name in whole)


def test_a_folder_of_kerashub_and_its_tokens(tmp_path: Path) -> None:
    import keras_hub

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "zip", "is", "good", "bad", "not", "a", "##b"]
    network = keras_hub.models.BertBackbone(
        vocabulary_size=len(words), num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4, max_sequence_length=16
    )
    network.save_to_preset(str(tmp_path / "preset"))
    keras_hub.models.BertTokenizer(words, lowercase=True).save_to_preset(str(tmp_path / "preset"))
    found = models.load_encoder(str(tmp_path / "preset"))
    assert found.longest == 16
    assert found.tokenize(["The zip", "AB"])[0].tolist() == [5, 6]
    ours = found.model(np.array([[2, 5, 6, 3, 0, 0]]))[0]
    theirs = network(
        {
            "token_ids": np.array([[2, 5, 6, 3]]),
            "segment_ids": np.zeros((1, 4), int),
            "padding_mask": np.ones((1, 4), int),
        }
    )["sequence_output"]
    assert np.allclose(ours[:, :4], theirs, atol=1e-6)
