from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import Encoder, backbone_stages, describe_encoder, load_encoder
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


@pytest.mark.parametrize("kind", ["bert", "distil_bert", "roberta", "deberta", "electra", "albert"])
def test_any_encoder_of_kerashub_is_flattened(kind: str) -> None:
    network = kinds()[kind]()
    model = flat(network, 1, "a/b-c")
    tokens = np.array([[2, 5, 6, 7, 3], [2, 5, 3, 1, 1]], np.int32)
    given = {"token_ids": tokens, "padding_mask": (tokens != 1).astype("int32"), "segment_ids": np.zeros_like(tokens)}
    theirs = network({name: given[name] for name in network.input})
    features, mask = model(tokens)
    assert np.allclose(features, theirs["sequence_output"] if isinstance(theirs, dict) else theirs, atol=1e-6)
    assert mask.numpy().tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert model.name == "encoder_a_b_c"
    assert not model.trainable_weights
    # embeddings, and the blocks; of ALBERT all blocks are one
    assert len(backbone_stages(model)) == (2 if kind == "albert" else 4)


def test_the_demo_encoder_is_made_of_the_texts() -> None:
    found = load_encoder("demo", texts=TEXTS)
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
    assert "random weights" in describe_encoder("demo")
    assert describe_encoder(found) == "encoder_demo_bert, an encoder of your own"


def test_special_tokens_that_are_written_out_are_known(seq2seq_folder: Callable[[str], Path]) -> None:
    bart, bert = load_encoder(str(seq2seq_folder("bart"))), load_encoder("demo", texts=TEXTS)
    (found,) = bart.tokenize(["a </s> b"])
    assert bart.special & {*found.tolist()} == {2}
    (found,) = bert.tokenize(["a [SEP] b"])
    assert not bert.special & {*found.tolist()}
    assert bert.unknown not in bert.special


def test_a_network_that_is_no_encoder_of_ours_is_refused_with_the_way_to_pass_it() -> None:
    network, tokenizer = kinds()["bert"](), load_encoder("demo", texts=TEXTS).tokenizer
    with pytest.raises(ConfigError, match=r"the name of a preset.*a BertBackbone.*save_to_preset"):
        load_encoder(network)
    with pytest.raises(ConfigError, match=r"takes tokens and gives features and a mask.*with 3 inputs.*save_to_preset"):
        Encoder(network, tokenizer, 128)


def test_the_demo_encoder_can_be_made_without_a_text() -> None:
    assert load_encoder("demo").tokenize(["none"])[0].size


@pytest.mark.parametrize("pooling", ["avg", "max", "avg+max", "first"])
def test_what_is_padded_does_not_count(pooling: str) -> None:
    from tfft.models import attach_head, single_label

    encoder = load_encoder("demo", texts=TEXTS)
    model = attach_head(encoder.model, single_label(["a", "b"], pooling=pooling))
    tokens = encoder.pack(encoder.tokenize(["the zip is good"]), 8)
    longer = np.pad(tokens, [(0, 0), (0, 16)])
    assert np.allclose(model(tokens), model(longer), atol=1e-5)


def test_a_frozen_encoder_draws_nothing_while_its_top_trains() -> None:
    """Dropout inside frozen blocks is off, whatever the mode: they are in the trunk."""
    from tfft.models import cut, unfrozen
    from tfft.models.tasks import attach_head, single_label

    encoder = load_encoder("demo", texts=TEXTS)
    model = attach_head(encoder.model, single_label(["a", "b"]))
    with unfrozen(model, 1, batch_norm="frozen"):
        found = cut(model)
    frozen = {layer.name for layer in found.trunk.layers}
    assert "transformer_layer_0" in frozen
    assert "transformer_layer_1" not in frozen
    assert isinstance(found.top, keras.Model)
    assert [tensor.shape for tensor in found.crossing] == [(None, None, 64), (None, None)]
