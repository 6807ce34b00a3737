from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import sentencepiece
import tensorflow as tf

from tfft.models import (
    DecoderSize,
    Encoder,
    Search,
    Subwords,
    answerer,
    attach_decoder,
    backbone_stages,
    cut,
    load_encoder,
    parameters,
    presets,
    subwords_for,
    unfrozen,
)
from tfft.models.decoder import looked_at, of_layers

PIECES = Subwords(SimpleNamespace(vocabulary_size=lambda: 20))
SIZE = DecoderSize(layers=2, width=8, heads=2, feedforward=8, vocabulary=20)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A frozen encoder of one layer, and a decoder of two blocks."""
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    mask = keras.ops.cast(keras.ops.not_equal(tokens, 0), "float32")
    features = keras.layers.Dense(12, name="dense")(keras.layers.Embedding(30, 12, name="words")(tokens))
    for layer in keras.Model(tokens, features).layers:
        layer.trainable = False
    encoder = Encoder(keras.Model(tokens, [features, mask]), tokenizer=None, longest=16)
    return attach_decoder(encoder, SIZE, PIECES, longest=16)


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


def test_embeddings_and_logits_are_scaled_as_each_kind_was_trained() -> None:
    def scales(*names: str, **embedding: object) -> tuple[float, float]:
        block = SimpleNamespace(name="transformer_decoder_layer_0")
        rest = [SimpleNamespace(name=f"decoder_{name}") for name in names]
        return of_layers([SimpleNamespace(name="token_embedding", output_dim=16, **embedding), block, *rest]).scales

    t5 = ("embedding_dropout", "output_layer_norm", "output_dropout")
    assert scales(*t5, tie_weights=True) == (1, 1 / 4)
    assert scales(*t5, tie_weights=False) == (1, 1)  # Flan
    assert scales("position_embedding", "embeddings_layer_norm", "embeddings_dropout") == (1, 1)  # BART
    rest = [SimpleNamespace(name=f"decoder_{name}") for name in ("block_0", "positions", "dropout", "norm")]
    assert of_layers([SimpleNamespace(name="decoder_embedding", output_dim=16), *rest]).scales == (4, 1)


TEXTS = ["the zip is good", "a case", "the lens is not bad"]


@dataclass(frozen=True)
class Parts:
    """A tiny BART, T5 or Flan, ready to train."""

    kind: str
    network: keras.Model
    """That of KerasHub. It has its layers in common with `model`."""
    encoder: Encoder
    pieces: Subwords
    model: keras.Model
    """To be trained."""


def tiny_t5() -> tuple[keras.Model, Any]:
    """A network with more embeddings than tokens, as the T5 that are published, and its tokenizer."""
    from keras_hub import models as hub

    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(10 * TEXTS), model_writer=proto,
        vocab_size=30, hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    tokenizer = hub.T5Tokenizer(proto.getvalue())
    keras.utils.set_random_seed(3)
    sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 12}
    return hub.T5Backbone(tokenizer.vocabulary_size() + 4, **sizes, use_gated_activation=True), tokenizer


@pytest.fixture(scope="module")
def loaded() -> dict[str, Parts]:
    """What `parts` has loaded."""
    return {}


@pytest.fixture
def parts(
    request: pytest.FixtureRequest,
    loaded: dict[str, Parts],
    seq2seq_folder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Parts:
    """Loaded once for all tests of the file, since that takes seconds; T5, the slowest, without its folder."""
    kind = request.param
    if kind not in loaded:
        network, tokenizer = tiny_t5() if kind == "t5" else presets._load(str(seq2seq_folder(kind)))
        monkeypatch.setattr(presets, "_load", lambda _: (network, tokenizer))
        encoder = load_encoder(f"tiny_{kind}")
        pieces = subwords_for(encoder, iter(()), 50)
        model = attach_decoder(encoder, SIZE, pieces, longest=24)
        loaded[kind] = Parts(kind, network, encoder, pieces, model)
    return loaded[kind]


def kinds(*fast: str, slow: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """A test of pretrained decoders."""
    names = [*fast, *(pytest.param(kind, marks=pytest.mark.slow) for kind in slow)]
    return pytest.mark.parametrize("parts", names, indirect=True)


def numbered(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of texts, and of answers. They are just numbers: the tokenizer of BART takes seconds."""
    tokens = [np.arange(5, last, dtype=np.int32) for last in (20, 9, 14)]
    return parts.encoder.pack(tokens, 16), parts.pieces.pack(tokens[::-1], 25)


def task_of(parts: Parts) -> Any:
    """The class of KerasHub that answers texts."""
    from keras_hub import models as hub

    return hub.BartSeq2SeqLM if parts.kind == "bart" else hub.T5Seq2SeqLM


def with_tokenizer(parts: Parts) -> Parts:
    """With a new tokenizer: that of T5 is empty once a seed was set, as before each test."""
    from keras_hub import models as hub

    tokenizer = hub.T5Tokenizer(parts.encoder.tokenizer.proto)
    encoder, pieces = (replace(one, tokenizer=tokenizer) for one in (parts.encoder, parts.pieces))
    return replace(parts, encoder=encoder, pieces=pieces)


@kinds("bart", "t5", slow=("flan",))
def test_logits_are_those_of_kerashub(parts: Parts) -> None:
    tokens, answers = numbered(parts)
    given = answers[:, :-1]
    asked = {
        "encoder_token_ids": tokens,
        "encoder_padding_mask": tokens != parts.encoder.pad,
        "decoder_token_ids": given,
        # the start of T5 is its padding
        "decoder_padding_mask": (given != parts.pieces.pad) | (np.arange(24) == 0),
    }
    expected = task_of(parts)(parts.network)({name: tf.cast(value, "int32") for name, value in asked.items()}).numpy()
    logits, counted = parts.model([tokens, given]).numpy(), answers[:, 1:] != parts.pieces.pad
    assert np.allclose(logits[counted], expected[counted], atol=1e-5)
    assert not np.allclose(logits[0], logits[1], atol=1e-4)


@kinds("t5", slow=("bart",))
def test_tokens_are_those_of_kerashub(parts: Parts) -> None:
    parts = parts if parts.kind == "bart" else with_tokenizer(parts)
    encoder, pieces = parts.encoder, parts.pieces
    lengths = {"encoder_sequence_length": 16, "decoder_sequence_length": 24}
    preprocessor = task_of(parts).preprocessor_cls(encoder.tokenizer, **lengths)
    asked = {"encoder_text": tf.constant(TEXTS), "decoder_text": tf.constant(TEXTS[::-1])}
    given, targets, counted = preprocessor(asked)
    tokens = encoder.pack(encoder.tokenize(TEXTS), 16)
    answers = pieces.pack(pieces.tokenize(TEXTS[::-1]), 25)
    assert np.array_equal(tokens, given["encoder_token_ids"])
    assert np.array_equal(tokens != encoder.pad, given["encoder_padding_mask"])
    assert np.array_equal(answers[:, :-1], given["decoder_token_ids"])
    assert np.array_equal(answers[:, 1:], targets)
    assert np.array_equal(answers[:, 1:] != pieces.pad, counted)
    assert pieces.texts(answers) == TEXTS[::-1]


@kinds("t5")
def test_what_t5_cannot_write_is_known_and_not_said(parts: Parts) -> None:
    parts = with_tokenizer(parts)
    tokens = parts.pieces.tokenize(["the ñ zip"])
    assert parts.pieces.unknown == parts.encoder.unknown == 2
    assert (tokens[0] == 2).sum() == 1
    assert parts.pieces.texts(parts.pieces.pack(tokens, 24))[0].split() == ["the", "zip"]


@kinds(slow=("bart",))
def test_special_tokens_that_are_written_out_are_known(parts: Parts) -> None:
    (found,) = parts.encoder.tokenize(["a </s> b"])
    assert parts.encoder.special & {*found.tolist()} == {2}


@kinds("bart", "t5")
def test_special_tokens_stand_for_no_text(parts: Parts) -> None:
    special = {"bart": {0, 1, 2}, "t5": {0, 1}}[parts.kind]
    assert parts.encoder.special >= special
    assert parts.pieces.special == parts.encoder.special - {parts.pieces.unknown}
    assert not {*range(5, 20)} & parts.encoder.special


@contextmanager
def varied(parts: Parts, beyond: list[int]) -> Iterator[None]:
    """Weights for which answers differ from text to text and some end early, and tokens that are none are likely."""
    before, (scale, seed) = parts.model.get_weights(), {"bart": (0.5, 77), "t5": (0.3, 3)}[parts.kind]
    random = np.random.default_rng(seed)
    parts.model.set_weights([random.normal(scale=scale, size=w.shape) if w.ndim > 1 else w for w in before])
    embedding = parts.encoder.decoder.embedding.embeddings
    weights = embedding.numpy()
    # logits far from zero, half of them of the other sign
    weights[beyond[::2]], weights[beyond[1::2]] = 50 * weights[5], -50 * weights[5]
    embedding.assign(weights)
    try:
        yield
    finally:
        parts.model.set_weights(before)


@kinds("bart", "t5")
def test_greedy_takes_the_likeliest_token_and_none_that_is_no_answer(parts: Parts) -> None:
    (tokens, _), model, pieces = numbered(parts), parts.model, parts.pieces
    longest, begun = 6, len(pieces.starts)
    beyond = [*range(pieces.size, model.outputs[0].shape[-1])]
    assert bool(beyond) == (parts.kind == "t5")
    never = [*{pieces.pad, pieces.unknown, *pieces.starts} - {pieces.end, None}, *beyond]
    expected = np.full((3, longest), pieces.pad, np.int32)
    expected[:, :begun] = pieces.starts
    with varied(parts, beyond):
        found = answerer(model, pieces, Search(beams=1), longest=longest)(tokens)
        for index in range(begun, longest):
            logits = model([tokens, expected]).numpy()[:, index - 1]
            logits[:, never] = -np.inf
            ended = (index > begun) & np.isin(expected[:, index - 1], [pieces.end, pieces.pad])
            expected[:, index] = np.where(ended, pieces.pad, logits.argmax(axis=-1))
    assert found.tolist() == expected.tolist()
    assert len({tuple(answer) for answer in found.tolist()}) > 1
    assert (found[:, -1] == pieces.pad).any()


# of a new decoder it is in test_generating.py
@kinds(slow=("bart", "t5"))
def test_with_beams_enough_the_best_answer_of_all_is_found(parts: Parts) -> None:
    (tokens, _), model, pieces = numbered(parts), parts.model, parts.pieces
    longest, begun = len(pieces.starts) + 2, len(pieces.starts)
    beyond = [*range(pieces.size, model.outputs[0].shape[-1])]
    words = sorted({*range(pieces.size)} - {pieces.pad, pieces.unknown, *pieces.starts, pieces.end})
    every = [[*pieces.starts, pieces.end, pieces.pad]]
    every += [[*pieces.starts, word, other] for word in words for other in [*words, pieces.end]]
    every = np.array(every, np.int32)
    never = [*{pieces.pad, pieces.unknown, *pieces.starts} - {pieces.end, None}]
    with varied(parts, beyond):
        found = answerer(model, pieces, Search(beams=64, length_penalty=5.0), longest=longest)(tokens)
        given = [(text[None].repeat(len(every), 0), every[:, :-1]) for text in tokens]
        all_logits = [model.predict(list(one), verbose=0)[:, begun - 1 :] for one in given]
    assert len({tuple(answer) for answer in found.tolist()}) > 1
    for logits, answer in zip(all_logits, found, strict=True):
        logits[:, :, [*never, *beyond]] = -1e9
        right = np.take_along_axis(keras.ops.log_softmax(logits).numpy(), every[:, begun:, None], -1)[..., 0]
        made = every[:, begun:] != pieces.pad
        scores = (right * made).sum(axis=1) / ((5 + made.sum(axis=1)) / 6) ** 5
        assert scores[(every == answer).all(axis=1)] == pytest.approx(scores.max(), abs=1e-5)


@kinds("bart", "t5")
def test_the_encoder_is_the_trunk_and_what_both_sides_share_stays_frozen(parts: Parts) -> None:
    (tokens, _), model = numbered(parts), parts.model
    assert len(backbone_stages(model)) == 3
    given = np.array([[*parts.pieces.starts, 5]] * 3, np.int32)
    whole = model([tokens, given]).numpy()
    for unfreeze, trained in [(0, False), (1, False), ("all", True)]:
        with unfrozen(model, unfreeze, batch_norm="frozen"):
            found = cut(model)
            assert parts.encoder.decoder.embedding.trainable == trained
            frozen = 0 if found.trunk is None else sum("encoder_layer" in layer.name for layer in found.trunk.layers)
            assert frozen == {0: 2, 1: 1, "all": 0}[unfreeze]
            if found.trunk is not None:
                assert np.allclose(found.top([*found.trunk(tokens), tf.constant(given)]), whole, atol=1e-6)


# the last test of the file: adapters stay
@kinds("bart", "t5")
def test_adapters_stand_beside_queries_and_values_of_the_encoder(parts: Parts) -> None:
    before, _ = parameters(parts.model)
    with unfrozen(parts.model, 1, batch_norm="frozen", lora_rank=2):
        trained, _ = parameters(parts.model)
    # of queries and of values two each; Keras puts the heads of BART into the first
    assert trained - before == 2 * (8 * 2 * 2 + 2 * 4 if parts.kind == "bart" else 8 * 2 + 2 * 8)
