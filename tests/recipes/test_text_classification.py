from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tfft
from recipes import summarization, translation
from recipes.text_classification import SMOKE, Config, build_backbone, build_model, evaluate, load_data, run
from tfft import models, training
from tfft.errors import ConfigError
from tfft.texts import ONCE
from tfft.training import Phase


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


def test_a_network_that_reads_left_to_right_is_refused_where_its_tokens_must_see_the_whole_text() -> None:
    encoder = replace(models.load_encoder("demo"), causal=True)
    assert build_backbone(replace(SMOKE, backbone=encoder, pooling="last")) is encoder
    with pytest.raises(ConfigError, match=r"pooling first.*pooling last"):
        build_backbone(replace(SMOKE, backbone=encoder, pooling="first"))
    for page in (summarization, translation):
        with pytest.raises(ConfigError, match="left to right"):
            page.build_backbone(replace(page.SMOKE, backbone=encoder))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_run_with_a_network_that_reads_left_to_right(
    kind: str, tmp_path: Path, causal_folder: Callable[[str], Path]
) -> None:
    """All of it is trained without a warning, and so are adapters; the saved model answers in plain Keras."""
    texts = [f"{start} {end}" for start in ("the zip", "the lens", "a case", "!") for end in ("is good", "is bad!")]
    rows = [f"{text} {'a' * number},{text[-4:].strip('!').strip()}" for text in texts for number in range(1, 13)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    head, tune = Phase(epochs=1, learning_rate=0.01, optimizer="adam"), replace(ONCE, unfreeze="all")
    for rank in (0, 2):
        config = Config(
            data=str(tmp_path / "texts.csv"),
            backbone=str(causal_folder(kind)),
            pooling="last",
            head=head,
            tune=replace(tune, lora_rank=rank),
            out=str(tmp_path / f"run_{rank}"),
        )
        result = run(config)
        assert result.labels == ["bad", "good"]
        asked = np.array(["the zip is good!", "a!! case"], object)
        saved = str(tmp_path / f"run_{rank}" / "model.keras")
        program = (
            "import keras, keras_hub, numpy, sys; model = keras.saving.load_model(sys.argv[1]); "
            "print(model.predict(numpy.array(sys.argv[2:], object), verbose=0).tolist(), 'tfft' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", program, saved, *asked], capture_output=True, text=True)
        assert done.stdout, done.stderr
        answers, imported = done.stdout.rpartition("]")[0] + "]", done.stdout.rpartition("]")[2]
        assert imported.strip() == "False"
        ours = [[row.probabilities[label] for label in result.labels] for row in tfft.open(config.out)(list(asked))]
        assert np.allclose(json.loads(answers), ours, atol=1e-6)
