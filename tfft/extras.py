"""Packages that only some recipes need; `pip install "tfft[NAME]"` brings them."""

from __future__ import annotations

import importlib.util

from tfft.errors import MachineError

PACKAGES = {"text": ("keras_hub", "tensorflow_text", "safetensors", "sacrebleu", "rouge_score")}
"""Modules of each extra."""


def installed(*names: str) -> list[str]:
    """Those of some packages, by the names that pip knows, that are there."""
    return [name for name in names if importlib.util.find_spec(name.replace("-", "_")) is not None]


def require(extra: str) -> None:
    """Raises `MachineError` with the line that installs an extra, unless its modules are there; imports none."""
    if missing := [name for name in PACKAGES[extra] if importlib.util.find_spec(name) is None]:
        raise MachineError(
            f"This recipe has the packages of the extra `{extra}`",
            received=f"no {', '.join(missing)}",
            fix=f'Type `pip install "tfft[{extra}]"`',
        )
