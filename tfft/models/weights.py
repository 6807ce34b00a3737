"""Weights of a backbone: checks of the choice, and explanations of what went wrong while loading."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import socket
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from tfft.errors import ConfigError, MachineError
from tfft.models.opening import check_weights_file

logger = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT = 30
"""Seconds without a response after which a download is given up."""
PAUSES = (1.0, 4.0)
"""Seconds to wait before a failed download is tried again, and again."""
NAMED = ("imagenet", "demo", "none")
"""Weights with a name instead of a path."""
DEMO_FILE = Path(__file__).parent / "demo.weights.h5"
"""Trained by `benchmarks/pretrain_demo.py`; its data sheet is `demo_weights.md`."""
DEMO_DIGEST = "2924fb2e2857b78c43adc1e958e1203a859c7b35fe2d470a45547bcd87c7cbf0"
"""SHA-256 of the demo weights."""
DEMO_NETWORK = ("MobileNetV2", {"alpha": 0.35})
"""The network of the demo weights, with its options."""
DEMO_FLAGS = (
    f"--weights demo --backbone {DEMO_NETWORK[0]} --backbone-options '{json.dumps(DEMO_NETWORK[1])}' --image-size 96 96"
)
"""Flags for the demo weights; they were trained at 96 pixels."""
ABOUT = {
    "none": "random",
    "demo": "demo (trained by tfft on procedurally generated pictures, not photographs; for trying things out)",
}
"""Descriptions of named weights in reports, if the name is not enough."""


def check_weights(weights: str) -> None:
    """Raises `ConfigError` unless `weights` is `imagenet`, `demo`, `none`, or a weights file that exists."""
    if weights in NAMED:
        return
    if not weights.endswith(".h5"):
        raise ConfigError(
            f"`--weights` must be {', '.join(NAMED)} or the path of a .weights.h5 or .h5 file (got {weights!r})",
            fix="Leave the flag out for ImageNet weights",
        )
    if not Path(weights).is_file():
        raise ConfigError(f"Weights file not found: {weights}", fix="Check `--weights`")
    check_weights_file(Path(weights))


def constructor_weights(backbone: str, weights: str, options: Mapping[str, Any]) -> str | None:
    """Returns the argument `weights` for a constructor of `keras.applications`.

    Raises:
        ConfigError: If `weights` is `"demo"` and the network is not the one of the demo weights.
        MachineError: If the demo weights in the package are damaged.
    """
    if weights != "demo":
        return None if weights == "none" else weights
    name, wanted = DEMO_NETWORK
    if (backbone, dict(options)) != DEMO_NETWORK:
        raise ConfigError(
            f"The demo weights fit {name} with {json.dumps(wanted)}, not {backbone} with {json.dumps(dict(options))}",
            fix=f"Pass `{DEMO_FLAGS}`, or for another network `--weights imagenet` and its own `--backbone-options`",
        )
    if not DEMO_FILE.is_file() or hashlib.sha256(DEMO_FILE.read_bytes()).hexdigest() != DEMO_DIGEST:
        raise MachineError(
            f"The demo weights in the package are {'damaged' if DEMO_FILE.is_file() else 'missing'}: {DEMO_FILE}",
            fix="Install tfft again",
        )
    return str(DEMO_FILE)


def tried(build: Callable[..., Any], **arguments: Any) -> Any:
    """Builds a network; if its weights cannot be downloaded, tries it again, with a pause before."""
    for pause in PAUSES:
        try:
            return build(**arguments)
        except Exception as error:
            if not _local(error.__traceback__, "download_target"):
                raise
            logger.warning("The download of weights failed (%s). Trying again in %g s", error, pause)
        time.sleep(pause)
    return build(**arguments)


@contextmanager
def explained(backbone: str, weights: str) -> Iterator[None]:
    """Explains errors that are raised while a `keras.applications` network is built.

    Raises:
        MachineError: If the weights cannot be downloaded; the message names the file and where to put it.
        ConfigError: If the weights do not fit the network, or the network cannot be built with its options.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)  # Keras has no timeout
    try:
        with warnings.catch_warnings():
            # a warning for each layer that does not fit, before the error
            warnings.simplefilter("ignore", UserWarning)
            yield
    except Exception as error:
        # the exception names only the address, and some families rename the file
        if target := _local(error.__traceback__, "download_target"):
            Path(target).unlink(missing_ok=True)  # a part of the file, or one with a wrong hash
            raise MachineError(
                f"The ImageNet weights of {backbone} cannot be downloaded: {error}",
                fix=f"Download the file on another machine and put it at {target}, pass another one with "
                f"`--weights PATH`, or try things out with the weights in the package: `{DEMO_FLAGS}`",
            ) from error
        path = _local(error.__traceback__, "weights_path", "weight_path") or (None if weights in NAMED else weights)
        # h5py raises any of these for a damaged file
        if path is not None and isinstance(error, (OSError, KeyError, RuntimeError)):
            what = f"The weights file of {backbone} cannot be read as HDF5: {path} ({error})"
            if weights != "imagenet":
                raise ConfigError(what, fix="Remove the file and download it again") from error
            if _is_web_page(Path(path)):  # the answer of a proxy or a log-in page
                Path(path).unlink(missing_ok=True)
            raise MachineError(
                what,
                fix="Remove the file, if it is still there, and run again; or pass another one with `--weights PATH`, "
                f"or try things out with the weights in the package: `{DEMO_FLAGS}`",
            ) from error
        if isinstance(error, (ValueError, TypeError)) and weights not in NAMED:
            raise ConfigError(
                f"The weights do not fit {backbone} without its top layers: {weights} ({_without_values(error)})",
                fix="Check `--backbone`, `--backbone-options` (alpha) and that the file is a 'no_top' one",
            ) from error
        if isinstance(error, (ValueError, TypeError)):
            raise ConfigError(
                f"{backbone} cannot be built: {error}",
                fix="Check `--image-size`, `--backbone-options` and `--weights`",
            ) from error
        raise
    finally:
        socket.setdefaulttimeout(before)


def _is_web_page(path: Path) -> bool:
    """Whether a file is empty or starts as HTML does; False if it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip()
    except OSError:
        return False
    return not start or start.startswith(b"<")


def _without_values(error: Exception) -> str:
    """The error message of Keras in one line, without the values of the weights."""
    return " ".join(re.sub(r", value=\[.*", ")", str(error), flags=re.DOTALL).split())[:500]


def _local(trace: TracebackType | None, *names: str) -> str | None:
    """The value of the first local variable with one of these names in the functions of a traceback, or None."""
    for frame, _ in traceback.walk_tb(trace):
        for name in names:
            if name in frame.f_locals:
                return str(frame.f_locals[name])
    return None
