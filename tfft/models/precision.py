"""The precision of the computations: float32, or bfloat16 with weights in float32."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

FULL, MIXED = "float32", "mixed_bfloat16"
INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
"""CPU flags, as in /proc/cpuinfo, of processors with bfloat16 instructions."""
AMPERE = (8, 0)
"""Compute capability of the first GPUs with bfloat16 instructions."""
_changed: weakref.WeakSet[keras.Layer] = weakref.WeakSet()
"""Layers that compute in bfloat16 because of `compute_in`. Others may have such a policy of their own."""


def compute_in(model: keras.Model, precision: str) -> keras.Model:
    """Makes the layers of a model compute in float32 or bfloat16, and returns the model.

    Products are faster where the machine has instructions for bfloat16; numbers have two to three significant digits
    (Kalamkar et al. 2019, arXiv:1905.12322). Weights stay in float32, and so do the outputs, from the last layers with
    weights on. Only layers that compute in float32 are changed, and changed back by `"float32"`.
    """
    ends = _ends(model)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.Model):
            continue
        if layer in _changed and (precision == FULL or id(layer) in ends):
            layer.dtype_policy = FULL
            _changed.discard(layer)
        elif precision != FULL and layer.dtype_policy.name == FULL and id(layer) not in ends:
            layer.dtype_policy = MIXED
            _changed.add(layer)
    return model


@contextmanager
def in_float32(model: keras.Model) -> Iterator[None]:
    """Runs the block with the layers in float32 that `compute_in` has changed."""
    mixed = [layer for layer in model._flatten_layers() if layer in _changed]
    for layer in mixed:
        layer.dtype_policy = FULL
    try:
        yield
    finally:
        for layer in mixed:
            layer.dtype_policy = MIXED


def precision_notes(model: keras.Model) -> tuple[str, ...]:
    """Notes on a model that `compute_in` has set to bfloat16; empty for others."""
    if not any(layer in _changed for layer in model._flatten_layers()):
        return ()
    said = "Training and scores are computed in bfloat16; the saved model has the same weights and computes in float32"
    if not _has_instructions():
        said += ". This machine has no instructions for bfloat16: float32 is probably faster"
    return (said,)


def _ends(model: keras.Model) -> set[int]:
    """The operations, by `id`, from the outputs of a model down to the first ones with weights."""
    ends, waiting = set(), list(model.outputs)
    while waiting:
        operation, index, _ = waiting.pop()._keras_history
        if id(operation) in ends or isinstance(operation, keras.layers.InputLayer):
            continue
        ends.add(id(operation))
        if isinstance(operation, keras.Model):
            waiting += operation.outputs
        elif not getattr(operation, "weights", ()):
            waiting += operation._inbound_nodes[index].input_tensors
    return ends


def _has_instructions() -> bool:
    """Whether a GPU or the processor has instructions for bfloat16; True if that is not known."""
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    gpus = [details(gpu).get("compute_capability", AMPERE) for gpu in tf.config.list_physical_devices("GPU")]
    if gpus:
        return max(gpus) >= AMPERE
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return True
    return "flags" not in words or bool(INSTRUCTIONS & words)
