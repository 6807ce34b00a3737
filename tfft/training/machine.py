"""Everything about the machine and its packages that can change the last bits of a result."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfft.data.records import content_digest

SETTINGS = (
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_SET_ONEDNN_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
"""Environment variables that change how TensorFlow computes."""


def machine(*packages: str) -> dict[str, Any]:
    """Packages, processor, threads, devices and settings, as JSON values.

    Args:
        packages: Names of further installed packages whose versions matter.
    """
    devices = tf.config.list_physical_devices()
    threading = tf.config.threading
    return {
        "packages": {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy", *packages)},
        "build": [tf.version.GIT_VERSION, tf.version.COMPILER_VERSION],
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": [threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()],
        "devices": [
            [device.name, tf.config.experimental.get_device_details(device) if device.device_type == "GPU" else None]
            for device in devices
        ],
        "settings": {name: os.environ.get(name) for name in SETTINGS},
        "tensor_float_32": tf.config.experimental.tensor_float_32_execution_enabled(),
        "precision": keras.config.dtype_policy().name,
        "float": keras.config.floatx(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    # the kernels are chosen by the flags
    features = {line for line in lines if line.startswith(("model name", "flags", "Features"))}
    return content_digest("\n".join(sorted(features)).encode())
