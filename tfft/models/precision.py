"""The precision of the arithmetic: float32, or bfloat16 with weights in float32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

FULL, MIXED = "float32", "mixed_bfloat16"
INSTRUCTIONS = {"avx512_bf16", "amx_bf16"}
"""Of a processor that computes in bfloat16, as Linux names them."""


def compute_in_bfloat16(model: keras.Model) -> None:
    """Lets the layers of a model compute in bfloat16; weights, normalizations and outputs stay in float32.

    Only layers that compute in float32 are changed. Products are faster where the machine has instructions for
    bfloat16, and numbers have two to three significant digits (Kalamkar et al. 2019, arXiv:1905.12322).
    """
    ends = {id(tensor._keras_history.operation) for tensor in model.outputs}
    for layer in model._flatten_layers():
        if layer.dtype_policy.name == FULL and id(layer) not in ends and not isinstance(layer, keras.Model):
            layer.dtype_policy = MIXED


@contextmanager
def in_float32(model: keras.Model) -> Iterator[None]:
    """Lets a model that computes in bfloat16 compute in float32 within the block."""
    mixed = [layer for layer in model._flatten_layers() if layer.dtype_policy.name == MIXED]
    for layer in mixed:
        layer.dtype_policy = FULL
    try:
        yield
    finally:
        for layer in mixed:
            layer.dtype_policy = MIXED


def precision_notes(model: keras.Model) -> tuple[str, ...]:
    """What to know of a model that computes in bfloat16; empty for other models."""
    if not any(layer.dtype_policy.name == MIXED for layer in model._flatten_layers()):
        return ()
    said = "Training and scores are computed in bfloat16; the saved model has the same weights and computes in float32"
    if not _has_instructions():
        said += ". This processor has no instructions for bfloat16: float32 is probably faster"
    return (said,)


def _has_instructions() -> bool:
    """Whether a GPU or the processor has instructions for bfloat16; True if that is not known."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    try:
        words = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return True
    return "flags" not in words or bool(INSTRUCTIONS & words)
