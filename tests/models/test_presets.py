from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from tfft.errors import ConfigError
from tfft.models import load_encoder, presets
from tfft.models.presets import _takes_accents_off

SMALL = {"vocabulary_size": 20, "num_layers": 3, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 8}


def test_names_and_folders_that_hold_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bert_tny_en_uncased.*bert_tiny_en_uncased"):
        load_encoder("bert_tny_en_uncased")
    with pytest.raises(ConfigError, match=r"bart_bse_en.*bart_base_en"):
        load_encoder("bart_bse_en")
    with pytest.raises(ConfigError, match="whisper_tny_en") as refused:
        load_encoder("whisper_tny_en")
    assert "whisper_tiny" not in str(refused.value)  # reads sounds
    for content in (None, "{"):
        if content:
            (tmp_path / "config.json").write_text(content)
        with pytest.raises(ConfigError, match=re.escape(str(tmp_path))):
            load_encoder(str(tmp_path))


def test_a_tokenizer_with_more_tokens_than_the_network_has_embeddings(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras_hub

    network = keras_hub.models.BertBackbone(**SMALL)
    tokenizer = SimpleNamespace(vocabulary_size=lambda: 21, id_to_token=str)
    monkeypatch.setattr(presets, "_load", lambda _: (network, tokenizer))
    with pytest.raises(ConfigError, match=r"(?=.*\b20\b)(?=.*\b21\b)(?=.*\bsome\b)"):
        load_encoder("some")


def test_what_takes_more_than_a_text_or_outputs_no_features_is_no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_hub import models as hub

    sizes = {"max_encoder_sequence_length": 8, "max_decoder_sequence_length": 8, **SMALL}
    ranks = dict.fromkeys(("gate_lora", "mv_lora", "aaa_lora", "decay_lora"), 2)
    for network, said in [
        (hub.WhisperBackbone(num_mels=4, **sizes), "WhisperBackbone.*encoder_features"),
        (hub.RWKV7Backbone(8, 4, 1, vocabulary_size=20, intermediate_dim=8, **ranks), "RWKV7Backbone.*logits"),
    ]:
        monkeypatch.setattr(presets, "_load", lambda _, network=network: (network, None))
        with pytest.raises(ConfigError, match=said):
            load_encoder("some")


def test_what_reads_left_to_right_is_accepted_only_where_that_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    from keras_hub import models as hub

    network = hub.GPT2Backbone(**SMALL, max_sequence_length=8)
    tokenizer = SimpleNamespace(vocabulary_size=lambda: 20, pad_token_id=0, start_token_id=19, end_token_id=19)
    loaded = []
    monkeypatch.setattr(presets, "_load", lambda name: loaded.append(name) or (network, tokenizer))
    encoder = load_encoder("some")
    assert (encoder.causal, encoder.longest, encoder.edges) == (True, 8, ([19], [19]))
    for backbone in ("some", encoder, "gpt2_base_en"):
        with pytest.raises(ConfigError, match=r"left to right.*\bT5\b"):
            load_encoder(backbone, causal=False)
    assert "gpt2_base_en" not in loaded  # refused before it is downloaded


@pytest.mark.parametrize(
    ("config", "lowercase", "expected"),
    [
        ('{"strip_accents": null}', True, True),
        ('{"strip_accents": null, "tokenizer_class": "DistilBertTokenizer"}', True, True),
        ('{"strip_accents": false}', True, False),
        ("{}", False, False),
        ("[1]", True, True),
        ("[" * 100_000, True, False),
        ("no json", True, False),
    ],
)
def test_an_uncased_bert_in_hugging_faces_form_takes_accents_off(
    tmp_path: Path, config: str, lowercase: bool, expected: bool
) -> None:
    import keras_hub

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cafe"]
    tokenizer = keras_hub.tokenizers.BertTokenizer(words, lowercase=lowercase)
    (tmp_path / "tokenizer_config.json").write_text(config)
    assert _takes_accents_off(str(tmp_path), tokenizer) == expected
    assert _takes_accents_off("hf://some/bert", tokenizer) == lowercase
    assert not _takes_accents_off("bert_tiny_en_uncased", tokenizer)


def test_a_mask_that_stands_last_needs_no_embedding() -> None:
    """The BART that was tuned on news has none for it."""
    network = SimpleNamespace(vocabulary_size=20)
    for last, rows in [("<mask>", 21), ("word", 20)]:
        tokenizer = SimpleNamespace(vocabulary_size=lambda rows=rows: rows, id_to_token=lambda _, last=last: last)
        presets._check_vocabulary("some", network, tokenizer)


def test_a_kind_that_kerashub_does_not_read_in_hugging_faces_form(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "t5", "architectures": ["T5Model"]}')
    with pytest.raises(ConfigError, match="t5_small_multi"):
        load_encoder(str(tmp_path))
