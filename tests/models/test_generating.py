from __future__ import annotations

import itertools
from collections.abc import Callable
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tfft.models import DecoderSize, Encoder, Search, Subwords, answerer, attach_decoder
from tfft.models.generating import _best
from tfft.models.subwords import END, PAD, START, UNKNOWN

VOCABULARY, LONGEST = 7, 5
PIECES = Subwords(SimpleNamespace(vocabulary_size=lambda: VOCABULARY))
SIZE = DecoderSize(layers=1, width=8, heads=2, feedforward=8, vocabulary=16)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Its best answers differ from text to text, and from one length penalty to another."""
    keras.utils.set_random_seed(1)
    tokens = keras.Input((None,), dtype="int32")
    mask = keras.ops.cast(keras.ops.not_equal(tokens, 0), "float32")
    features = keras.layers.Embedding(30, 8, name="words")(tokens)
    encoder = Encoder(keras.Model(tokens, [features, mask]), tokenizer=None, longest=4)
    made = attach_decoder(encoder, SIZE, PIECES, longest=LONGEST)
    made.get_layer("words").set_weights([np.random.default_rng(0).normal(scale=4, size=(30, 8))])
    made.get_layer("decoder_embedding").set_weights([np.random.default_rng(28).normal(scale=0.3, size=(VOCABULARY, 8))])
    return made


@pytest.fixture(scope="module")
def greedy(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """What takes the likeliest token each time, traced once."""
    return answerer(model, PIECES, Search(beams=1), longest=LONGEST)


TOKENS = np.array([[5, 6, 7, 0], [8, 9, 11, 12], [13, 0, 0, 0]], np.int32)


def every_answer() -> np.ndarray:
    """All answers there can be, from start to end or as long as they may be."""
    words = range(4, VOCABULARY)
    found = [
        [START, *middle, END] + [PAD] * (LONGEST - 2 - count)
        for count in range(LONGEST - 1)
        for middle in itertools.product(words, repeat=count)
    ]
    return np.array(found + [[START, *middle] for middle in itertools.product(words, repeat=LONGEST - 1)], np.int32)


def logs(model: keras.Model, tokens: np.ndarray) -> np.ndarray:
    """The logarithm of the probability of every answer to one text, PAD, UNKNOWN and START being out of question."""
    answers = every_answer()
    logits = model([tokens[None].repeat(len(answers), 0), answers[:, :-1]]).numpy()
    logits[:, :, [PAD, UNKNOWN, START]] = -1e9
    steps = keras.ops.log_softmax(logits, axis=-1).numpy()
    right = np.take_along_axis(steps, answers[:, 1:, None], axis=-1)[..., 0]
    return (right * (answers[:, 1:] != PAD)).sum(axis=1)


@pytest.mark.parametrize(
    "penalty", [pytest.param(0.0, marks=pytest.mark.slow), pytest.param(1.0, marks=pytest.mark.slow), 3.0]
)
def test_with_beams_enough_the_best_answer_of_all_is_found(model: keras.Model, penalty: float) -> None:
    answer, answers = answerer(model, PIECES, Search(beams=64, length_penalty=penalty), longest=LONGEST), every_answer()
    found, unpenalized = answer(TOKENS), []
    for tokens, best in zip(TOKENS, found, strict=True):
        chances, lengths = logs(model, tokens), (answers != PAD).sum(axis=1) - 1
        assert best.tolist() == answers[(chances / ((5 + lengths) / 6) ** penalty).argmax()].tolist()
        unpenalized.append(answers[chances.argmax()].tolist())
    assert (found.tolist() == unpenalized) == (penalty == 0)
    assert len({tuple(best) for best in found.tolist()}) > 1
    assert (found[:, -1] == PAD).any()  # some end early, and nothing comes behind their end
    # an answer does not depend on the texts beside it
    assert all(np.array_equal(answer(TOKENS[n : n + 1])[0], found[n]) for n in range(3))


def test_greedy_takes_the_likeliest_token_each_time(model: keras.Model, greedy: Callable) -> None:
    found = greedy(TOKENS)
    assert len({tuple(answer) for answer in found.tolist()}) > 1
    for tokens, answer in zip(TOKENS, found, strict=True):
        expected = [START]
        while len(expected) < LONGEST and expected[-1] != END:
            given = np.array([[*expected, PAD]])  # Keras warns of a softmax over one place
            logits = model([tokens[None], given]).numpy()[0, -2]
            logits[[PAD, UNKNOWN, START]] = -1e9
            expected.append(int(logits.argmax()))
        assert answer.tolist() == expected + [PAD] * (LONGEST - len(expected))


@pytest.mark.slow
def test_with_few_beams_an_answer_does_not_depend_on_the_texts_beside_it(model: keras.Model) -> None:
    answer = answerer(model, PIECES, Search(beams=3), longest=LONGEST)
    together = answer(TOKENS)
    assert all(np.array_equal(answer(TOKENS[n : n + 1])[0], together[n]) for n in range(3))


def test_the_start_does_not_count_as_length() -> None:
    beams = np.array([[[START, 5, END, PAD], [START, 5, 6, END]]])
    assert _best(beams, np.array([[-1.0, -1.13]], np.float32), PIECES, 1.0).numpy().tolist() == [[START, 5, 6, END]]
    assert _best(beams, np.array([[-1.0, -1.15]], np.float32), PIECES, 1.0).numpy().tolist() == [[START, 5, END, PAD]]


def test_what_is_no_text_is_never_said_however_likely(model: keras.Model, greedy: Callable) -> None:
    embedding = model.get_layer("decoder_embedding")
    weights = embedding.embeddings.numpy()
    for sign in (50, -50):
        for mark in (PAD, UNKNOWN, START):
            likely = weights.copy()
            likely[mark] = sign * weights[5]
            embedding.embeddings.assign(likely)
            said = greedy(TOKENS)[:, 1:]
            assert not np.isin(said, [UNKNOWN, START]).any()
            assert (said[:, 0] != PAD).all()
    embedding.embeddings.assign(weights)
