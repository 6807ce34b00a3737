"""Starts Keras: quietly, and for a run with its seed."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator

from tfft.errors import ConfigError


def start_keras(seed: int) -> None:
    """Imports TensorFlow, lists the devices and sets the seeds."""
    import_keras()
    import keras

    keras.utils.set_random_seed(seed)


@contextlib.contextmanager
def stderr_hidden() -> Iterator[None]:
    """Hides what is written to stderr, also by C++ code; it is shown if the block fails."""
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            held.seek(0)
            os.write(screen, held.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keeps Python's garbage collector away from what the block imports, then and at the end of the process.

    Modules live as long as the process. Collecting while TensorFlow is imported takes a quarter of that time; later
    collections would walk through all of its objects each time, and so would the one at exit, for almost a second.
    """
    if "tensorflow" in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        atexit.register(gc.freeze)


def import_keras() -> None:
    """Imports TensorFlow and lists the devices, without the log lines of TensorFlow's C++ code.

    Some are written before the log level is read.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # oneDNN logs harmless fallbacks as errors, level 2
    with stderr_hidden(), uncollected():
        import keras
        import tensorflow

        tensorflow.config.list_physical_devices()
    if (backend := keras.config.backend()) != "tensorflow" or keras.config.image_data_format() != "channels_last":
        raise ConfigError(
            f"Keras must run on `tensorflow` with `channels_last` (got {backend}, {keras.config.image_data_format()})",
            fix="Set KERAS_BACKEND=tensorflow, and image_data_format in keras.json",
        )
