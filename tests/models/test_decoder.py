from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfft.models import DecoderSize, Subwords, attach_head, cut, sequence
from tfft.models.decoder import looked_at, of_layers

PIECES = Subwords(SimpleNamespace(vocabulary_size=lambda: 20))
SIZE = DecoderSize(layers=2, width=8, heads=2, feedforward=8, vocabulary=20)


@pytest.fixture
def model() -> keras.Model:
    """A frozen encoder of one layer, and a decoder of two blocks."""
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = keras.ops.cast(keras.ops.not_equal(tokens, 0), "float32")
    features = keras.layers.Dense(12, name="dense")(keras.layers.Embedding(30, 12, name="words")(tokens))
    for layer in keras.Model(tokens, features).layers:
        layer.trainable = False
    return attach_head(keras.Model(tokens, [features, mask]), sequence(SIZE, PIECES, longest=16))


TOKENS = np.array([[5, 6, 7, 0], [8, 9, 0, 0]], np.int32)
GIVEN = np.array([[2, 4, 5, 6], [2, 7, 3, 0]], np.int32)


def test_a_decoder_looks_at_no_later_token_and_at_no_padding(model: keras.Model) -> None:
    logits = model([TOKENS, GIVEN]).numpy()
    assert logits.shape == (2, 4, 20)
    later = GIVEN.copy()
    later[:, 3] = 9
    assert np.allclose(model([TOKENS, later])[:, :3], logits[:, :3], atol=1e-6)
    longer = np.pad(TOKENS, [(0, 0), (0, 5)])
    assert np.allclose(model([longer, GIVEN]), logits, atol=1e-5)
    other = TOKENS.copy()
    other[0, 0] = 11
    assert not np.allclose(model([other, GIVEN])[0], logits[0], atol=1e-3)


def test_token_by_token_it_says_what_it_says_at_once(model: keras.Model) -> None:
    expected = model([TOKENS, GIVEN]).numpy()
    made = of_layers(model.layers)
    assert [block.name for block in made.blocks] == ["decoder_block_0", "decoder_block_1"]
    features, mask = keras.Model(model.inputs[0], list(looked_at(model, made)))(TOKENS)
    own, others = (np.zeros((2, 2, 2, length, 2, 4), np.float32) for length in (8, 4))
    for index in range(4):
        token = GIVEN[:, index : index + 1]
        logits, own, others = made.step(token, features, mask, own, others, index, first=index == 0)
        assert np.allclose(logits, expected[:, index], atol=1e-5)


def test_what_is_given_of_an_answer_goes_into_the_top_alone_and_the_model_can_still_be_saved(
    model: keras.Model, tmp_path: object
) -> None:
    found = cut(model)
    assert [tensor.name for tensor in found.trunk.inputs] == ["tokens"]
    assert found.top.inputs[-1].name == "given"
    whole = model([TOKENS, GIVEN])
    assert np.allclose(found.top([*found.trunk(TOKENS), keras.ops.convert_to_tensor(GIVEN)]), whole, atol=1e-6)
    model.save(tmp_path / "model.keras")
    assert np.allclose(keras.saving.load_model(tmp_path / "model.keras")([TOKENS, GIVEN]), whole, atol=1e-6)
