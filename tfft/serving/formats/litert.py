"""LiteRT, once TensorFlow Lite: for phones and small devices, in single precision or in 8-bit integers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfft.errors import ConfigError
from tfft.serving.contract import PictureInput
from tfft.serving.formats.graph import (
    SIGNATURE,
    Format,
    answer_lines,
    function_of,
    in_structure,
    inner_model,
    reading_lines,
    temporary_graph,
)
from tfft.serving.formats.tokens import write_tokenizer
from tfft.serving.outputs import Outputs, tokens_of
from tfft.serving.predictor import Predictor

FILE = "model.tflite"
NUMBERS = ("classification", "multilabel", "regression", "detection", "segmentation")
"""Tasks whose outputs are numbers."""


def write(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes `model.tflite` for one picture, or for the tokens of one text; of a text model also its tokenizer.

    Raises:
        ConfigError: If the network needs an operation that LiteRT does not have.
    """
    (folder / FILE).write_bytes(_converted(predict))
    if not isinstance(predict.contract.input, PictureInput):
        write_tokenizer(predict, folder)


def _converted(predict: Predictor) -> bytes:
    model = inner_model(predict)
    if isinstance(predict.contract.input, PictureInput):
        name, shape = "pictures", model.inputs[0].shape[1:]
    else:
        name, shape = "tokens", (predict.contract.input.length,)
    with temporary_graph(model, function_of(model, name, (1, *shape))) as graph:
        converter = tf.lite.TFLiteConverter.from_saved_model(graph, signature_keys=[SIGNATURE])
        # without TensorFlow's own operations, which the runtimes of phones do not have
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            return converter.convert()
        except Exception as error:  # of any kind, from the converter
            first = next((line for line in str(error).splitlines() if "op" in line.lower()), str(error))[:200]
            raise ConfigError(f"LiteRT has no operation for a part of {model.name}: {first}") from error


def write_int8(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes `model.tflite` with weights and activations in 8-bit integers; inputs and outputs stay floats.

    The ranges of the activations are the least and the greatest value over the sample (Jacob et al. 2018,
    arXiv:1712.05877).
    """
    from ai_edge_quantizer import calibrator, quantizer, recipe_manager
    from ai_edge_quantizer.qtyping import TFLOperationName as Operation
    from ai_edge_quantizer.utils import qsv_utils

    floats, recipe = _converted(predict), recipe_manager.RecipeManager()
    recipe.add_static_config(".*", Operation.ALL_SUPPORTED, activation_num_bits=8, weight_num_bits=8)
    for exact in (Operation.INPUT, Operation.OUTPUT, Operation.SOFTMAX):  # 256 probabilities would be too few
        recipe.add_quantization_config(".*", exact, algorithm_key="no_quantize")
    # a moving average, the default, depends on the order of the pictures
    watching = calibrator.Calibrator(floats, num_threads=2, qsv_update_func=qsv_utils.min_max_update)
    rows = [{"pictures": row[None].astype(np.float32)} for row in sample]
    watching.calibrate({SIGNATURE: rows}, recipe)
    whole = quantizer.Quantizer(floats, recipe.get_quantization_recipe())
    result = whole.quantize(watching.get_model_qsvs(), enable_progress_bar=False, enable_progress_report=False)
    (folder / FILE).write_bytes(result.quantized_model)


def open_files(predict: Predictor, folder: Path) -> Outputs:
    """Opens it with ai-edge-litert, on two threads."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / FILE), num_threads=2)
    runner = interpreter.get_signature_runner(SIGNATURE)
    ((name, given),) = runner.get_input_details().items()

    take = (lambda rows: rows) if predict.noun == "pictures" else tokens_of(predict.model)

    def one(row: np.ndarray) -> dict[str, np.ndarray]:
        # copies: the runtime writes the next outputs into the same memory
        return {key: value.copy() for key, value in runner(**{name: row.astype(given["dtype"])}).items()}

    def outputs(rows: np.ndarray) -> Any:
        found = [one(row[None]) for row in take(rows)]
        return in_structure(predict, {key: np.concatenate([answer[key] for answer in found]) for key in found[0]})

    outputs.interpreter = interpreter
    return outputs


def lines(predict: Predictor) -> str:
    """How it is used."""
    reading, given = reading_lines(predict, "from ai_edge_litert.interpreter import Interpreter")
    asked = f'model = Interpreter("{FILE}").get_signature_runner("{SIGNATURE}")\n'
    asked += f"outputs = model({'pictures' if predict.noun == 'pictures' else 'tokens'}={given})\n"
    return reading + asked + answer_lines(predict)


LITERT = Format(write, open_files, lines, tasks=NUMBERS)
LITERT_INT8 = Format(write_int8, open_files, lines, exact=False, tasks=NUMBERS, calibrated=True)
