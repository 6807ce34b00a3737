"""BART and T5: taken apart into an encoder and a decoder, they are what KerasHub has put together."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfft.models import (
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

TEXTS = ["the zip is good", "a case", "the lens is not bad"]
Parts = tuple[keras.Model, Encoder, Subwords, str]


@pytest.fixture(params=["bart", "t5"])
def parts(request: pytest.FixtureRequest, seq2seq_folder: Callable) -> Parts:
    """A model to train, its encoder, its pieces, and the folder that they are from."""
    folder = str(seq2seq_folder(request.param))
    encoder = load_encoder(folder)
    pieces = subwords_for(encoder, iter(()), 50)
    return attach_head(encoder.model, sequence(encoder.decoder, pieces, longest=24)), encoder, pieces, folder


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


def test_greedy_takes_the_likeliest_token_and_none_that_is_no_answer(parts: Parts) -> None:
    model, encoder, pieces, _ = parts
    tokens = encoder.pack(encoder.tokenize(TEXTS), 16)
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
