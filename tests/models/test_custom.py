from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from recipes.image_classification import Config
from tfft import pictures
from tfft.errors import ConfigError
from tfft.models import backbone_stages, load_backbone, own_size
from tfft.reporting.screen import backbone_in_words
from tfft.runs.replay import as_json, stored_config

SIZE = (32, 32)
PIXELS = np.random.default_rng(0).uniform(0, 255, (2, *SIZE, 3)).astype(np.float32)


def network(height: int | None = 32, width: int | None = 32, channels: int = 3, name: str = "mine") -> keras.Model:
    inputs = keras.Input((height, width, channels))
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.Conv2D(6, 3, strides=2, name=name)(x))


def test_a_file_is_a_backbone_named_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for height in (32, None):  # of one size, and of any
        model = network(height, height)
        model.compile("adam", "mse")
        model.save("my net.keras")
        config = Config(data="pictures/", backbone="my net.keras")
        for given in ("my net.keras", model):
            assert pictures.size_of(replace(config, backbone=given)) == ((height, height) if height else (224, 224))
            assert pictures.size_of(replace(config, backbone=given, image_size=48)) == (48, 48)
        config = replace(config, image_size=32)
        backbone = pictures.build_backbone(config)
        np.testing.assert_array_equal(backbone(PIXELS), model(PIXELS))
        assert (backbone.name, backbone.input_shape) == ("my_net", (None, 32, 32, 3))
        assert backbone.output_shape == (None, 7, 7, 6)
        assert backbone.trainable_weights == []
        assert len(backbone_stages(backbone)) == 2
        assert backbone_in_words(config) == "my net.keras"
    # plain JSON, so the run can be repeated and resumed from the shell
    (tmp_path / "config.json").write_text(f'{{"config": {{"backbone": "{as_json(config)["backbone"]}"}}}}')
    assert stored_config(Config, tmp_path).backbone == "my net.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(5)]).save("flat.keras")
    assert load_backbone("flat.keras", image_size=SIZE).output_shape == (None, 1, 1, 5)


def test_a_size_that_does_not_fit_says_what_to_type(tmp_path: Path) -> None:
    for sides, said in (((26, 26), "--image-size 26`"), ((26, 20), "--image-size 26 20`")):
        network(*sides).save(tmp_path / "net.keras")
        with pytest.raises(ConfigError, match=said):
            load_backbone(str(tmp_path / "net.keras"), image_size=(224, 224))
    network(32, 32, channels=1).save(tmp_path / "grey.keras")
    with pytest.raises(ConfigError, match="three channels"):
        load_backbone(str(tmp_path / "grey.keras"), image_size=SIZE)
    network(None, None).save(tmp_path / "any.keras")
    with pytest.raises(ConfigError, match="larger `--image-size`"):
        load_backbone(str(tmp_path / "any.keras"), image_size=(2, 2))


def test_what_is_no_backbone_is_refused_with_a_sentence(tmp_path: Path) -> None:
    network().save(tmp_path / "net.keras")
    network(name="head_predictions").save(tmp_path / "run.keras")
    (tmp_path / "text.keras").write_text("no archive")
    whole = (tmp_path / "net.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "folder.keras").mkdir()
    with zipfile.ZipFile(tmp_path / "more.keras", "w") as archive:
        archive.writestr("../evil.py", "")
    inputs = keras.Input((*SIZE, 3))
    keras.Model(inputs, keras.layers.Lambda(lambda x: 2 * x)(inputs)).save(tmp_path / "lambda.keras")
    for name, said, flags in (
        ("nowhere", "not found", {}),
        ("text", "Cannot open.*not a zip file", {}),
        ("half", "Cannot open", {}),
        ("folder", "is not a file", {}),
        ("more", "evil", {}),
        ("lambda", "Cannot open.*Lambda", {}),
        ("run", "head of an earlier run.*head_predictions", {}),
        ("net", "--weights none", {"weights": "none"}),
        ("net", "--backbone-options", {"options": {"alpha": 1}}),
    ):
        with pytest.raises(ConfigError, match=said) as refused:
            load_backbone(str(tmp_path / f"{name}.keras"), image_size=SIZE, **flags)
        assert "\n" not in str(refused.value)
        assert own_size(str(tmp_path / f"{name}.keras")) == (SIZE if name in ("lambda", "run", "net") else None)
