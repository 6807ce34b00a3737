from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recipes.text_classification import SMOKE, build_backbone, build_model, evaluate, load_data
from tfft import models, training
from tfft.texts import ONCE


@pytest.mark.slow
def test_adapters_train_beside_weights_that_stay_and_scores_do_not_depend_on_what_was_stored() -> None:
    encoder = build_backbone(SMOKE)
    splits = load_data(SMOKE, encoder)
    model, task = build_model(SMOKE, splits.labels, encoder)
    before = {weight.path: np.array(weight) for weight in encoder.model.weights}
    start = model.predict(splits.val.inputs, verbose=0)
    phases = {"tune": replace(ONCE, epochs=2, unfreeze="all", lora_rank=2, learning_rate=0.5)}
    plan = training.plan_phases(model, task, splits, phases, batch_size=8)
    training.fine_tune(plan)
    after = {weight.path: np.array(weight) for weight in encoder.model.weights}
    adapters = {path for path in after if "lora" in path}
    assert len(adapters) == 2 * 2 * 2  # layers, queries and values, two matrices
    assert all(np.array_equal(before[path], after[path]) for path in before)
    assert any(after[path].any() for path in adapters if path.endswith("_b"))
    by_plan, whole = evaluate(model, splits, plan).predictions, evaluate(model, splits).predictions
    assert all(np.allclose(by_plan[name], whole[name], atol=1e-6) for name in whole)
    assert not np.allclose(whole["val"], start)


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
