from __future__ import annotations

from pathlib import Path

import pytest

from tfft.errors import ConfigError
from tfft.models import DecoderSize, Search, answerer, attach_head, from_strings, learn_subwords, load_encoder, sequence
from tfft.serving import open_answerer, save_pieces

TEXTS = ["the zip is good", "the lens is not bad", "a case"] * 10


def test_an_opened_model_answers_as_the_trained_one(tmp_path: Path) -> None:
    encoder, pieces = load_encoder("demo", texts=TEXTS), learn_subwords(TEXTS, 60)
    size = DecoderSize(layers=1, width=8, heads=2, feedforward=8)
    model = attach_head(encoder.model, sequence(size, pieces, longest=12))
    from_strings(model, encoder, 16, 12).save(tmp_path / "model.keras")
    save_pieces(pieces, tmp_path)
    search = Search(beams=2)
    tokens = encoder.pack(encoder.tokenize(TEXTS[:2]), 16)
    expected = pieces.texts(answerer(model, pieces, search, longest=12)(tokens))
    assert open_answerer(tmp_path, search)(TEXTS[:2]) == expected


def test_another_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a run of `translation`.*no model\.keras and no answers\.spm in"):
        open_answerer(tmp_path)
