from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tfft.errors import ConfigError, MachineError
from tfft.models import load_backbone, weights

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
    assert "`--weights demo --backbone MobileNetV2" in said


def test_the_demo_weights_are_small_and_load_in_plain_keras() -> None:
    assert weights.DEMO_FILE.stat().st_size <= 2_000_000
    # no class of tfft, and a size of its own
    network = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, input_shape=(96, 96, 3), weights=str(weights.DEMO_FILE)
    )
    backbone = load_backbone("MobileNetV2", weights="demo", image_size=(64, 64), options={"alpha": 0.35})
    assert all(np.array_equal(a, b) for a, b in zip(network.get_weights(), backbone.get_weights(), strict=True))
    assert all(np.isfinite(value).all() for value in network.get_weights())


def test_the_demo_weights_have_a_data_sheet_with_their_hash() -> None:
    sheet = weights.DEMO_FILE.with_name("demo_weights.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(weights.DEMO_FILE.read_bytes()).hexdigest()
    assert f"SHA-256: `{digest}`" in sheet
    assert digest == weights.DEMO_DIGEST
    assert "benchmarks/pretrain_demo.py" in sheet


@pytest.mark.parametrize(("network", "options"), [("MobileNetV2", {}), ("ResNet50", {"alpha": 0.35})])
def test_the_demo_weights_fit_one_network(network: str, options: dict[str, float]) -> None:
    with pytest.raises(
        ConfigError, match=r"""--backbone MobileNetV2 --backbone-options '{"alpha": 0.35}' --image-size 96 96`"""
    ):
        load_backbone(network, weights="demo", image_size=(96, 96), options=options)


def test_damaged_demo_weights_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(weights.DEMO_FILE.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "demo.weights.h5").write_bytes(content)
    for path, said in ((tmp_path / "demo.weights.h5", "another file at"), (tmp_path / "none", "no file at")):
        monkeypatch.setattr(weights, "DEMO_FILE", path)
        with pytest.raises(MachineError, match=rf"{said}.*Install tfft again"):
            load_backbone("MobileNetV2", weights="demo", image_size=(96, 96), options={"alpha": 0.35})
