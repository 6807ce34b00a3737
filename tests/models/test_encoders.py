from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import Encoder, backbone_stages, cut, describe_backbone, load_encoder, pooled, unfrozen
from tfft.models.encoders import flat

TEXTS = 10 * ["the zip is good", "the lens is not bad", "the box is poor", "the cable is fine"]
SMALL = {"vocabulary_size": 20, "num_layers": 3, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 8}


def kinds() -> dict[str, Callable[[], Any]]:
    from keras_hub import models as hub

    return {
        "bert": lambda: hub.BertBackbone(**SMALL),
        "distil_bert": lambda: hub.DistilBertBackbone(**SMALL),
        "roberta": lambda: hub.RobertaBackbone(**SMALL),
        "deberta": lambda: hub.DebertaV3Backbone(**SMALL),
        "electra": lambda: hub.ElectraBackbone(20, 3, 2, 8, 8, 8),
        "albert": lambda: hub.AlbertBackbone(**SMALL, embedding_dim=8, num_groups=1),
    }


SLOW = [pytest.param(kind, marks=pytest.mark.slow) for kind in ("distil_bert", "deberta", "electra")]


@pytest.fixture(scope="module")
def demo() -> Encoder:
    """Made once; what a test unfreezes it freezes again."""
    keras.utils.set_random_seed(0)
    return load_encoder("demo", texts=TEXTS)


def classifier(encoder: Encoder, pooling: str) -> keras.Model:
    """Two classes of texts."""
    outputs = keras.layers.Dense(2, activation="softmax")(pooled(encoder.model.outputs, pooling))
    return keras.Model(encoder.model.inputs[0], outputs)


# one that gives a dictionary, one that gives a tensor, and one whose blocks are one
@pytest.mark.parametrize("kind", ["bert", "roberta", "albert", *SLOW])
def test_any_encoder_of_kerashub_is_flattened(kind: str) -> None:
    network = kinds()[kind]()
    model = flat(network, 1, "a/b-c")
    tokens = np.array([[2, 5, 6, 7, 3], [2, 5, 3, 1, 1]], np.int32)
    padding = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], np.int32)
    given = {"token_ids": tokens, "padding_mask": padding, "segment_ids": np.zeros_like(tokens)}
    theirs = network({name: given[name] for name in network.input})
    features, mask = model(tokens)
    assert np.allclose(features, theirs["sequence_output"] if isinstance(theirs, dict) else theirs, atol=1e-6)
    assert mask.numpy().tolist() == padding.tolist()
    assert model.name == "encoder_a_b_c"
    assert not model.trainable_weights
    # embeddings, and the blocks; of ALBERT all blocks are one
    assert len(backbone_stages(model)) == (2 if kind == "albert" else 4)


def test_the_demo_encoder_is_made_of_the_texts(demo: Encoder) -> None:
    found = demo
    assert "zip" in found.tokenizer.get_vocabulary()
    again = load_encoder("demo", texts=TEXTS)
    assert again.tokenizer.get_vocabulary() == found.tokenizer.get_vocabulary()
    tokens = found.tokenize(["the ZIP", ""])
    assert [len(one) for one in tokens] == [2, 0]
    start, end = found.edges
    assert found.pack(tokens, 8).tolist() == [
        [*start, *tokens[0], *end, *[found.pad] * 4],
        [*start, *end, *[found.pad] * 6],
    ]
    assert found.pack([np.arange(50, dtype=np.int32)], 8)[0].tolist() == [*start, *range(6), *end]
    assert load_encoder(found) is found
    assert isinstance(found, Encoder)
    assert {"demo", "random"} <= set(re.findall(r"\w+", describe_backbone("demo")))
    assert "encoder_demo_bert" in describe_backbone(found)


def test_special_tokens_are_none_of_a_text(demo: Encoder) -> None:
    """BERT takes those that are written out for text; of BART it is in test_decoder.py."""
    (found,) = demo.tokenize(["a [SEP] b"])
    assert not demo.special & {*found.tolist()}
    assert demo.unknown not in demo.special
    assert {demo.pad, *itertools.chain(*demo.edges)} < demo.special


def test_a_network_that_is_no_encoder_of_ours_is_refused_with_the_way_to_pass_it(demo: Encoder) -> None:
    network = kinds()["bert"]()
    with pytest.raises(ConfigError, match=r"BertBackbone.*save_to_preset"):
        load_encoder(network)
    with pytest.raises(ConfigError, match=rf"{network.name}.*\b3\b.*save_to_preset"):
        Encoder(network, demo.tokenizer, 128)


def test_the_demo_encoder_can_be_made_without_a_text() -> None:
    assert load_encoder("demo").tokenize(["none"])[0].size


def test_what_is_padded_does_not_count(demo: Encoder) -> None:
    tokens = demo.pack(demo.tokenize(["the zip is good"]), 8)
    longer = np.pad(tokens, [(0, 0), (0, 16)])
    for pooling in ("avg", "max", "avg+max", "first"):
        model = classifier(demo, pooling)
        assert np.allclose(model(tokens), model(longer), atol=1e-5), pooling


def test_a_frozen_encoder_draws_nothing_while_its_top_trains(demo: Encoder) -> None:
    """Dropout inside frozen blocks is off, whatever the mode: they are in the trunk."""
    model = classifier(demo, "avg")
    with unfrozen(model, 1, batch_norm="frozen"):
        found = cut(model)
    frozen = {layer.name for layer in found.trunk.layers}
    assert "transformer_layer_0" in frozen
    assert "transformer_layer_1" not in frozen
    assert isinstance(found.top, keras.Model)
    assert [tensor.shape for tensor in found.crossing] == [(None, None, 64), (None, None)]
