"""TensorFlow's SavedModel: the whole model, with its tokenizer, in any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfft.serving.contract import PictureInput
from tfft.serving.formats.graph import (
    PICTURE_LINES,
    SIGNATURE,
    Format,
    answer_lines,
    function_of,
    in_structure,
    inner_model,
    write_graph,
)
from tfft.serving.outputs import Outputs
from tfft.serving.predictor import Predictor

FILE = "saved_model"


def write(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes the folder `saved_model`."""
    pictures = isinstance(predict.contract.input, PictureInput)
    model = inner_model(predict) if pictures else predict.model
    write_graph(model, function_of(model, "pictures" if pictures else "texts"), folder / FILE)


def open_files(predict: Predictor, folder: Path) -> Outputs:
    """Opens it with TensorFlow alone."""
    loaded = tf.saved_model.load(str(folder / FILE))
    serve = loaded.signatures[SIGNATURE]
    ((name, spec),) = serve.structured_input_signature[1].items()

    def outputs(rows: np.ndarray) -> Any:
        found = serve(**{name: tf.cast(rows, spec.dtype) if spec.dtype != tf.string else tf.constant(rows)})
        return in_structure(predict, {key: value.numpy() for key, value in found.items()})

    outputs.loaded = loaded  # keeps its variables alive
    return outputs


def lines(predict: Predictor) -> str:
    """How it is used."""
    if isinstance(predict.contract.input, PictureInput):
        return (
            PICTURE_LINES.replace("{runtime}", "import tensorflow as tf") + f'model = tf.saved_model.load("{FILE}")\n'
            f'outputs = model.signatures["{SIGNATURE}"](pictures=tf.constant(pixels))\n'
            "outputs = {name: values.numpy() for name, values in outputs.items()}\n" + answer_lines(predict)
        )
    return (
        "import json\n\nimport tensorflow as tf\nimport tensorflow_text  # the tokenizer's operations\n\n"
        'serving = json.load(open("serving.json"))\n'
        f'model = tf.saved_model.load("{FILE}")\n'
        f'outputs = model.signatures["{SIGNATURE}"](texts=tf.constant(["a text"]))\n'
        "outputs = {name: values.numpy() for name, values in outputs.items()}\n" + answer_lines(predict)
    )


SAVED_MODEL = Format(write, open_files, lines, extra=None)
