"""The graph that is exported: a trained network with named inputs and outputs, of one picture size."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfft.serving.contract import PictureInput
from tfft.serving.formats.tokens import TEXT_LINES
from tfft.serving.outputs import Outputs, fixed_size, network_of
from tfft.serving.predictor import Predictor

SIGNATURE = "serving_default"
PREDICTIONS = "predictions"
"""Name of the output of a model with one output; those of a detector have names already."""


@dataclass(frozen=True)
class Format:
    """One of the formats."""

    write: Callable[[Predictor, Path, np.ndarray | None], None]
    """Writes the files of a model into a new folder; the third argument is a sample of training pictures."""
    open: Callable[[Predictor, Path], Outputs]
    """Opens them in their own runtime: from a batch as the model takes it to outputs, as `Predictor.outputs`."""
    lines: Callable[[Predictor], str]
    """The lines of code that use the files, without tfft, run in their folder."""
    extra: str | None = "export"
    """The extra whose packages it needs."""
    exact: bool = True
    """Whether it computes in single precision, as the model does."""
    tasks: tuple[str, ...] | None = None
    """Tasks that it can be used for; None for all."""
    calibrated: bool = False
    """Whether it needs a sample of training pictures."""


def inner_model(predict: Predictor) -> keras.Model:
    """The network that computes: for pictures of one size, or for tokens."""
    if isinstance(predict.contract.input, PictureInput):
        return fixed_size(predict.model)
    return network_of(predict.model)


def function_of(model: keras.Model, name: str, shape: tuple[int, ...] | None = None) -> Any:
    """A function of TensorFlow from one named input to a dictionary of named outputs.

    Args:
        model: The network.
        name: Of its input.
        shape: Of its input, with the number of examples; None for any number.
    """
    given = model.inputs[0]

    def serve(rows: Any) -> Any:
        outputs = model(rows, training=False)
        return outputs if isinstance(outputs, dict) else {PREDICTIONS: outputs}

    # traced for any number of examples, also where a format has one: Keras takes other ways for known sizes
    free = tf.function(
        serve, input_signature=[tf.TensorSpec((None, *given.shape[1:]), given.dtype, name)], autograph=False
    )
    if shape is None:
        return free
    fixed = tf.TensorSpec(shape, given.dtype, name)
    return tf.function(lambda rows: free(rows), input_signature=[fixed], autograph=False)


def write_graph(tracked: Sequence[Any], function: Any, folder: Path) -> None:
    """Writes a SavedModel with the function, whose variables and tables are those of some layers, as its signature."""
    archive = keras.export.ExportArchive()
    for layer in tracked:
        archive.track(layer)
    function.get_concrete_function()
    archive.add_endpoint("serve", function)
    archive.write_out(str(folder), verbose=False)


@contextlib.contextmanager
def temporary_graph(model: keras.Model, function: Any) -> Iterator[str]:
    """A SavedModel in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        write_graph([model], function, Path(folder) / "graph")
        yield os.path.join(folder, "graph")


def in_structure(predict: Predictor, outputs: dict[str, np.ndarray]) -> Any:
    """Named outputs in the structure of `Predictor.outputs`."""
    return outputs if predict.task == "detection" else outputs[PREDICTIONS]


PICTURE_LINES = """\
import json
import sys

import numpy as np
{runtime}
from PIL import Image, ImageOps

serving = json.load(open("serving.json", encoding="utf-8"))
height, width = serving["input"]["image_size"]
# transparent pictures and those of 16 bits need more care: tfft lays them on white, and scales them
photo = ImageOps.exif_transpose(Image.open(sys.argv[1])).convert("RGB")
pixels = photo.resize((width, height), Image.BILINEAR, reducing_gap=3.0)
pixels = np.asarray(pixels, "float32")[None]  # (1, height, width, 3) in [0, 255]; preprocessing is in the model
"""
"""Lines that read a picture, after the import of a runtime."""


def reading_lines(predict: Predictor, runtime: str) -> tuple[str, str]:
    """The lines that read a picture or tokenize a text, after the import of a runtime; and what they call it."""
    if predict.noun == "pictures":
        return PICTURE_LINES.replace("{runtime}", runtime), "pixels"
    return TEXT_LINES.replace("{runtime}", runtime), "tokens"


def answer_lines(predict: Predictor) -> str:
    """The lines that turn `outputs`, by name, into an answer."""
    match predict.task:
        case "classification":
            index = "index = scores.argmax()\n"
            if predict.contract.thresholds is not None:
                index = (
                    'cuts = serving["thresholds"]\n'
                    "positive = cuts.index(max(cuts))\n"
                    "index = positive if scores[positive] >= cuts[positive] else 1 - positive\n"
                )
            return f'scores = outputs["predictions"][0]\n{index}print(serving["labels"][index], scores[index])\n'
        case "multilabel":
            return (
                'scores = outputs["predictions"][0]\n'
                'rows = zip(serving["labels"], scores, serving["thresholds"])\n'
                "print([label for label, score, threshold in rows if score >= threshold])\n"
            )
        case "regression":
            return 'print(dict(zip(serving["labels"], outputs["predictions"][0].tolist())))\n'
        case "segmentation":
            return (
                'mask = outputs["predictions"][0].argmax(-1)  # index of the class in serving["labels"]\nprint(mask)\n'
            )
    return (  # boxes
        "scale = np.array([photo.width / width, photo.height / height] * 2)\n"
        'for box, score, label in zip(*(outputs[name][0] for name in ("boxes", "scores", "labels"))):\n'
        '    if label >= 0 and score >= serving["thresholds"][label]:\n'
        '        print(serving["labels"][label], score, box * scale)  # left, top, right, bottom in pixels\n'
    )
