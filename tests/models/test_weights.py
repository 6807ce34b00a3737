from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from tfft.errors import ConfigError, MachineError
from tfft.models import load_backbone, weights

SMALL = {"image_size": (32, 32), "options": {"alpha": 0.25}}


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    return keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.25)


@pytest.fixture(scope="module")
def weights_file(mobilenet: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "a.weights.h5"
    mobilenet.save_weights(path)
    return path


def test_weights_from_a_file(weights_file: Path, mobilenet: keras.Model) -> None:
    loaded = load_backbone("MobileNet", weights=str(weights_file), **SMALL)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), mobilenet.get_weights(), strict=True))


def test_weights_of_another_width_name_the_layer_and_both_shapes(weights_file: Path) -> None:
    options = {"image_size": (32, 32), "options": {"alpha": 0.5}}
    said = r"(?=.*a\.weights\.h5)(?=.*\bconv1\b)(?=.*\(3, 3, 3, 8\))(?=.*\(3, 3, 3, 16\))"
    with pytest.raises(ConfigError, match=said):
        load_backbone("MobileNet", weights=str(weights_file), **options)


def test_weights_of_another_network(weights_file: Path) -> None:
    options = {"image_size": (32, 32), "options": {"alpha": 0.35}}
    with pytest.raises(ConfigError, match=r"(?=.*MobileNetV2)(?=.*a\.weights\.h5)"):
        load_backbone("MobileNetV2", weights=str(weights_file), **options)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("damage", [half, lambda content: b"<html>403</html>"])
def test_a_damaged_file(weights_file: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    (tmp_path / "b.weights.h5").write_bytes(damage(weights_file.read_bytes()))
    with pytest.raises(ConfigError, match=r"b\.weights\.h5"):
        load_backbone("MobileNet", weights=str(tmp_path / "b.weights.h5"), **SMALL)


def test_a_model_file_is_no_weights_file(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").touch()
    with pytest.raises(ConfigError, match=r"model\.pkl"):
        load_backbone("MobileNet", weights=str(tmp_path / "model.pkl"), **SMALL)


class Host(BaseHTTPRequestHandler):
    """Answers `/403` with an error and all else with a page, and counts the requests."""

    def do_GET(self) -> None:
        self.server.asked += 1
        self.send_response(403 if self.path == "/403" else 200)
        self.end_headers()
        self.wfile.write(b"<html>Log in first</html>")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def host() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.asked = 0
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


# Keras leaves the connection open after an error
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_file_that_cannot_be_downloaded_or_is_damaged_is_named(
    tmp_path: Path, weights_file: Path, host: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few tries; what was downloaded instead of weights does not stay."""
    address, options = "", {}

    def tiny(include_top: bool, weights: str, input_tensor: keras.KerasTensor, input_shape: tuple) -> keras.Model:
        """A constructor as those of `keras.applications`, whose file has another name than its address."""
        network = keras.Model(keras.utils.get_source_inputs(input_tensor), keras.layers.Conv2D(2, 1)(input_tensor))
        weights_path = keras.utils.get_file(
            "tiny_no_top.h5", address, cache_subdir="models", cache_dir=tmp_path, **options
        )
        network.load_weights(weights_path)
        return network

    tiny.__module__ = keras.applications.MobileNet.__module__  # which has its preprocessing
    monkeypatch.setattr(keras.applications, "Tiny", tiny, raising=False)
    monkeypatch.setattr(weights, "PAUSES", (0, 0))
    file = tmp_path / "models" / "tiny_no_top.h5"
    said = rf"(?=.*\bTiny\b)(?=.*{re.escape(str(file))})(?=.*--weights PATH)(?=.*--weights demo)"
    ours = f"http://127.0.0.1:{host.server_port}"
    # nobody listens on the discard port
    for address, options, asked in (  # noqa: B007  (`tiny` reads them)
        ("http://127.0.0.1:9/Tiny-no-top.h5", {}, 0),
        (f"{ours}/403", {}, 3),
        (f"{ours}/page", {}, 1),
        (f"{ours}/page", {"file_hash": "0" * 32}, 3),
    ):
        host.asked = 0
        with pytest.raises(MachineError, match=said):
            load_backbone("Tiny", image_size=(32, 32))
        assert (host.asked, file.exists()) == (asked, False)
    file.write_bytes(half(weights_file.read_bytes()))
    options = {}
    with pytest.raises(MachineError, match=said):
        load_backbone("Tiny", image_size=(32, 32))
    assert file.exists()  # it may be of the person


def test_a_file_that_unpacks_to_too_much_or_links_to_others_is_not_read(tmp_path: Path, weights_file: Path) -> None:
    bomb, holes = tmp_path / "bomb.weights.h5", tmp_path / "holes.weights.h5"
    with h5py.File(bomb, "w") as file:
        file.create_dataset("layers/a", (2**40,), "float32", compression="gzip")
    with pytest.raises(ConfigError, match=r"bomb\.weights\.h5 is not opened: .* layers/a unpacks from .* to 4,398,"):
        load_backbone("MobileNet", weights=str(bomb), **SMALL)
    with h5py.File(bomb, "w") as file:  # each of them within the limit
        for number in range(300):
            file.create_dataset(f"layers/{number}", (2**20,), "uint8", compression="gzip")
    with pytest.raises(ConfigError, match="is not opened"):
        load_backbone("MobileNet", weights=str(bomb), **SMALL)
    with h5py.File(bomb, "w") as file:
        file["layers/a"] = h5py.ExternalLink(str(weights_file), "/layers")
    with pytest.raises(ConfigError, match="layers/a is a link to another file"):
        load_backbone("MobileNet", weights=str(bomb), **SMALL)
    content = bytearray(weights_file.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 40_000] = bytes(40_000)
    holes.write_bytes(content)
    with pytest.raises(ConfigError, match=r"holes\.weights\.h5"):
        load_backbone("MobileNet", weights=str(holes), **SMALL)


@pytest.mark.slow
def test_networks_of_keras_whose_file_cannot_be_downloaded_or_is_damaged(tmp_path: Path, weights_file: Path) -> None:
    program = """
from tfft.models import load_backbone
for name, size, options in (("NASNetMobile", 224, {}), ("MobileNet", 128, {"alpha": 0.25})):
    try:
        load_backbone(name, image_size=(size, size), options=options)
    except Exception as error:
        print(type(error).__name__, str(error).replace("\\n", " "))
"""
    damaged = tmp_path / "models" / "mobilenet_2_5_128_tf_no_top.h5"
    damaged.parent.mkdir()
    damaged.write_bytes(half(weights_file.read_bytes()))
    # a process of its own: Keras reads its home once; nobody listens on the discard port
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    first, second = done.stdout.splitlines()[-2:]
    assert first.startswith("MachineError ")
    # the address ends in NASNet-mobile-no-top.h5; the file is looked for under another name
    for part in ("NASNetMobile", f"{tmp_path}/models/nasnet_mobile_no_top.h5", "--weights demo --backbone MobileNetV2"):
        assert part in first
    assert second.startswith("MachineError ")
    assert "MobileNet" in second
    assert str(damaged) in second


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
    said = r"""--backbone MobileNetV2 --backbone-options '{"alpha": 0\.35}' --image-size 96 96"""
    with pytest.raises(ConfigError, match=said):
        load_backbone(network, weights="demo", image_size=(96, 96), options=options)


def test_damaged_demo_weights_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(weights.DEMO_FILE.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "demo.weights.h5").write_bytes(content)
    for path in (tmp_path / "demo.weights.h5", tmp_path / "none"):
        monkeypatch.setattr(weights, "DEMO_FILE", path)
        with pytest.raises(MachineError, match=re.escape(str(path))):
            load_backbone("MobileNetV2", weights="demo", image_size=(96, 96), options={"alpha": 0.35})
