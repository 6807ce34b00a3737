"""Weights of a backbone: what may be asked for, and why it did not load."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tfft.errors import ConfigError, MachineError

DOWNLOAD_TIMEOUT = 30
"""Seconds without an answer before a download is given up."""
NAMED = ("imagenet", "demo", "none")
"""Weights that are no file of the person's."""
DEMO_FILE = Path(__file__).parent / "demo.weights.h5"
"""Made by `benchmarks/pretrain_demo.py`; its data sheet stands beside it."""
DEMO_DIGEST = "2924fb2e2857b78c43adc1e958e1203a859c7b35fe2d470a45547bcd87c7cbf0"
"""SHA-256 of the file."""
DEMO_NETWORK = ("MobileNetV2", {"alpha": 0.35})
"""What they are weights of, with its options."""
DEMO_FLAGS = (
    f"--weights demo --backbone {DEMO_NETWORK[0]} --backbone-options '{json.dumps(DEMO_NETWORK[1])}' --image-size 96 96"
)
"""What to type for them; 96 pixels is the size that they were made at."""
ABOUT = {
    "none": "random",
    "demo": "demo (made by tfft from pictures drawn by formula, no photograph among them; to try things with)",
}
"""What a report says of named weights where the name is not enough."""


def check_weights(weights: str) -> None:
    """Raises `ConfigError` unless `weights` is `imagenet`, `demo`, `none`, or a weights file that exists."""
    if weights in NAMED:
        return
    if not weights.endswith(".h5"):
        raise ConfigError(
            f"`--weights` is {', '.join(NAMED)}, or the path of a .weights.h5 or .h5 weights file",
            received=repr(weights),
            fix="Leave the flag out for ImageNet weights",
        )
    if not Path(weights).is_file():
        raise ConfigError("The weights file exists", received=f"no file {weights}", fix="Check `--weights`")


def constructor_weights(backbone: str, weights: str, options: Mapping[str, Any]) -> str | None:
    """What the constructor of `keras.applications` takes as `weights`.

    Raises:
        ConfigError: If `weights` are the demo weights and the network is another than theirs.
        MachineError: If the demo weights in the package are damaged.
    """
    if weights != "demo":
        return None if weights == "none" else weights
    name, wanted = DEMO_NETWORK
    if (backbone, dict(options)) != DEMO_NETWORK:
        raise ConfigError(
            f"The demo weights are of {name} with {json.dumps(wanted)}",
            received=f"{backbone} with {json.dumps(dict(options))}",
            fix=f"Pass `{DEMO_FLAGS}`, or for another network `--weights imagenet` and its own `--backbone-options`",
        )
    if not DEMO_FILE.is_file() or hashlib.sha256(DEMO_FILE.read_bytes()).hexdigest() != DEMO_DIGEST:
        raise MachineError(
            "The demo weights are as tfft ships them",
            received=f"{'another file' if DEMO_FILE.is_file() else 'no file'} at {DEMO_FILE}",
            fix="Install tfft again",
        )
    return str(DEMO_FILE)


@contextmanager
def explained(backbone: str, weights: str) -> Iterator[None]:
    """Turns what goes wrong while a `keras.applications` network is built into one sentence.

    Raises:
        MachineError: If the weights cannot be downloaded: which file, and where to put it.
        ConfigError: If they do not fit the network, or the network cannot be built as asked.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)  # Keras waits for ever
    try:
        with warnings.catch_warnings():
            # one for each layer that does not fit, before the error that ends it
            warnings.simplefilter("ignore", UserWarning)
            yield
    except Exception as error:
        # the exception names the address only, and the file has another name than the address for some families
        if target := _local(error.__traceback__, "download_target"):
            raise MachineError(
                f"The ImageNet weights of {backbone} can be downloaded",
                received=error,
                fix=f"Get that file on another machine and put it at {target}, or pass another with "
                f"`--weights PATH`, or try things with those in the package: `{DEMO_FLAGS}`",
            ) from error
        if isinstance(error, OSError):
            path = _local(error.__traceback__, "weights_path", "weight_path") or weights
            kind = MachineError if weights == "imagenet" else ConfigError
            raise kind(
                f"The weights file of {backbone} is a whole HDF5 file",
                received=f"{path}: {error}",
                fix="Remove the file and fetch it again",
            ) from error
        if isinstance(error, (ValueError, TypeError)) and weights not in NAMED:
            raise ConfigError(
                f"The weights fit {backbone} without its top layers",
                received=f"{weights}: {_without_values(error)}",
                fix="Check `--backbone`, `--backbone-options` (alpha) and that the file is a 'no_top' one",
            ) from error
        if isinstance(error, (ValueError, TypeError)):
            raise ConfigError(
                f"{backbone} can be built as asked",
                received=error,
                fix="Check `--image-size`, `--backbone-options` and `--weights`",
            ) from error
        raise
    finally:
        socket.setdefaulttimeout(before)


def _without_values(error: Exception) -> str:
    """The message of Keras in one line, without the numbers of the weights that it prints."""
    return " ".join(re.sub(r", value=\[.*", ")", str(error), flags=re.DOTALL).split())[:500]


def _local(trace: TracebackType | None, *names: str) -> str | None:
    """What a local variable of one of these names held in the functions that were under way, or None."""
    for frame, _ in traceback.walk_tb(trace):
        for name in names:
            if name in frame.f_locals:
                return str(frame.f_locals[name])
    return None
