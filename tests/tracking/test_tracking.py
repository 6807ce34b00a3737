"""Trackers: the same numbers with and without them, and everything in them in the end."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from mlflow import MlflowClient
from PIL import Image

from recipes.image_classification import Config, run
from tfft import cli
from tfft.errors import ConfigError, MachineError
from tfft.tracking import trackers_of

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")  # of SQLAlchemy, which MLflow uses
FLAGS = "--image-size 32 --views 2 --head.optimizer adam --head.epochs 2 --tune.epochs 1 --tune.unfreeze 1"


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The flags of a run on a few pictures in two colours, with a tiny network; MLflow's place is a folder."""
    rng = np.random.default_rng(0)
    for label, level in (("ant", 60), ("bee", 190)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(20):
            pixels = np.clip(rng.normal(level, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / label / f"{number}.png")
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for filters in (4, 8):
        x = keras.layers.Conv2D(filters, 3, strides=4, activation="relu")(x)
    keras.Model(inputs, x).save(tmp_path / "net.keras")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return [*FLAGS.split(), "--backbone", "net.keras", "--data", "data"]


def trained(words: list[str], out: str, *more: str) -> list[dict[str, str]]:
    """The history of a run, without seconds."""
    cli.main(run, Config, None, [*words, "--out", out, *more])
    with Path(out, "history.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def curve(folder: Path, tag: str) -> list[tuple[int, float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    events = EventAccumulator(str(folder)).Reload()
    return [(one.step, float(make_ndarray(one.tensor_proto))) for one in events.Tensors(tag)]


def test_a_run_is_the_same_with_trackers_which_have_all_of_it_in_the_end(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = trained(words, "plain")

    log, get_experiment, calls = MlflowClient.log_batch, MlflowClient.get_experiment_by_name, []

    def drawing(client: MlflowClient, name: str) -> Any:
        random.random()  # as packages do for names
        return get_experiment(client, name)

    def failing(client: MlflowClient, *args: Any, **kwargs: Any) -> None:
        calls.append(args)
        if len(calls) == 2:  # the first epoch, after the settings
            os.kill(os.getpid(), signal.SIGINT)
        if len(calls) == 3:
            raise ConnectionError("the server has gone\nand more")
        log(client, *args, **kwargs)

    def logged() -> tuple[int, bool, str]:
        of_mlflow = json.loads(Path("run/tracking.json").read_text())["mlflow"]
        status = MlflowClient().get_run(of_mlflow["known_as"]).info.status
        return of_mlflow["epochs"], of_mlflow["finished"], status

    track = ("--track", "tensorboard", "mlflow")
    with monkeypatch.context() as patched:
        patched.setattr(MlflowClient, "log_batch", failing)
        patched.setattr(MlflowClient, "get_experiment_by_name", drawing)
        with pytest.raises(SystemExit):
            trained(words, "run", *track)
        assert logged() == (1, False, "KILLED")
        assert trained(words, "run", *track) == plain  # resumes the run, and loses a tracker
    assert "MLflow no longer logs this run: the server has gone." in capsys.readouterr().out
    assert logged() == (1, False, "RUNNING")
    assert trained(words, "run", *track) == plain  # logs what is missing
    assert logged() == (len(plain), True, "FINISHED")
    client = MlflowClient()
    assert f"/runs/{json.loads(Path('run/tracking.json').read_text())['mlflow']['known_as']}" in capsys.readouterr().out
    (there,) = client.search_runs([client.get_experiment_by_name("image_classification").experiment_id])
    assert there.info.run_name == "run"
    assert there.data.params["tune.epochs"] == "1"
    assert "out" not in there.data.params
    scores = json.loads(Path("run/report.json").read_text())["scores"]
    assert there.data.metrics["test/accuracy"] == scores["test"]["accuracy"]
    losses = client.get_metric_history(there.info.run_id, "val_loss")
    assert [(one.step, one.value) for one in losses] == [(n, float(row["val_loss"])) for n, row in enumerate(plain, 1)]
    artifacts = {one.path for one in client.list_artifacts(there.info.run_id)}
    assert {"report.html", "model.keras", "history.csv"} <= artifacts
    assert not artifacts & {"tensorboard", "tracking.json", ".lock"}

    here = Path("run/tensorboard")
    expected = [(n, pytest.approx(float(row["val_loss"]))) for n, row in enumerate(plain, 1)]
    assert curve(here / "validation", "epoch_loss") == expected
    assert len(curve(here / "train", "epoch_loss")) == len(plain)
    assert curve(here, "test/accuracy") == [(0, pytest.approx(scores["test"]["accuracy"]))]


def test_a_tracker_that_cannot_be_used_stops_a_run_before_it_begins(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(SystemExit) as stopped:
        cli.main(run, Config, None, [*words, "--out", "run", "--track", "tensorboard", "mlflow"])
    assert stopped.value.code == MachineError.exit_code
    assert "MLflow cannot be used" in capsys.readouterr().err
    assert not Path("run").exists()
    with pytest.raises(ConfigError, match=r"'tensorboard'.*got 'comet'"):
        trackers_of(Config(track="comet"))


@pytest.mark.slow
def test_weights_and_biases_offline(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "wandb"))
    (tmp_path / "wandb").mkdir()
    assert trained(words, "run", "--track", "wandb") == trained(words, "plain")
    (file,) = (tmp_path / "wandb").rglob("*.wandb")
    content = file.read_bytes()
    for text in (b"test/accuracy", b"tune.epochs", b"val_loss", b"model.keras"):
        assert text in content
    assert list((tmp_path / "wandb").rglob("report_*.html"))
    assert json.loads(Path("run/tracking.json").read_text())["wandb"]["finished"]
    with pytest.raises(SystemExit):
        trained([*words[:-1], "nowhere"], "none", "--track", "wandb")
    assert [*(tmp_path / "wandb").rglob("*.wandb")] == [file]
    assert not Path("none").exists()
