from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import DecoderSize, Search, answerer, attach_decoder, from_strings, load_encoder, subwords_for
from tfft.models.decoder import of_layers
from tfft.serving import open_answerer, save_pieces

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
    save_pieces(pieces, tmp_path, longest=12, search=Search(beams=2))
    assert (tmp_path / "answers.spm").exists() == (kind == "new")
    search = Search(beams=2)
    expected = answerer(model, pieces, search, longest=12)(encoder.pack(encoder.tokenize(TEXTS[:2]), 16))
    assert expected.shape == (2, 12)
    assert all(texts := pieces.texts(expected))  # with an end that is less likely than half of the tokens
    opened = open_answerer(tmp_path)  # looks for answers as the run did
    assert opened(TEXTS[:2]) == open_answerer(tmp_path, search)(TEXTS[:2]) == texts
    if kind == "new":
        (tmp_path / "answers.spm").unlink()
        with pytest.raises(ConfigError, match=r"answers\.spm"):
            open_answerer(tmp_path)


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"translation.*model\.keras.*answers\.json"):
        open_answerer(tmp_path)
    (tmp_path / "model.keras").write_bytes(b"")
    for text in ("", "[]", "{}", '{"longest": null}', '{"longest": 9}', '{"longest": 9, "search": {"beams": 0}}'):
        (tmp_path / "answers.json").write_text(text)
        with pytest.raises(ConfigError, match=r"answers\.json"):
            open_answerer(tmp_path)
