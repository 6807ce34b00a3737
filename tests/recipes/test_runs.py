"""One run of each recipe, and everything that is asked of it."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from using import as_phone, as_png, as_webp

from tfft import cli, evaluation, pages, training, workflow
from tfft.data import Texts
from tfft.errors import ConfigError
from tfft.serving import open_run
from tfft.serving.evaluating import evaluate_run, held_out
from tfft.serving.explaining import explain
from tfft.store import Storage

RECIPES = list(pages.stock_pages())
SLOW = ["summarization"]
"""What it does a translation does, too, but for its scores and for greedy answers."""
FAST = [name for name in RECIPES if name not in SLOW]
RUNS = [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
Make = Callable[[str], Any]


def close(one: Any, other: Any) -> bool:
    """Whether scores differ by rounding alone: a whole network works on batches of another size than a trunk."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(close, one, other))
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) if isinstance(one, float) else one == other


def epochs(folder: Path) -> list[dict[str, str]]:
    """The rows of the history, without the seconds."""
    with (folder / "history.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_writes_its_files_and_returns_its_scores(name: str, trained: Make) -> None:
    run = trained(name)
    assert {path.name for path in run.folder.iterdir()} >= {
        "config.json", "history.csv", "report.json", "report.html", "model.keras", "serving.json", "splits.csv",
    }  # fmt: skip
    report = json.loads((run.folder / "report.json").read_text())
    assert report["scores"] == run.scores
    for values in run.scores.values():
        assert all(math.isfinite(value) for value in values.values() if isinstance(value, float))
    assert report["phases"][-1]["name"] == "tune"
    serving = json.loads((run.folder / "serving.json").read_text())
    assert serving["labels"] == report["labels"] == run.result.labels
    assert serving["score"]["value"] == run.scores[serving["score"]["split"]][serving["score"]["name"]]
    assert run.result.folder == run.folder
    assert [row["phase"] for row in run.result.history.rows] == [row["phase"] for row in epochs(run.folder)]


@pytest.mark.parametrize("name", RUNS)
def test_what_was_trained_answers_as_it_was_scored_whatever_format_a_picture_is_in(name: str, trained: Make) -> None:
    run = trained(name)
    scores, _ = evaluate_run(run.folder, run.recipe.find_data, run.config, own=True)
    assert close(scores, run.scores["test"])
    predict = open_run(run.folder)
    if name == "text_classification":
        (one,) = explain(predict, ["a fine film, and well made"])
        assert [word for word, _ in one.words] == ["a", "fine", "film", "and", "well", "made"]
        whole = one.answer.probability
        for place, (word, weight) in enumerate(one.words):
            left = predict("a fine film, and well made".replace(word, "", 1) if place else " fine film, and well made")
            assert whole - left.probabilities[one.label] == pytest.approx(weight, abs=1e-5)
    if predict.noun == "texts":
        return
    if name == "image_classification":  # of the same data as new ones all is left out but the test split
        assert close(evaluate_run(run.folder, run.recipe.find_data, run.config, own=False)[0], run.scores["test"])
    contents = [record.read() for record in held_out(run.folder, run.recipe.find_data, run.config, own=True)[:3]]
    outputs = [keras.tree.flatten(output) for _, output in predict.raw(predict.reader.items(contents))]
    for encoded in (as_png, as_webp, as_phone):
        again = predict.raw(predict.reader.items([encoded(content) for content in contents]))
        for output, (_, other) in zip(outputs, again, strict=True):
            assert all(map(np.array_equal, output, keras.tree.flatten(other)))


PLAIN = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tfft", "recipes"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
import keras, keras_hub, numpy as np, tensorflow
from pathlib import Path
for path in sorted(Path().glob("*.npz")):
    asked = np.load(path)
    model = keras.saving.load_model(asked["model"].item(), compile=False)
    if "texts" in asked:
        texts = tensorflow.constant(asked["texts"])
        answers = model.predict([texts, asked["given"]] if "given" in asked else texts, verbose=0)
    else:
        answers = model(asked["pictures"], training=False)  # without a graph, which would take most of the time
    np.savez(path.with_suffix(".answers"), *keras.tree.flatten(answers))
"""


@pytest.mark.parametrize("names", [FAST, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["fast", "slow"])
def test_plain_keras_opens_every_saved_model_and_gives_the_same_answers(
    names: list[str], trained: Make, tmp_path: Path
) -> None:
    expected = {}
    for name in names:
        run = trained(name)
        model = run.opened
        val = run.recipe.load_data(run.config).val
        if not isinstance(val, Texts):
            pictures = val.inputs[:3].astype("float32")
            # one that takes any size is asked about another than it was trained on
            asked = {"pictures": pictures if model.input_shape[1] else pictures[:, :48].repeat(2, axis=2)}
            answers = model(asked["pictures"], training=False)
        else:
            asked = {"texts": val.texts[:3].astype(str)}
            # of tokens, for that needs no graph
            (inner,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
            tokens = val.inputs[:3]
            if val.references is not None:
                asked["given"] = val.targets[:3]
            answers = inner([tokens, asked["given"]] if "given" in asked else tokens, training=False)
        expected[name] = keras.tree.flatten(answers)
        np.savez(tmp_path / f"{name}.npz", model=str(run.folder / "model.keras"), **asked)
    done = subprocess.run([sys.executable, "-c", PLAIN], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, answers in expected.items():
        found = np.load(tmp_path / f"{name}.answers.npz").values()
        assert all(np.allclose(*pair, atol=1e-5) for pair in zip(found, answers, strict=True)), name


@pytest.mark.parametrize(
    "name",
    # the targets of a detector move with their pictures, and several tensors cross
    [name if name == "object_detection" else pytest.param(name, marks=pytest.mark.slow) for name in RECIPES],
)
def test_streamed_in_place_of_stored_it_is_the_same_to_the_last_bit(name: str, trained: Make, tmp_path: Path) -> None:
    run = trained(name)
    store = Storage(folder=str(tmp_path / "store"), limit=1e-9)
    config = replace(run.config, store=store, tune=replace(run.config.tune, epochs=1))
    if run.before is not None:
        fresh = keras.models.clone_model(config.backbone)  # its dropout starts anew
        fresh.set_weights(run.before)
        config = replace(config, backbone=fresh)
    plan = workflow.rehearse(run.recipe.RECIPE, config)
    assert not any(plan.activations.stored)
    training.fine_tune(plan, folder=tmp_path)
    streamed = epochs(tmp_path)
    assert len(streamed) == config.head.epochs + 1
    assert streamed == epochs(run.folder)[: len(streamed)]


def test_a_finished_run_is_not_repeated(trained: Make) -> None:
    run = trained("image_classification")
    with pytest.raises(ConfigError, match="Python objects"):  # another model may have the same name
        run.recipe.run(run.config)
    run = trained("text_classification")
    before = {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    again = run.recipe.run(run.config)
    assert {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before
    assert not {name for name in before if name.startswith(("state", ".lock", ".writing"))}
    assert json.dumps(again.scores) == json.dumps(run.scores)
    assert (again.history.rows, again.history.best) == (run.result.history.rows, run.result.history.best)
    assert (again.labels, again.folder) == (run.result.labels, run.folder)
    saved = {weight.path: weight.numpy() for weight in again.model.weights}
    head = run.result.model.get_layer("head_predictions")
    assert np.array_equal(saved["head_predictions/kernel"], head.kernel.numpy())
    with pytest.raises(ConfigError, match=r"--seed 7 \(was"):
        run.recipe.run(replace(run.config, seed=7))


def test_a_python_object_in_the_configuration_cannot_be_replayed(trained: Make) -> None:
    run = trained("image_classification")
    with pytest.raises(ConfigError, match=r"backbone.*tiny"):
        cli.parse(run.recipe.Config, run.recipe.DEMO, ["--replay", str(run.folder)], run.recipe.RECIPE.page)


def test_a_classifier_learns_and_its_file_answers_pictures_that_other_code_has_read(trained: Make) -> None:
    run = trained("image_classification")
    assert run.scores["test"]["accuracy"] == 1
    assert "bad.jpg" in (run.folder / "skipped.csv").read_text()
    data = Path(run.config.data).parent
    assert (data / "bad.jpg").read_text() == "<html>404</html>"
    files = sorted(path.relative_to(data).as_posix() for path in data.rglob("*.*") if "ant" in path.parts)
    assert files == sorted(f"ant/{number}.png" for number in range(24))  # the data are as they were
    model = run.opened
    sides: dict[str, set[str]] = {}
    for name, examples in run.recipe.load_data(run.config).items():
        paths = [Path(where.partition(" (")[0]) for where in examples.where]  # behind it stands the row
        files = [Image.open(data / path).convert("RGB") for path in paths]
        pictures = np.stack([np.asarray(file.resize((64, 64), Image.Resampling.BILINEAR)) for file in files])
        assert np.abs(pictures.astype(int) - examples.inputs[:]).max() <= 1
        answers = model(pictures.astype("float32"), training=False).numpy()
        assert np.allclose(answers, model(np.asarray(examples.inputs, "float32"), training=False), atol=0.02)
        assert (answers.argmax(-1) == examples.targets).mean() == run.scores[name]["accuracy"]
        for path in paths:
            sides.setdefault(path.stem, set()).add(name)
    assert all(len(found) == 1 for found in sides.values())  # a scene is in one split


def test_tags_are_learned_and_their_thresholds_are_those_of_validation(trained: Make) -> None:
    run = trained("image_multilabel")
    assert run.scores["test"]["macro_average_precision"] > 0.95
    serving = json.loads((run.folder / "serving.json").read_text())
    thresholds = dict(zip(serving["labels"], serving["thresholds"], strict=True))
    assert thresholds.keys() == {"red", "green"}
    for values in run.scores.values():
        assert {name: row["threshold"] for name, row in values["per_class"].items()} == thresholds
    best = {}
    for name, examples in run.recipe.load_data(run.config).items():
        answers = run.opened(examples.inputs[:].astype("float32"), training=False).numpy()
        best[name] = pytest.approx(evaluation.best_thresholds(examples.targets, answers), abs=1e-3)
    assert [thresholds["green"], thresholds["red"]] == best["val"]
    assert [thresholds["green"], thresholds["red"]] != best["test"]


def test_numbers_are_answered_in_the_units_of_the_data(trained: Make) -> None:
    run = trained("image_regression")
    quantities = run.scores["test"]["per_quantity"]
    assert min(row["r2"] for row in quantities.values()) > 0.7
    assert quantities["grams"]["mae"] > 1000 * quantities["price"]["mae"]
    model = run.opened
    answers = model(run.recipe.load_data(run.config).test.inputs[:].astype("float32"), training=False)
    assert 5000 < answers[:, 0].numpy().mean() < 30000
    assert 0.7 < answers[:, 1].numpy().mean() < 1


def test_a_segmentation_learns_and_answers_at_the_size_of_the_picture(trained: Make, mask_scene: Callable) -> None:
    run = trained("semantic_segmentation")
    assert run.scores["test"]["pixel_accuracy"] > 0.9
    assert run.scores["test"]["mean_iou"] > 0.8
    assert list(run.scores["test"]["per_class"]) == ["box", "ground"]
    pixels, mask = mask_scene(3)
    answer = run.opened(pixels[None].astype("float32"), training=False)[0]
    assert answer.shape == (40, 56, 2)
    known = mask != 255
    assert (answer.numpy().argmax(-1)[known] == np.where(mask == 3, 0, 1)[known]).mean() > 0.85


def test_a_detector_learns_and_answers_in_pixels_of_the_picture(trained: Make, box_scene: Callable) -> None:
    run = trained("object_detection")
    assert run.scores["test"]["map50"] > 0.6
    assert list(run.scores["test"]["per_class"]) == ["blue", "red"]
    maps = [float(row["val_map"]) for row in epochs(run.folder)]
    assert run.scores["val"]["map"] == pytest.approx(max(maps))  # of both phases: what is monitored is what is scored
    serving = json.loads((run.folder / "serving.json").read_text())
    thresholds = dict(zip(serving["labels"], serving["thresholds"], strict=True))
    assert thresholds == {name: row["threshold"] for name, row in run.scores["val"]["per_class"].items()}
    splits = run.recipe.load_data(run.config)
    answers = run.recipe.evaluate(run.opened, splits).predictions
    of_val = evaluation.best_box_thresholds(splits.val.targets, answers["val"], splits.labels)
    of_test = evaluation.best_box_thresholds(splits.test.targets, answers["test"], splits.labels)
    assert list(thresholds.values()) == pytest.approx(of_val, abs=1e-3)
    assert list(thresholds.values()) != pytest.approx(of_test, abs=1e-3)
    pixels, name, corners = box_scene(8)
    answers = run.opened(pixels[None].astype("float32"), training=False)
    answers = {key: value.numpy() for key, value in answers.items()}
    assert ["blue", "red"][answers["labels"][0, 0]] == name
    assert np.abs(answers["boxes"][0, 0] - corners).max() < 8
    assert (np.diff(answers["scores"][0]) <= 0).all()


def test_adapters_are_counted_and_merged_into_the_saved_file(trained: Make) -> None:
    run = trained("text_classification")
    tune = json.loads((run.folder / "report.json").read_text())["phases"][1]
    # one block, its queries and values, (64, 2, 32): Keras splits off the last axis; and the head, on two blocks
    assert tune["trained_parameters"] == 2 * (64 * 2 * 4 + 4 * 32) + 2 * 64 * 2 + 2
    saved = run.opened
    assert not [weight.path for weight in saved.weights if "lora" in weight.path]


@pytest.mark.slow
def test_a_summary_has_scores_of_its_own(trained: Make) -> None:
    assert set(trained("summarization").scores["test"]) == {"rouge1", "rouge2", "rougeL"}


def test_a_translation_that_is_opened_again_has_the_scores_of_the_run(trained: Make) -> None:
    run = trained("translation")
    assert set(run.scores) == {"val", "test"}
    assert set(run.scores["val"]) == {"bleu", "chrf"}
    answer, texts = open_run(run.folder), run.recipe.load_data(run.config).test
    page = (run.folder / "report.html").read_text()
    assert any(text in page for text in texts.texts)
    assert answer([]) == []
    assert answer("the exam").text == answer([b"the exam"])[0].text
