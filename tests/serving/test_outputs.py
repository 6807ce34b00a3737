from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import DecoderSize, Search, answerer, attach_decoder, from_strings, load_encoder, subwords_for
from tfft.models.decoder import of_layers
from tfft.serving import Contract, Generation, TextInput, open_run
from tfft.serving.contract import write_contract

TEXTS = ["the zip is good", "the lens is not bad", "a case"] * 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["new", "bart", "t5"])
def test_an_opened_model_answers_as_the_trained_one(kind: str, seq2seq_folder: Callable, tmp_path: Path) -> None:
    encoder = load_encoder("demo" if kind == "new" else str(seq2seq_folder(kind)), texts=TEXTS)
    pieces = subwords_for(encoder, TEXTS, 60)
    size = DecoderSize(layers=1, width=8, heads=2, feedforward=8)
    model = attach_decoder(encoder, size, pieces, longest=12)
    embedding = of_layers(model.layers).embedding
    embedding.embeddings.assign(embedding.embeddings.numpy() * (np.arange(embedding.input_dim) != pieces.end)[:, None])
    from_strings(model, encoder, 16).save(tmp_path / "model.keras")
    search = Search(beams=2)
    assert (pieces.learned_file is not None) == (kind == "new")
    contract = Contract((), TextInput(16), Generation(12, search, pieces.learned_file), task="translation")
    write_contract(contract, tmp_path)
    expected = answerer(model, pieces, search, longest=12)(encoder.pack(encoder.tokenize(TEXTS[:2]), 16))
    assert expected.shape == (2, 12)
    assert all(texts := pieces.texts(expected))  # with an end that is less likely than half of the tokens
    assert [answer.text for answer in open_run(tmp_path)(TEXTS[:2])] == texts  # generated as the run did
    if kind == "new":
        write_contract(replace(contract, generation=Generation(12, search, "AAAA")), tmp_path)
        with pytest.raises(ConfigError, match=r"subwords"):
            open_run(tmp_path)
