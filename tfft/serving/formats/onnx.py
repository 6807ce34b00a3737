"""ONNX, for onnxruntime and other engines: any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tfft.serving.formats.graph import (
    Format,
    answer_lines,
    function_of,
    in_structure,
    inner_model,
    reading_lines,
)
from tfft.serving.formats.litert import NUMBERS
from tfft.serving.formats.tokens import write_tokenizer
from tfft.serving.outputs import Outputs, tokens_of
from tfft.serving.predictor import Predictor

FILE = "model.onnx"
OPSET = 17
"""Version of ONNX's operations: old enough for most engines."""


def write(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes `model.onnx`; of a text model also its tokenizer."""
    import onnx
    import tf2onnx

    model, pictures = inner_model(predict), predict.noun == "pictures"
    function = function_of(model, "pictures" if pictures else "tokens")
    converted, _ = tf2onnx.convert.from_function(
        function, function.input_signature, opset=OPSET, custom_op_handlers={"Erfc": (_erfc, [])}
    )
    _mend(converted, function.get_concrete_function())
    onnx.save(converted, folder / FILE)
    if not pictures:
        write_tokenizer(predict, folder)


def _erfc(context: Any, node: Any, name: str, arguments: Any) -> None:
    """1 - erf, which the exact GELU needs and tf2onnx 1.17 lacks."""
    one = context.make_const(f"{name}_one", np.ones((), np.float32))
    out = {"shapes": [context.get_shape(node.output[0])], "dtypes": [context.get_dtype(node.output[0])]}
    context.remove_node(node.name)
    erf = context.make_node("Erf", [node.input[0]], **out)
    context.make_node("Sub", [one.output[0], erf.output[0]], outputs=[node.output[0]], **out)


def _mend(converted: Any, function: Any) -> None:
    """Mends what tf2onnx 1.17 leaves wrong in a graph."""
    import onnx

    # inputs for tensors that layers hold and that are no variables, such as the means of a Normalization
    held = {place.name: tensor for tensor, place in function.graph.captures if tensor.dtype != "resource"}
    used = {name for node in converted.graph.node for name in node.input}
    for given in [given for given in converted.graph.input if given.name in held]:
        converted.graph.input.remove(given)
        if given.name in used:
            converted.graph.initializer.append(onnx.numpy_helper.from_array(held[given.name].numpy(), given.name))
    # a mode that ONNX has deprecated, and its name for the same pixels
    for node in converted.graph.node:
        settings = {setting.name: setting for setting in node.attribute} if node.op_type == "Resize" else {}
        if settings and settings["coordinate_transformation_mode"].s == b"tf_half_pixel_for_nn":
            settings["coordinate_transformation_mode"].s = b"half_pixel"
            settings["nearest_mode"].s = b"round_prefer_ceil"


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
    reading, given = reading_lines(predict, "import onnxruntime")
    return (
        reading
        + f'model = onnxruntime.InferenceSession("{FILE}", providers=["CPUExecutionProvider"])\n'
        + "names = [output.name for output in model.get_outputs()]\n"
        + f"outputs = dict(zip(names, model.run(names, {{model.get_inputs()[0].name: {given}}})))\n"
        + answer_lines(predict)
    )


ONNX = Format(write, open_files, lines, tasks=NUMBERS)
