"""Networks that read left to right: GPT-2, Llama and others of KerasHub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tfft.models import backbone_stages, from_strings, load_encoder, pooled
from tfft.models.encoders import flat
from tfft.models.lora import add_adapters

SIZES = {"vocabulary_size": 20, "num_layers": 3, "hidden_dim": 8, "intermediate_dim": 12}
HEADS = {"num_query_heads": 4, "num_key_value_heads": 2}
ROTARY = {**SIZES, **HEADS, "rope_max_wavelength": 50, "layer_norm_epsilon": 0.1}
EXPERTS = {**ROTARY, "num_experts": 4, "top_k": 2}
ADAPTED = {"query", "value", "query_dense", "value_dense", "q_proj", "v_proj", "query_key_value"}


def kinds() -> dict[str, Callable[[], Any]]:
    """With other settings than the defaults: a block that forgets one when it is saved is noticed."""
    from keras_hub import models as hub

    windows = {"use_sliding_window_attention": True, "sliding_window_size": 2}
    scaled = {"rope_frequency_adjustment_factor": 8.0, "rope_low_freq_factor": 1.0, "rope_high_freq_factor": 4.0}
    sparse = {"moe_intermediate_dim": 6, "mlp_only_layers": [1], "norm_top_k_prob": True}
    smol = {"attention_bias": True, "attention_dropout": 0.1, "mlp_bias": True, "layer_norm_epsilon": 0.1}
    smol |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32, "rope_theta": 50.0}
    smol |= {"rope_layer_enabled_list": [1, 0, 1], "layer_types": ["full_attention"] * 3, "partial_rotary_factor": 0.5}
    return {
        "gpt2": lambda: hub.GPT2Backbone(**SIZES, num_heads=2, max_sequence_length=16),
        "llama": lambda: hub.Llama3Backbone(**ROTARY, **scaled, rope_pretraining_sequence_length=16),
        "gpt_neo_x": lambda: hub.GPTNeoXBackbone(**SIZES, num_heads=2, rotary_percentage=0.5, rotary_max_wavelength=50),
        "opt": lambda: hub.OPTBackbone(**SIZES, num_heads=2, max_sequence_length=16),
        "bloom": lambda: hub.BloomBackbone(**SIZES, num_heads=2, layer_norm_epsilon=0.1),
        "falcon": lambda: hub.FalconBackbone(**SIZES, num_attention_heads=2, layer_norm_epsilon=0.1),
        "gemma": lambda: hub.GemmaBackbone(**SIZES, **HEADS, head_dim=4, **windows, attention_logit_soft_cap=0.5),
        "gemma3": lambda: hub.Gemma3Backbone(**SIZES, **HEADS, head_dim=4, image_size=16, **windows),
        "mistral": lambda: hub.MistralBackbone(**ROTARY, sliding_window=2),
        "mixtral": lambda: hub.MixtralBackbone(**EXPERTS, sliding_window=2),
        "phi3": lambda: hub.Phi3Backbone(**ROTARY, max_sequence_length=16),
        "qwen": lambda: hub.QwenBackbone(**ROTARY, **windows),
        "qwen3": lambda: hub.Qwen3Backbone(**ROTARY, head_dim=6, sliding_window_size=2),
        "qwen_moe": lambda: hub.QwenMoeBackbone(**EXPERTS, **sparse, **windows, shared_expert_intermediate_dim=6),
        "qwen3_moe": lambda: hub.Qwen3MoeBackbone(**EXPERTS, **sparse, head_dim=6, sliding_window_size=2),
        "gpt_oss": lambda: hub.GptOssBackbone(**EXPERTS, head_dim=6, sliding_window=2),
        "smollm3": lambda: hub.SmolLM3Backbone(**SIZES, **smol),
    }


FAST = ["gpt2", "llama"]
SLOW = [
    "gpt_neo_x",
    "opt",
    "bloom",
    "falcon",
    "gemma",
    "gemma3",
    "mistral",
    "mixtral",
    "phi3",
    "qwen",
    "qwen3",
    "qwen_moe",
]
SLOW += ["qwen3_moe", "gpt_oss", "smollm3"]


@pytest.mark.parametrize("kind", [*FAST, *(pytest.param(kind, marks=pytest.mark.slow) for kind in SLOW)])
def test_a_network_keeps_its_features_and_its_causal_mask_and_is_built_again(kind: str) -> None:
    network = kinds()[kind]()
    model = flat(network, 0, kind)
    generator = np.random.default_rng(0)
    for weight in model.weights:  # such as zeros and ones
        weight.assign(np.array(weight) + generator.normal(0, 0.1, weight.shape))
    tokens = np.array([[2, 5, 0, 7, 8, 3], [2, 5, 9, 3, 0, 0]], np.int32)
    padding = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]], np.int32)
    features, mask = model(tokens)
    assert mask.numpy().tolist() == padding.tolist()
    assert np.allclose(features, network({"token_ids": tokens, "padding_mask": padding}), atol=1e-6)
    changed = np.where(np.arange(6) > 3, 11, tokens)
    assert np.array_equal(model(changed)[0][:, :4], features[:, :4])
    stages = backbone_stages(model)
    assert len(stages) == 4  # embeddings and three blocks
    again = keras.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert np.array_equal(again(tokens)[0], features)
    add_adapters(stages[2], 2)
    adapted = {layer.name for layer in model._flatten_layers() if getattr(layer, "lora_enabled", False)}
    assert adapted
    assert adapted <= ADAPTED


@pytest.mark.parametrize("kind", [pytest.param("gpt2", marks=pytest.mark.slow), "llama"])
def test_a_saved_model_takes_texts_and_has_no_weights_for_generating(
    kind: str, tmp_path: Path, causal_folder: Callable[[str], Path]
) -> None:
    """The tokenizer of GPT-2 takes seconds."""
    encoder = load_encoder(str(causal_folder(kind)))
    assert not [weight.path for weight in encoder.model.weights if "reverse" in weight.path]
    assert encoder.longest == (48 if kind == "gpt2" else 1024)
    start, end = encoder.edges
    assert (len(start), len(end), start == end) == (1, 1, kind == "gpt2")
    model = keras.Model(encoder.model.inputs[0], pooled(encoder.model.outputs, "last"))
    asked = ["the zip is good!", "a!!! case", "!", "the lens is not bad " * 9]
    tokens = encoder.pack(encoder.tokenize(asked), 24)
    assert (tokens[2] == [*start, *encoder.tokenize("!")[0], *end, *[0] * 24][:24]).all()
    features, mask = encoder.model(tokens)
    ends = [row.tolist().index(end[0], 1) for row in tokens]
    assert mask.numpy().sum(axis=1).tolist() == [1 + place for place in ends]
    expected = model(tokens)
    assert np.array_equal(expected, features.numpy()[np.arange(4), ends])
    from_strings(model, encoder, 24).save(tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras")
    assert np.allclose(opened.predict(np.array(asked, object), verbose=0), expected, atol=1e-6)
