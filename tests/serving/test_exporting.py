from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tfft.errors import ConfigError
from tfft.serving import open_run
from tfft.serving.exporting import Examples, check_format, export_run

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


@pytest.mark.parametrize("name", ["saved_model", "litert", "litert-int8", "onnx"])
def test_an_export_that_answers_otherwise_is_not_kept(
    name: str, run_of: Run, examples: Examples, tmp_path: Path
) -> None:
    predict = open_run(run_of("classification"))
    # a model that was trained on other pixels: what is exported has the wrong preprocessing
    trained = replace(predict, outputs=lambda pixels: predict.outputs(255 - pixels))
    with pytest.raises(ConfigError, match="does not answer as the trained model does and was not kept"):
        export_run(trained, [name], tmp_path / "out", examples)
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_does_not_fit_is_known_before_anything_is_computed(run_of: Run) -> None:
    predict = open_run(run_of("classification"))
    with pytest.raises(ConfigError, match=r"Unknown format 'tflite'.*litert-int8"):
        check_format(predict, "tflite")
    generating = replace(predict, contract=replace(predict.contract, task="translation", generation=True))
    with pytest.raises(ConfigError, match=r"token by token.*saved_model, mlflow"):
        check_format(generating, "onnx")
