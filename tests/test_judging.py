"""Calibration, class shares, thresholds and conditions: from the command line to the saved model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import log_loss

import tfft
from recipes.image_classification import Config, run
from tfft import cli, commands
from tfft.evaluation import best_temperature

FLAGS = (
    "--image-size 32 --augment none --tune.epochs 0 --features 1 --calibrate --threshold recall>=0.9 --positive bee "
    "--smoothing 0.4"
)


@pytest.fixture
def network(tmp_path: Path) -> str:
    """A file with a network whose few features tell how bright a picture is."""
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for filters in (8, 16):
        x = keras.layers.Conv2D(filters, 3, strides=4, activation="relu")(x)
    keras.Model(inputs, x).save(tmp_path / "net.keras")
    return str(tmp_path / "net.keras")


@pytest.fixture
def overlapping(tmp_path: Path) -> Path:
    """Two classes of grey pictures, some of which are as bright as those of the other; three ants for each bee."""
    rng = np.random.default_rng(0)
    for label, mean, count in (("ant", 95, 120), ("bee", 145, 40)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(count):
            level = rng.normal(mean, 25)
            pixels = np.clip(rng.normal(level, 30, (32, 32, 1)), 0, 255).astype(np.uint8)
            Image.fromarray(np.repeat(pixels, 3, axis=2)).save(tmp_path / "data" / label / f"{number}.png")
    return tmp_path / "data"


def scored_again(folder: Path) -> dict[str, float]:
    """Loss and recall of bees on test, from the saved model alone, by what `serving.json` says."""
    serving = json.loads((folder / "serving.json").read_text())
    model, predict = keras.saving.load_model(folder / "model.keras"), tfft.open(folder)
    lines = [line.split(",") for line in (folder / "splits.csv").read_text().splitlines()[1:]]
    names = [where for where, split, _ in lines if split == "test"]
    data = Path(json.loads((folder / "config.json").read_text())["config"]["data"])
    pixels = np.stack([np.asarray(Image.open(data / name)) for name in names]).astype("float32")
    truth = np.array([name.startswith("bee") for name in names])
    chances = model.predict(pixels, verbose=0)
    found = chances[:, 1] >= serving["thresholds"][1]
    answers = predict([data / name for name in names])
    assert [answer.label for answer in answers] == np.array(["ant", "bee"])[found.astype(int)].tolist()
    of_answers = chances[np.arange(len(found)), found.astype(int)]
    assert [answer.probability for answer in answers] == pytest.approx(of_answers, rel=1e-3)
    held = [where for where, split, _ in lines if split == "val"]
    pixels = np.stack([np.asarray(Image.open(data / name)) for name in held]).astype("float32")
    of_val = model.predict(pixels, verbose=0)
    temperature = best_temperature(np.array([name.startswith("bee") for name in held]).astype(int), of_val)
    return {
        "temperature": temperature,
        "loss": log_loss(truth, chances),
        "recall": found[truth].mean(),
        "bees": chances[:, 1].mean(),
    }


def test_a_run_saves_the_model_that_it_scored(
    overlapping: Path, network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(name: str, *words: str) -> dict[str, float]:
        data = ["--data", str(overlapping), "--backbone", network]
        words = [*data, *FLAGS.split(), "--out", str(tmp_path / name), *words]
        cli.main(run, Config, None, words)
        report = json.loads((tmp_path / name / "report.json").read_text())
        again = scored_again(tmp_path / name)
        for score in ("loss", "recall"):
            assert again[score] == pytest.approx(report["scores"]["test"][score], rel=1e-4)
        low, high = report["intervals"]["test"]["recall"]
        assert low <= report["scores"]["test"]["recall"] <= high
        assert any("Calibrated: logits are divided by" in note for note in report["notes"])
        assert any("Least probabilities by `--threshold recall>=0.9`" in note for note in report["notes"])
        return {**again, "accept": report["accept"], "notes": report["notes"]}

    plain = trained("plain", "--accept", "recall>=0.1", "loss<5")
    assert [one["met"] for one in plain["accept"]] == [True, True]
    assert plain["bees"] == pytest.approx(0.25, abs=0.12)  # as in training
    assert plain["temperature"] == pytest.approx(1, rel=0.03), plain["notes"]  # nothing is left to calibrate
    equal = trained("equal", "--prior", "equal")
    assert equal["bees"] > plain["bees"] + 0.05
    assert any("`--prior equal`" in note for note in equal["notes"])

    contest = tfft.compare([tmp_path / "plain", tmp_path / "equal"])
    said = capsys.readouterr().out
    assert contest.examples == 24
    assert contest.names == ["plain", "equal"]
    for folder, scores in zip(("plain", "equal"), contest.scores, strict=True):
        stored = json.loads((tmp_path / folder / "report.json").read_text())["scores"]["test"]
        assert scores["recall"] == pytest.approx(stored["recall"])
    assert contest.differences[0]["accuracy"].value == contest.scores[1]["accuracy"] - contest.scores[0]["accuracy"]
    assert [one["prior"] for one in contest.settings] == ["train", "equal"]
    assert "equal less plain: accuracy" in said
    (same,) = tfft.compare([tmp_path / "plain", tmp_path / "plain"]).differences
    assert {one.p for one in same.values()} == {1.0}

    picture = next((overlapping / "bee").iterdir())
    monkeypatch.setattr("sys.argv", ["tfft", "explain", f"{tmp_path}/plain", str(picture), "--out", f"{tmp_path}/heat"])
    commands.app()
    (heat,) = (tmp_path / "heat").iterdir()
    with Image.open(heat) as shown:
        assert shown.size == (32, 32)
    capsys.readouterr()
    words = ["--data", str(overlapping), "--backbone", network, *FLAGS.split(), "--out", str(tmp_path / "plain")]
    with pytest.raises(SystemExit) as stopped:
        cli.main(run, Config, None, [*words, "--accept", "recall>=2"])
    assert stopped.value.code == 7
    said = capsys.readouterr()
    assert "Already finished" in said.out  # another condition trains nothing again
    assert "not accepted: recall>=2 on test: not met" in said.err

    config = json.loads((tmp_path / "equal" / "config.json").read_text())
    config["config"]["accept"] = ["recall>=2"]
    (tmp_path / "equal" / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("sys.argv", ["tfft", "resume", f"{tmp_path}/equal"])
    with pytest.raises(SystemExit) as stopped:
        commands.app()
    assert stopped.value.code == 7  # a run that was stopped and resumed passes no gate that it would not have passed


def test_what_cannot_be_judged_is_said_before_anything_is_trained(
    picture_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = picture_folder(tmp_path / "three", {"ant": 8, "bee": 8, "cat": 8})
    flags = "--backbone MobileNet --weights none --image-size 32 --augment none"
    for words, said in (
        (["--threshold", "f1"], "two classes"),
        (["--accept", "accuracy"], "accept"),
        (["--prior", "half"], "prior"),
    ):
        with pytest.raises(tfft.errors.ConfigError, match=said):
            run(cli.parse(Config, None, ["--data", str(folder), *flags.split(), *words, "--out", str(tmp_path / "x")]))
        assert not (tmp_path / "x").exists()
