"""TensorFlow's SavedModel: the whole model, with its tokenizer, in any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfft.models.generating import generator
from tfft.models.subwords import detokenized
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
from tfft.serving.outputs import Outputs, subwords_of
from tfft.serving.predictor import Predictor

FILE = "saved_model"


def write(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes the folder `saved_model`."""
    if predict.contract.generation is not None:
        return _write_generator(predict, folder)
    pictures = isinstance(predict.contract.input, PictureInput)
    model = inner_model(predict) if pictures else predict.model
    write_graph([model], function_of(model, "pictures" if pictures else "texts"), folder / FILE)
    return None


def _write_generator(predict: Predictor, folder: Path) -> None:
    """From texts to generated texts, with both tokenizers."""
    generation, whole, network = predict.contract.generation, predict.model, inner_model(predict)
    pieces = subwords_of(predict.folder, whole, generation)
    generate = generator(network, pieces, generation.search, longest=generation.longest)
    tokens_of = keras.Model(whole.inputs[0], whole.get_layer("pack").output)

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "texts")], autograph=False)
    def serve(texts: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"texts": detokenized(generate(tf.cast(tokens_of(texts, training=False), tf.int32)), pieces)}

    if not pieces.tokenizer.built:
        pieces.tokenizer.build(None)  # which a layer does when it is called, but a tokenizer is called otherwise here
    write_graph([whole, network, pieces.tokenizer], serve, folder / FILE)


def open_files(predict: Predictor, folder: Path) -> Outputs:
    """Opens it with TensorFlow alone."""
    loaded = tf.saved_model.load(str(folder / FILE))
    serve = loaded.signatures[SIGNATURE]
    ((name, spec),) = serve.structured_input_signature[1].items()

    def outputs(rows: np.ndarray) -> Any:
        if predict.contract.generation is not None:
            return [text.decode() for text in serve(**{name: tf.constant(rows)})["texts"].numpy()]
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
    answer = answer_lines(predict)
    if predict.contract.generation is not None:
        answer = 'print([text.decode() for text in outputs["texts"]])\n'
    return (
        "import json\nimport sys\n\nimport tensorflow as tf\nimport tensorflow_text  # the tokenizer's operations\n\n"
        'serving = json.load(open("serving.json", encoding="utf-8"))\n'
        f'model = tf.saved_model.load("{FILE}")\n'
        f'outputs = model.signatures["{SIGNATURE}"](texts=tf.constant([sys.argv[1]]))\n'
        "outputs = {name: values.numpy() for name, values in outputs.items()}\n" + answer
    )


SAVED_MODEL = Format(write, open_files, lines, extra=None)
