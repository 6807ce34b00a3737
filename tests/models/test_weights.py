from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError
from tfft.models import load_backbone

SMALL = {"image_size": (32, 32), "options": {"alpha": 0.25}}


def weights_of(path: Path, alpha: float = 0.25) -> str:
    keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=alpha).save_weights(
        path
    )
    return str(path)


def test_weights_from_a_file(tmp_path: Path) -> None:
    path = weights_of(tmp_path / "a.weights.h5")
    first, second = (load_backbone("MobileNet", weights=path, **SMALL).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_weights_of_another_width_name_the_layer_and_both_shapes(tmp_path: Path) -> None:
    path = weights_of(tmp_path / "a.weights.h5", alpha=0.5)
    with pytest.raises(ConfigError, match=r"a\.weights\.h5.*conv1.*(\(3, 3, 3, 8\).*\(3, 3, 3, 16\))"):
        load_backbone("MobileNet", weights=path, **SMALL)


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = weights_of(tmp_path / "a.weights.h5")
    with pytest.raises(ConfigError, match="The weights fit MobileNetV2 without its top layers"):
        load_backbone("MobileNetV2", weights=path, image_size=(32, 32))


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: b"<html>403</html>"])
def test_a_damaged_file(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = Path(weights_of(tmp_path / "a.weights.h5"))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError, match=r"a\.weights\.h5"):
        load_backbone("MobileNet", weights=str(path), **SMALL)


def test_a_damaged_download_is_named(tmp_path: Path) -> None:
    program = """
from tfft.models import load_backbone
try:
    load_backbone("MobileNet", image_size=(128, 128), options={"alpha": 0.25})
except Exception as error:
    print(type(error).__name__, error)
"""
    file = tmp_path / "models" / "mobilenet_2_5_128_tf_no_top.h5"
    file.parent.mkdir()
    file.write_bytes(Path(weights_of(tmp_path / "a.weights.h5")).read_bytes()[:5000])
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.stdout.startswith("MachineError The weights file of MobileNet is a whole HDF5 file.")
    assert f"Received: {file}" in done.stdout


def test_a_model_file_is_no_weights_file(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").touch()
    with pytest.raises(ConfigError, match=r"model\.pkl"):
        load_backbone("MobileNet", weights=str(tmp_path / "model.pkl"), **SMALL)


def test_no_network_says_which_file_and_where_to_put_it(tmp_path: Path) -> None:
    program = """
from tfft.models import load_backbone
try:
    load_backbone("NASNetMobile", image_size=(224, 224))
except Exception as error:
    print(type(error).__name__, error)
"""
    # a process of its own: Keras reads its home once; nobody listens on the discard port
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    said = done.stdout.splitlines()[-1]
    assert said.startswith("MachineError The ImageNet weights of NASNetMobile can be downloaded.")
    # the address ends in NASNet-mobile-no-top.h5; the file is looked for under another name
    assert f"put it at {tmp_path}/models/nasnet_mobile_no_top.h5" in said
    assert "--weights none" in said
