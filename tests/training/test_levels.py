from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from tfft.data.batching.layout import Layout
from tfft.models import DecoderSize, attach_decoder, cut, load_encoder, subwords_for, unfrozen
from tfft.models.folding import folded
from tfft.training.levels import TRUNK_BATCH, levels


def test_each_step_starts_where_the_one_below_ends(network: keras.Model) -> None:
    upper = cut(network)
    with unfrozen(network, 1, batch_norm="frozen"):
        lower = cut(network)
    found = levels([lower, upper], takes=Layout(((32, 32, 3),), "uint8"), dtype="float32")
    assert [level.takes.shapes for level in found] == [((32, 32, 3),), ((8, 8, 8),)]
    assert [level.makes.numbers for level in found] == [512, 8]
    assert sum(level.multiply_adds for level in found) == upper.multiply_adds
    pixels = np.random.default_rng(0).integers(0, 256, (TRUNK_BATCH, 32, 32, 3)).astype(np.uint8)
    below = found[0].run(pixels).numpy()
    above = found[1].run(*found[0].makes.unpack(below)).numpy()
    assert np.array_equal(above, folded(upper.trunk)(pixels.astype(np.float32), training=False))
    assert found[0].layers == ["inner_dropout_2"]
    assert found[0].fingerprint != found[1].fingerprint


def test_half_precision_is_read_as_float32(network: keras.Model) -> None:
    level = levels([cut(network)], takes=Layout(((32, 32, 3),), "uint8"), dtype="float16")[0]
    assert level.run(np.zeros((TRUNK_BATCH, 32, 32, 3), np.uint8)).dtype == "float16"
    assert level.makes.read_as == "float32"


def test_a_text_of_t5_beside_a_longer_one_is_answered_as_alone(seq2seq_folder: Callable) -> None:
    """What its attention adds crosses the cut; behind the text nothing must be seen."""
    encoder = load_encoder(str(seq2seq_folder("t5")))
    pieces = subwords_for(encoder, iter(()), 50)
    model = attach_decoder(encoder, DecoderSize(), pieces, longest=8)
    with unfrozen(model, 1, batch_norm="frozen"):
        found = cut(model)
    tokens = encoder.pack(encoder.tokenize(["a zip"]), 8).repeat(TRUNK_BATCH, 0)
    assert (tokens == encoder.pad).any()
    given = np.array([[*pieces.starts, 5]], np.int32)
    alone = model([tokens[:1], given])
    for dtype, tolerance in (("float32", 1e-5), ("float16", 1e-2)):
        level = levels([found], takes=Layout(((None,),), "int32"), dtype=dtype)[0]
        assert any(shape.count(None) > 1 for shape in level.makes.shapes)
        rows = level.run(tokens).numpy()
        assert np.isfinite(rows).all()
        crossing = level.makes.unpack(level.makes.lengthened(rows[:1], 16))
        answer = found.top([*map(keras.ops.convert_to_tensor, crossing), keras.ops.convert_to_tensor(given)])
        assert np.allclose(answer, alone, atol=tolerance)
