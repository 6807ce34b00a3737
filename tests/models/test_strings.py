from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from tfft.models import from_strings, load_encoder, pooled

TEXTS = ["the zip is good", "the lens is not bad", "Ünïcode \U0001f600", ""]


def test_a_saved_model_takes_texts_and_cuts_them_as_in_training(tmp_path: Path) -> None:
    encoder = load_encoder("demo", texts=TEXTS)
    outputs = keras.layers.Dense(2, activation="softmax")(pooled(encoder.model.outputs, "avg"))
    model = keras.Model(encoder.model.inputs[0], outputs)
    whole = from_strings(model, encoder, 8)
    asked = [*TEXTS, "the zip " * 50]
    expected = model(encoder.pack(encoder.tokenize(asked), 8), training=False)
    whole.save(tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras")
    # predicted, not called: without a graph KerasHub's tokenizers take another way
    assert np.allclose(opened.predict(np.array(asked, object), verbose=0), expected, atol=1e-6)
