from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from recipes.image_classification import DEMO, RECIPE, Config, build_model, load_data, run
from tfft import cli, workflow
from tfft.errors import ConfigError, DataError
from tfft.training import Phase, build_optimizer

Maker = Callable[[Path, dict[str, int]], Path]

SMALL = shlex.split(
    "--backbone MobileNet --backbone-options '{\"alpha\": 0.25}' --weights none --image-size 32 32 --batch-size 4 "
    "--augment light --head.epochs 1 --tune.epochs 1"
)


def config(*flags: str) -> Config:
    return cli.parse(Config, DEMO, [*flags], RECIPE.page)


def test_the_classic_keras_fine_tune_and_the_classic_pytorch_one_are_a_line_each(network: keras.Model) -> None:
    backbone = keras.Model(network.inputs[0], network.get_layer("relu_3").output)
    line = "--data x --backbone ResNet50 --dropout 0 --tune.epochs 0 "
    chosen = config(*shlex.split(line + "--smoothing 0 --head.optimizer adam --head.learning-rate 1e-4"))
    model, task = build_model(chosen, ["ant", "bee"], backbone)
    assert [layer.name for layer in model.layers[-3:]] == ["head_features", "head_dropout", "head_predictions"]
    assert model.get_layer("head_dropout").rate == 0
    assert model.layers[-1].activation is keras.activations.softmax
    assert model.output_shape == (None, 2)
    assert len(model.trainable_weights) == 2
    assert task.loss == "sparse_categorical_crossentropy"
    optimizer = build_optimizer(chosen.head, 10)
    assert isinstance(optimizer, keras.optimizers.Adam)
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)

    chosen = config(*shlex.split(line + "--head.optimizer sgd --head.learning-rate 0.001 --head.momentum 0.9"))
    optimizer = build_optimizer(chosen.head, 10)
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert float(optimizer.learning_rate) == pytest.approx(0.001)
    assert optimizer.momentum == 0.9


def test_choices_reach_the_model_the_task_and_the_plan(
    tmp_path: Path, picture_folder: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "val"):
        picture_folder(tmp_path / "data" / split, {"ant": 12, "bee": 4})
    flags = "--hidden 7 --dropout 0.4 --balance weights --augment strong --no-flip --views 3 --seed 5"
    flags += " --head.epochs 4 --tune.epochs 2"
    chosen = config("--data", str(tmp_path / "data"), *SMALL, *shlex.split(flags))
    plan = workflow.rehearse(RECIPE, chosen)
    assert plan.model.get_layer("head_hidden_1").units == 7
    assert plan.model.get_layer("head_dropout").rate == 0.4
    # of two answers that are as sure, the one for the rare class weighs more
    plain = -np.log(0.5)
    losses = np.asarray(plan.task.loss(np.array([0, 1]), np.full((2, 2), 0.5, np.float32)))
    assert losses == pytest.approx(plain * np.array([16 / 24, 16 / 8]), rel=1e-5)
    augmentation = plan.splits.augmentation
    assert (augmentation.level, augmentation.flip, plan.seed, plan.batch_size) == ("strong", False, 5, 4)
    assert [planned.views for planned in plan.phases] == [1, 3]
    assert plan.splits.sampling == "all"
    assert "MobileNet, alpha=0.25" in capsys.readouterr().out
    assert [planned.phase for planned in plan.phases] == [replace(chosen.head, optimizer="adam"), chosen.tune]


# one that gives a map, and one that gives a vector
@pytest.mark.parametrize("layer", ["relu_3", "pool"])
def test_a_keras_model_as_backbone_and_rare_classes_shown_more_often(
    layer: str, network: keras.Model, tmp_path: Path, picture_folder: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    data = picture_folder(tmp_path / "data", {"ant": 8, "bee": 8})
    backbone = keras.Model(network.inputs[0], network.get_layer(layer).output, name="mine")
    chosen = Config(data=str(data), backbone=backbone, image_size=(32, 32), balance="oversample")
    plan = workflow.rehearse(RECIPE, chosen)
    assert plan.splits.sampling == "oversample"
    assert plan.model.name == "mine"
    said = capsys.readouterr().out
    assert "mine" in said
    assert "3 stages" in said


@pytest.mark.parametrize("kind", ["folder", "split folders"])
def test_class_folders_are_read(kind: str, tmp_path: Path, picture_folder: Maker) -> None:
    for split in ("train", "val") if kind == "split folders" else ("",):
        picture_folder(tmp_path / "data" / split, {"ant": 8, "bee": 8})
    splits = load_data(config("--data", str(tmp_path / "data"), *SMALL))
    assert splits.labels == ["ant", "bee"]
    assert [name for name, _ in splits.items()] == ["train", "val", *(["test"] if kind == "folder" else [])]
    for _, examples in splits.items():
        assert [splits.labels[target] for target in examples.targets] == [Path(w).parent.name for w in examples.where]


def test_what_cannot_work_is_told_before_a_file_is_written(tmp_path: Path, picture_folder: Maker) -> None:
    data = picture_folder(tmp_path / "data", {"ant": 8, "bee": 8})
    (data / "ant" / "bad.jpg").write_text("<html>404</html>")
    for words, kind, named in (
        (f"--data {data}", DataError, r"ant/bad\.jpg.*--bad-files skip"),
        ("--data nowhere --backbone resnet50", ConfigError, "resnet50.*ResNet50"),
        ("--data nowhere --tune.unfreeze 9", ConfigError, "unfreeze.*9"),
        ("--data nowhere --weights nowhere.h5", ConfigError, r"nowhere\.h5"),
        ("--data nowhere --head.epochs 0 --tune.epochs 0", ConfigError, r"head\.epochs"),
    ):
        with pytest.raises(kind, match=named):
            run(config(*SMALL, "--out", str(tmp_path / "run"), *shlex.split(words)))
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_settings_out_of_range_are_told_at_once() -> None:
    wrong = [
        ("views", 0),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("hidden", (7, 0)),
        ("image_size", (0, 9)),
        ("features", 0),
    ]
    for name, value in wrong:
        with pytest.raises(ConfigError, match=f"{name}"):
            Config(**{name: value})


def test_a_leak_is_left_out_of_train_or_stops_the_run_or_is_accepted(tmp_path: Path, picture_folder: Maker) -> None:
    for split in ("train", "val"):
        picture_folder(tmp_path / "data" / split, {"ant": 4, "bee": 4})
    twin = (tmp_path / "data/train/ant/0.png").read_bytes()
    (tmp_path / "data/val/ant/0.png").write_bytes(twin)
    flags = ["--data", str(tmp_path / "data"), *SMALL]
    with pytest.raises(DataError, match="--leaks accept"):
        load_data(config(*flags, "--leaks", "stop"))
    assert len(load_data(config(*flags, "--leaks", "accept")).val) == 8
    dropped = load_data(config(*flags))
    assert (len(dropped.train), len(dropped.val)) == (7, 8)
    assert [where for where, _ in dropped.skipped] == ["train/ant/0.png"]
    assert any("1 picture left out" in note and "train/ant/0.png" in note for note in dropped.notes)


def test_a_model_that_cannot_be_saved_is_refused_before_it_is_trained(
    tmp_path: Path, picture_folder: Maker, unsaveable: Callable[[], keras.Layer]
) -> None:
    data = picture_folder(tmp_path / "data", {"ant": 6, "bee": 6})
    inputs = keras.Input((32, 32, 3))
    backbone = keras.Model(inputs, unsaveable()(keras.layers.Conv2D(4, 3, strides=2)(inputs)))
    with pytest.raises(ConfigError, match="Silent cannot be saved"):
        run(Config(data=str(data), backbone=backbone, image_size=(32, 32), tune=Phase(epochs=0), out=f"{tmp_path}/run"))
    assert not (tmp_path / "run").exists()
