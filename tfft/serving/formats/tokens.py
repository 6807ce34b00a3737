"""Text models in formats without a tokenizer: tokens go in, and the tokenizer is beside the file."""

from __future__ import annotations

import json
from pathlib import Path

import keras

from tfft import files
from tfft.serving.predictor import Predictor

TOKENIZER = "tokenizer"
"""Folder of the vocabulary, and name of the file with its settings."""

TEXT_LINES = """\
import json
import sys

import keras
import keras_hub
import numpy as np
{runtime}

serving = json.load(open("serving.json", encoding="utf-8"))
settings = json.load(open("tokenizer.json", encoding="utf-8"))
tokenizer = keras.saving.deserialize_keras_object(settings["tokenizer"])
tokenizer.load_assets("tokenizer")
pack = keras.saving.deserialize_keras_object(settings["pack"])  # start, end and padding, to a fixed length
tokens = np.asarray(pack(tokenizer([sys.argv[1]])), "int32")  # (1, length)
"""
"""Lines that tokenize a text, after the import of a runtime."""


def write_tokenizer(predict: Predictor, folder: Path) -> None:
    """Writes the vocabulary into `tokenizer/`, and the settings of tokenizer and packing to `tokenizer.json`."""
    import keras_hub

    tokenizer = next(one for one in predict.model.layers if isinstance(one, keras_hub.tokenizers.Tokenizer))
    (folder / TOKENIZER).mkdir()
    tokenizer.save_assets(str(folder / TOKENIZER))
    serialize = keras.saving.serialize_keras_object
    settings = {"tokenizer": serialize(tokenizer), "pack": serialize(predict.model.get_layer("pack"))}
    files.write_json(folder / f"{TOKENIZER}.json", json.loads(json.dumps(settings)))
