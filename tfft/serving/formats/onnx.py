"""ONNX, for onnxruntime and other engines: any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfft.serving.contract import PictureInput
from tfft.serving.formats.graph import (
    PICTURE_LINES,
    Format,
    answer_lines,
    function_of,
    in_structure,
    inner_model,
)
from tfft.serving.formats.litert import NUMBERS
from tfft.serving.formats.tokens import TEXT_LINES, write_tokenizer
from tfft.serving.outputs import Outputs, tokens_of
from tfft.serving.predictor import Predictor

FILE = "model.onnx"


def write(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes `model.onnx`; of a text model also its tokenizer."""
    import tf2onnx
    from keras.src.export.tf2onnx_lib import patch_tf2onnx  # tf2onnx 1.17 needs it under NumPy 2

    patch_tf2onnx()
    model = inner_model(predict)
    pictures = isinstance(predict.contract.input, PictureInput)
    function = function_of(model, "pictures" if pictures else "tokens")
    tf2onnx.convert.from_function(function, function.input_signature, output_path=str(folder / FILE))
    if not pictures:
        write_tokenizer(predict, folder)


def open_files(predict: Predictor, folder: Path) -> Outputs:
    """Opens it with onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]

    tokenize = None if predict.noun == "pictures" else tokens_of(predict.model)

    def run(rows: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {given.name: rows}), strict=True))

    def outputs(rows: np.ndarray) -> Any:
        return in_structure(predict, run(rows.astype(np.float32) if tokenize is None else tokenize(rows)))

    return outputs


def lines(predict: Predictor) -> str:
    """How it is used."""
    reading, given = (PICTURE_LINES, "pixels") if predict.noun == "pictures" else (TEXT_LINES, "tokens")
    return (
        reading.replace("{runtime}", "import onnxruntime")
        + f'model = onnxruntime.InferenceSession("{FILE}", providers=["CPUExecutionProvider"])\n'
        + "names = [output.name for output in model.get_outputs()]\n"
        + f"outputs = dict(zip(names, model.run(names, {{model.get_inputs()[0].name: {given}}})))\n"
        + answer_lines(predict)
    )


ONNX = Format(write, open_files, lines, tasks=NUMBERS)
