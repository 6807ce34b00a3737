from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from recipes.image_classification import DEMO, Config, build_model, run
from tfft import cli
from tfft.errors import ConfigError, DataError
from tfft.training import build_optimizer

SMALL = shlex.split(
    "--backbone MobileNet --backbone-options '{\"alpha\": 0.25}' --weights none --image-size 32 32 --batch-size 4 "
    "--augment light --head.epochs 1 --tune.epochs 1"
)


def config(*flags: str) -> Config:
    return cli.parse(Config, DEMO, [*flags])


def test_the_classic_keras_fine_tune_is_one_line() -> None:
    chosen = config(
        *shlex.split("--data x --backbone ResNet50 --weights none --image-size 64 64 --dropout 0"),
        *shlex.split("--head.learning-rate 1e-4 --tune.epochs 0"),
    )
    model, task = build_model(chosen, ["ant", "bee"])
    assert [layer.name for layer in model.layers[-2:]] == ["pool", "predictions"]
    assert model.layers[-1].activation is keras.activations.softmax
    assert len(model.trainable_weights) == 2
    assert task.loss == "sparse_categorical_crossentropy"
    optimizer = build_optimizer(chosen.head, 10)
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)


def test_the_classic_pytorch_fine_tune_is_one_line() -> None:
    chosen = config(
        *shlex.split("--data x --backbone ResNet50 --weights none --image-size 64 64 --dropout 0 --tune.epochs 0"),
        *shlex.split("--head.optimizer sgd --head.learning-rate 0.001 --head.momentum 0.9"),
    )
    model, _ = build_model(chosen, ["ant", "bee"])
    assert model.output_shape == (None, 2)
    optimizer = build_optimizer(chosen.head, 10)
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert float(optimizer.learning_rate) == pytest.approx(0.001)
    assert optimizer.momentum == 0.9


def test_a_keras_model_as_backbone(network: keras.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output, name="mine")
    chosen = Config(backbone=backbone, image_size=(32, 32), out=str(tmp_path / "run"))
    model, _ = build_model(chosen, ["ant", "bee"])
    assert model.get_layer("conv_1") is network.get_layer("conv_1")
    assert [weight.path for weight in model.trainable_weights] == ["predictions/kernel", "predictions/bias"]


@pytest.mark.parametrize("kind", ["folder", "split folders", "csv"])
def test_each_kind_of_data(
    kind: str, tmp_path: Path, picture_folder: Callable[[Path, dict[str, int]], Path], png: Callable[..., bytes]
) -> None:
    source = tmp_path / "data"
    flags = []
    if kind == "split folders":
        for split in ("train", "val"):
            picture_folder(source / split, {"ant": 8, "bee": 8})
    else:
        picture_folder(source, {"ant": 12, "bee": 12})
    if kind == "csv":
        rows = [f"{p.relative_to(source)};{p.parent.name};{p.stem}" for p in sorted(source.rglob("*.png"))]
        (source / "list.csv").write_text("\n".join(["file;kind;scene", *rows]))
        source = source / "list.csv"
        flags = ["--image-column", "file", "--label-column", "kind", "--group-column", "scene"]
    scores = run(config("--data", str(source), "--out", str(tmp_path / "run"), *SMALL, *flags))
    assert set(scores) == ({"train", "val"} if kind == "split folders" else {"train", "val", "test"})
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["labels"] == ["ant", "bee"]
    assert [phase["name"] for phase in report["phases"]] == ["head", "tune"]


def test_bad_files_are_left_out_and_listed(
    tmp_path: Path, picture_folder: Callable[[Path, dict[str, int]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    data = picture_folder(tmp_path / "data", {"ant": 8, "bee": 8})
    (data / "ant" / "bad.jpg").write_text("<html>404</html>")
    before = sorted((p, p.read_bytes()) for p in data.rglob("*.*"))
    with pytest.raises(DataError, match=r"ant/bad\.jpg \(text, not a picture\)"):
        run(config("--data", str(data), "--out", str(tmp_path / "run"), *SMALL))
    assert not (tmp_path / "run").exists()
    run(config("--data", str(data), "--out", str(tmp_path / "run"), "--bad-files", "skip", *SMALL))
    assert "ant/bad.jpg" in (tmp_path / "run" / "skipped.csv").read_text()
    assert sorted((p, p.read_bytes()) for p in data.rglob("*.*")) == before


def test_a_misspelt_backbone_is_told_before_the_data_are_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Nearest: 'ResNet50'"):
        run(config("--data", "nowhere", "--backbone", "resnet50", "--out", str(tmp_path / "run")))
    assert list(tmp_path.iterdir()) == []


def test_the_validation_pictures_are_those_of_the_files(
    tmp_path: Path, picture_folder: Callable[[Path, dict[str, int]], Path]
) -> None:
    """The saved model, asked about a file as a person would, gives the probability that the report scored."""
    data = picture_folder(tmp_path / "data", {"ant": 8, "bee": 8})
    chosen = config("--data", str(data), "--out", str(tmp_path / "run"), *SMALL, "--augment", "strong")
    scores = run(chosen)
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    files = sorted(data.rglob("*.png"))
    pictures = np.stack([keras.utils.img_to_array(keras.utils.load_img(f).resize((32, 32), 2)) for f in files])
    right = model.predict(pictures, verbose=0).argmax(-1) == [f.parent.name == "bee" for f in files]
    total = sum(
        len(scores[split]["confusion_matrix"]) and np.sum(scores[split]["confusion_matrix"]) for split in scores
    )
    expected = sum(np.trace(scores[split]["confusion_matrix"]) for split in scores)
    assert (right.sum(), len(files)) == (expected, total)
