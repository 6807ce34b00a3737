from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from recipes.image_classification import DEMO, Config, build_model, load_data, run
from tfft import cli
from tfft.errors import ConfigError, DataError
from tfft.training import Phase, build_optimizer

Maker = Callable[[Path, dict[str, int]], Path]

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
    assert [layer.name for layer in model.layers[-2:]] == ["head_pool", "head_predictions"]
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


def test_hidden_layers_and_dropout_reach_the_model() -> None:
    chosen = config(*SMALL, "--data", "x", "--hidden", "7", "--dropout", "0.4")
    model, _ = build_model(chosen, ["ant", "bee"])
    assert model.get_layer("head_hidden_1").units == 7
    assert model.get_layer("head_dropout").rate == 0.4


def test_a_keras_model_as_backbone(
    network: keras.Model, tmp_path: Path, picture_folder: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    data = picture_folder(tmp_path / "data", {"ant": 8, "bee": 8})
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output, name="mine")
    quick = Phase(epochs=1)
    chosen = Config(
        data=str(data), backbone=backbone, image_size=(32, 32), head=quick, tune=quick, out=f"{tmp_path}/run"
    )
    assert set(run(chosen)) == {"train", "val", "test"}
    assert "mine, a model of your own; 3 stages" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="`backbone` was a Python object"):
        config("--replay", f"{tmp_path}/run")


@pytest.mark.parametrize("kind", ["folder", "split folders", "csv"])
def test_each_kind_of_data(kind: str, tmp_path: Path, picture_folder: Maker) -> None:
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
        flags = ["--columns.image", "file", "--columns.label", "kind", "--columns.group", "scene"]
    scores = run(config("--data", str(source), "--out", str(tmp_path / "run"), *SMALL, *flags))
    assert set(scores) == ({"train", "val"} if kind == "split folders" else {"train", "val", "test"})
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["labels"] == ["ant", "bee"]
    assert [phase["name"] for phase in report["phases"]] == ["head", "tune"]


def test_bad_files_are_left_out_and_listed(
    tmp_path: Path, picture_folder: Maker, capsys: pytest.CaptureFixture[str]
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


def test_what_cannot_work_is_told_before_a_picture_is_read(tmp_path: Path) -> None:
    for flags, said in (
        (["--tune.unfreeze", "9"], "at most 5"),
        (["--weights", "nowhere.h5"], "no file nowhere"),
        (["--head.epochs", "0", "--tune.epochs", "0"], "At least one phase has epochs"),
    ):
        with pytest.raises(ConfigError, match=said):
            run(config("--data", "nowhere", "--out", str(tmp_path / "run"), *SMALL, *flags))
    assert list(tmp_path.iterdir()) == []


def test_settings_out_of_range_are_told_at_once() -> None:
    for setting, said in ({"views": 0}, "views=0"), ({"dropout": 1.0}, "dropout=1"), ({"image_size": (0, 9)}, "size=0"):
        with pytest.raises(ConfigError, match=said):
            Config(**setting)


def losses(folder: Path) -> list[str]:
    with (folder / "history.csv").open(newline="") as file:
        return [row["loss"] for row in csv.DictReader(file)]


def test_augmentation_and_seed_reach_the_training(network: keras.Model, tmp_path: Path, picture_folder: Maker) -> None:
    for split in ("train", "val"):
        picture_folder(tmp_path / "data" / split, {"ant": 8, "bee": 8})
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    base = Config(
        data=str(tmp_path / "data"), backbone=backbone, image_size=(32, 32), batch_size=4, dropout=0.0,
        head=Phase(epochs=2), tune=Phase(epochs=0),
    )  # fmt: skip
    found = {}
    for name, other in {"a": {}, "same": {}, "strong": {"augment": "strong"}, "seed": {"seed": 1}}.items():
        run(replace(base, out=str(tmp_path / name), **other))
        found[name] = losses(tmp_path / name)
    assert found["a"] == found["same"]
    assert found["strong"] != found["a"] != found["seed"]


def test_what_balances_reaches_the_training(network: keras.Model, tmp_path: Path, picture_folder: Maker) -> None:
    for split in ("train", "val"):
        picture_folder(tmp_path / "data" / split, {"ant": 12, "bee": 4})
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    base = Config(
        data=str(tmp_path / "data"), backbone=backbone, image_size=(32, 32), batch_size=4, dropout=0.0, views=2,
        head=Phase(epochs=2), tune=Phase(epochs=0),
    )  # fmt: skip
    found = {}
    choices = {"none": {}, "weights": {"balance": "weights"}, "sample": {"balance": "sample"}, "focal": {"focal": 2.0}}
    for name, other in {**choices, "flip": {"flip": False}}.items():
        run(replace(base, out=str(tmp_path / name), **other))
        found[name] = losses(tmp_path / name)
    assert len({tuple(rows) for rows in found.values()}) == len(found)
    # at the start the two classes are equally likely: weights of mean 1 change nothing on average, focal loss is less
    assert float(found["focal"][0]) < float(found["none"][0]) / 2


def test_a_leak_stops_the_run_unless_it_is_accepted(tmp_path: Path, picture_folder: Maker) -> None:
    for split in ("train", "val"):
        picture_folder(tmp_path / "data" / split, {"ant": 4, "bee": 4})
    twin = (tmp_path / "data/train/ant/0.png").read_bytes()
    (tmp_path / "data/val/ant/0.png").write_bytes(twin)
    flags = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "--bad-files", "stop", *SMALL]
    with pytest.raises(DataError, match="--leaks accept"):
        run(config(*flags))
    assert len(load_data(config(*flags, "--leaks", "accept")).val) == 8


def test_the_saved_model_answers_a_file_as_the_run_did(
    network: keras.Model, tmp_path: Path, picture_folder: Maker
) -> None:
    """Read by other code than ours, a file gives the pixels that were scored, and the probabilities of the run."""
    data = picture_folder(tmp_path / "data", {"ant": 8, "bee": 8})
    chosen = config("--data", str(data), "--out", str(tmp_path / "run"), *SMALL, "--augment", "strong")
    # random weights of many layers answer everything alike
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    run(replace(chosen, backbone=backbone, backbone_options={}))
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    for _, examples in load_data(chosen).items():
        files = [Image.open(data / where).convert("RGB") for where in examples.where]
        pictures = np.stack([np.asarray(file.resize((32, 32), Image.Resampling.BILINEAR)) for file in files])
        assert np.abs(pictures.astype(int) - examples.inputs[:]).max() <= 1
        mine = model.predict(pictures.astype("float32"), verbose=0)
        assert np.ptp(mine[:, 0]) > 0
        np.testing.assert_allclose(mine, model.predict(np.asarray(examples.inputs, "float32"), verbose=0), atol=0.02)
