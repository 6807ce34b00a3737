"""Packages that only some recipes need; `pip install "tfft[NAME]"` installs them."""

from __future__ import annotations

import importlib.util

from tfft.errors import MachineError

PACKAGES = {
    "text": ("keras_hub", "tensorflow_text", "safetensors", "sacrebleu", "rouge_score"),
    "parquet": ("pyarrow",),
    "export": ("ai_edge_litert", "ai_edge_quantizer", "tf2onnx", "onnx", "onnxruntime", "mlflow"),
    "serve": ("gradio",),
    "search": ("optuna",),
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow",),
    "wandb": ("wandb",),
}
"""Modules of each extra."""


def installed(*names: str) -> list[str]:
    """The packages among `names`, written as for pip, that are installed."""
    return [name for name in names if importlib.util.find_spec(name.replace("-", "_")) is not None]


def require(extra: str, what: str = "This recipe") -> None:
    """Raises `MachineError` with the install command if a module of an extra, which `what` needs, is missing.

    No module is imported.
    """
    if missing := [name for name in PACKAGES[extra] if importlib.util.find_spec(name) is None]:
        raise MachineError(
            f"{what} needs the extra `{extra}`; not installed: {', '.join(missing)}",
            fix=f'Type `pip install "tfft[{extra}]"`',
        )
