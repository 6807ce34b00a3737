from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.models import (
    DecoderSize,
    Encoder,
    Search,
    Subwords,
    answerer,
    attach_head,
    backbone_stages,
    cut,
    load_encoder,
    parameters,
    sequence,
    subwords_for,
    unfrozen,
)
from tfft.models.decoder import looked_at, of_layers

PIECES = Subwords(SimpleNamespace(vocabulary_size=lambda: 20))
SIZE = DecoderSize(layers=2, width=8, heads=2, feedforward=8, vocabulary=20)


@pytest.fixture
def model() -> keras.Model:
    """A frozen encoder of one layer, and a decoder of two blocks."""
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


TEXTS = ["the zip is good", "a case", "the lens is not bad"]
Parts = tuple[keras.Model, Encoder, Subwords, str]


@pytest.fixture(params=["bart", "t5"])
def parts(request: pytest.FixtureRequest, seq2seq_folder: Callable) -> Parts:
    """A model to train, its encoder, its pieces, and the folder that they are from."""
    folder = str(seq2seq_folder(request.param))
    encoder = load_encoder(folder)
    pieces = subwords_for(encoder, iter(()), 50)
    return attach_head(encoder.model, sequence(encoder.decoder, pieces, longest=24)), encoder, pieces, folder


@pytest.mark.parametrize("parts", ["bart", "t5", "flan"], indirect=True)
def test_tokens_and_logits_are_those_of_kerashub(parts: Parts) -> None:
    from keras_hub import models as hub

    model, encoder, pieces, folder = parts
    kind = hub.BartSeq2SeqLM if folder.endswith("bart") else hub.T5Seq2SeqLM
    lengths = {"encoder_sequence_length": 16, "decoder_sequence_length": 24}
    preprocessor = kind.preprocessor_cls(encoder.tokenizer, **lengths)
    asked = {"encoder_text": tf.constant(TEXTS), "decoder_text": tf.constant(TEXTS[::-1])}
    given, targets, counted = preprocessor(asked)
    tokens = encoder.pack(encoder.tokenize(TEXTS), 16)
    answers = pieces.pack(pieces.tokenize(TEXTS[::-1]), 25)
    assert np.array_equal(tokens, given["encoder_token_ids"])
    assert np.array_equal(answers[:, :-1], given["decoder_token_ids"])
    assert np.array_equal(answers[:, 1:], targets)
    assert pieces.texts(answers) == TEXTS[::-1]
    theirs = kind(kind.backbone_cls.from_preset(folder))
    expected = theirs({name: tf.cast(value, "int32") for name, value in given.items()}).numpy()
    logits = model([tokens, answers[:, :-1]]).numpy()
    assert np.allclose(logits[counted], expected[counted], atol=1e-5)
    assert not np.allclose(logits[0], logits[1], atol=1e-4)


def make_likely(embedding: keras.Layer, rows: list[int]) -> None:
    """Gives some tokens logits far from zero, half of them of the other sign."""
    weights = embedding.embeddings.numpy()
    weights[rows[::2]], weights[rows[1::2]] = 50 * weights[5], -50 * weights[5]
    embedding.embeddings.assign(weights)


def test_greedy_takes_the_likeliest_token_and_none_that_is_no_answer(parts: Parts) -> None:
    model, encoder, pieces, _ = parts
    tokens = encoder.pack(encoder.tokenize(TEXTS), 16)
    make_likely(encoder.decoder.embedding, [*range(pieces.size, model.outputs[0].shape[-1])])
    banned = {pieces.pad, pieces.unknown, *pieces.starts} - {pieces.end, None}
    never = [*banned, *range(pieces.size, model.outputs[0].shape[-1])]
    found = answerer(model, pieces, Search(beams=1), longest=8)(tokens)
    for row, text in zip(found, tokens, strict=True):
        expected = list(pieces.starts)
        while len(expected) < 8 and (len(expected) == len(pieces.starts) or expected[-1] != pieces.end):
            logits = model([text[None], np.array([[*expected, pieces.pad]], np.int32)]).numpy()[0, len(expected) - 1]
            logits[never] = -np.inf
            expected.append(int(logits.argmax()))
        assert row.tolist() == expected + [pieces.pad] * (8 - len(expected))


def test_with_beams_enough_the_best_answer_of_all_is_found(parts: Parts) -> None:
    model, encoder, pieces, _ = parts
    longest, begun = len(pieces.starts) + 2, len(pieces.starts)
    tokens = encoder.pack(encoder.tokenize(TEXTS), 16)
    found = answerer(model, pieces, Search(beams=64, length_penalty=1.0), longest=longest)(tokens)
    words = sorted({*range(pieces.size)} - {pieces.pad, pieces.unknown, *pieces.starts, pieces.end})
    every = [[*pieces.starts, pieces.end, pieces.pad]]
    every += [[*pieces.starts, word, other] for word in words for other in [*words, pieces.end]]
    every = np.array(every, np.int32)
    never = [*{pieces.pad, pieces.unknown, *pieces.starts} - {pieces.end, None}]
    for text, answer in zip(tokens, found, strict=True):
        logits = model.predict([text[None].repeat(len(every), 0), every[:, :-1]], verbose=0)[:, begun - 1 :]
        logits[:, :, [*never, *range(pieces.size, logits.shape[-1])]] = -1e9
        right = np.take_along_axis(keras.ops.log_softmax(logits).numpy(), every[:, begun:, None], -1)[..., 0]
        made = every[:, begun:] != pieces.pad
        scores = (right * made).sum(axis=1) / ((5 + made.sum(axis=1)) / 6)
        assert scores[(every == answer).all(axis=1)] == pytest.approx(scores.max(), abs=1e-5)


def test_the_encoder_is_the_trunk_and_what_both_sides_share_stays_frozen(parts: Parts) -> None:
    model, encoder, pieces, _ = parts
    assert len(backbone_stages(model)) == 3
    tokens, given = encoder.pack(encoder.tokenize(TEXTS), 16), np.array([[*pieces.starts, 5]] * 3, np.int32)
    whole = model([tokens, given]).numpy()
    for unfreeze, trained in [(0, False), (1, False), ("all", True)]:
        with unfrozen(model, unfreeze, batch_norm="frozen"):
            found = cut(model)
            assert encoder.decoder.embedding.trainable == trained
            frozen = 0 if found.trunk is None else sum("encoder_layer" in layer.name for layer in found.trunk.layers)
            assert frozen == {0: 2, 1: 1, "all": 0}[unfreeze]
            if found.trunk is not None:
                assert np.allclose(found.top([*found.trunk(tokens), tf.constant(given)]), whole, atol=1e-6)


def test_adapters_stand_beside_queries_and_values_of_the_encoder(parts: Parts) -> None:
    model, _, _, folder = parts
    before, _ = parameters(model)
    with unfrozen(model, 1, batch_norm="frozen", lora_rank=2):
        trained, _ = parameters(model)
    # of queries and of values two each; Keras puts the heads of BART into the first
    assert trained - before == 2 * (8 * 2 * 2 + 2 * 4 if folder.endswith("bart") else 8 * 2 + 2 * 8)
