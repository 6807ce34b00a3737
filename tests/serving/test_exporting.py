from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tfft import using
from tfft.errors import ConfigError
from tfft.serving import open_run
from tfft.serving.comparing import Compared
from tfft.serving.exporting import FORMATS, Examples, _check, check_format, export_run

Run = Callable[[str], Path]


def test_an_export_is_kept_once_it_answers_as_the_model(run_of: Run, examples: Examples, tmp_path: Path) -> None:
    predict = open_run(run_of("classification"))
    compared = export_run(predict, ["litert", "onnx"], tmp_path / "out", examples)
    for name, one in compared.items():
        assert (one.examples, one.agreement, one.name, one.exported) == (6, 1, "accuracy", 1), name
        assert one.difference < 1e-5, name
        assert {path.name for path in (tmp_path / "out" / name).iterdir()} >= {"serving.json", "use.py"}
    with pytest.raises(ConfigError, match="exists already"):
        export_run(predict, ["saved_model", "litert"], tmp_path / "out", examples)  # known before any is written
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["litert", "onnx"]


@pytest.mark.parametrize("name", ["saved_model", "litert-int8"])
def test_an_export_that_answers_otherwise_is_not_kept(
    name: str, run_of: Run, examples: Examples, tmp_path: Path
) -> None:
    predict = open_run(run_of("classification"))
    # a model that was trained on other pixels: what is exported has the wrong preprocessing
    trained = replace(predict, outputs=lambda pixels: predict.outputs(255 - pixels))
    with pytest.raises(ConfigError, match="does not answer as the trained model does and was not kept"):
        export_run(trained, [name], tmp_path / "out", examples)
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_the_formats_that_there_are() -> None:
    assert list(using.FORMATS) == list(FORMATS)


@pytest.mark.parametrize(
    ("name", "task", "difference", "agreement", "exported", "kept"),
    [
        ("onnx", "classification", 9e-4, 0.5, 0.8, True),
        ("onnx", "classification", 2e-3, 1.0, 0.8, False),
        ("onnx", "classification", 0.0, 1.0, 0.797, False),
        ("onnx", "detection", 0.9, 0.98, 0.799, True),
        ("onnx", "detection", 0.0, 0.96, 0.8, False),
        ("litert-int8", "classification", 0.9, 0.5, 0.814, True),
        ("litert-int8", "classification", 0.0, 1.0, 0.784, False),
        ("onnx", "classification", float("nan"), 1.0, 0.8, False),
    ],
)
def test_the_bounds(name: str, task: str, difference: float, agreement: float, exported: float, kept: bool) -> None:
    compared = Compared(9, difference, agreement, "accuracy", 0.8, exported, 1.0, 1.0)
    with nullcontext() if kept else pytest.raises(ConfigError, match="was not kept"):
        _check(name, task, compared)


def test_a_format_that_does_not_fit_is_known_before_anything_is_computed(run_of: Run) -> None:
    predict = open_run(run_of("classification"))
    with pytest.raises(ConfigError, match=r"Unknown format 'tflite'.*litert-int8"):
        check_format(predict, "tflite")
    generating = replace(predict, contract=replace(predict.contract, task="translation", generation=True))
    with pytest.raises(ConfigError, match=r"token by token.*saved_model, mlflow"):
        check_format(generating, "onnx")
