from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfft.data import Label, Record
from tfft.errors import ConfigError
from tfft.serving import open_run
from tfft.serving.exporting import FORMATS, Examples, check_format, export, export_run
from tfft.serving.scoring import truths_of
from tfft.store import Storage

Run, Paint = Callable[[str], Path], Callable[..., np.ndarray]

LINES = """
import os, sys
from pathlib import Path
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tfft", "recipes"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
for folder in sys.argv[1:]:
    os.chdir(folder)
    exec(Path("use.py").read_text(), {})
"""


@pytest.fixture
def examples(run_of: Run, painted: Paint, png: Callable) -> Examples:
    predict = open_run(run_of("classification"))
    rng = np.random.default_rng(0)
    records = []
    for number in range(12):
        colour = predict.labels[number % 3]
        picture = painted(colour, 16, 16, 120) + rng.integers(0, 80, (16, 16, 3), np.uint8)
        records.append(Record(encoded(picture), Label(colour), f"{number}.png", digest=str(number)))
    return Examples(truths_of(predict.contract, records[:6], Storage()), records[6:])


def encoded(picture: np.ndarray) -> bytes:
    import io

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def used(folders: Sequence[Path], picture: np.ndarray) -> list[str]:
    """What the lines of exports print about a picture, in a process without tfft."""
    for folder in folders:
        Image.fromarray(picture).save(folder / "picture.jpg", quality=100)
    done = subprocess.run([sys.executable, "-c", LINES, *map(str, folders)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_exports_answer_as_the_model_in_their_own_runtimes(
    run_of: Run, painted: Paint, examples: Examples, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "tfft")
    predict = open_run(run_of("classification"))
    compared = export_run(predict, list(FORMATS), tmp_path / "out", examples)
    assert list(compared) == ["saved_model", "litert", "litert-int8", "onnx", "mlflow"]
    for name, one in compared.items():
        assert (one.examples, one.agreement, one.name, one.exported) == (6, 1, "accuracy", 1), name
        assert one.difference < (0.02 if name == "litert-int8" else 1e-5), name
        assert {path.name for path in (tmp_path / "out" / name).iterdir()} >= {"serving.json", "use.py"}
    folders = [tmp_path / "out" / name for name in FORMATS if name != "mlflow"]
    assert [line.split()[0] for line in used(folders, painted("green"))] == ["green"] * 4
    with pytest.raises(ConfigError, match="exists already"):
        export(predict, "litert", tmp_path / "out/litert", examples)
    for word in ("saved_model", "use.py", "import onnxruntime"):
        assert word in caplog.text


@pytest.mark.parametrize("name", ["saved_model", "litert", "litert-int8", "onnx"])
def test_an_export_that_answers_otherwise_is_not_kept(
    name: str, run_of: Run, examples: Examples, tmp_path: Path
) -> None:
    predict = open_run(run_of("classification"))
    # a model that was trained on other pixels: what is exported has the wrong preprocessing
    trained = replace(predict, outputs=lambda pixels: predict.outputs(255 - pixels))
    with pytest.raises(ConfigError, match="does not answer as the trained model does and was not kept"):
        export_run(trained, [name], tmp_path / "out", examples)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_format_that_does_not_fit_is_known_before_anything_is_computed(run_of: Run) -> None:
    predict = open_run(run_of("classification"))
    with pytest.raises(ConfigError, match=r"Unknown format 'tflite'.*litert-int8"):
        check_format(predict, "tflite")
    generating = replace(predict, contract=replace(predict.contract, task="translation", generation=True))
    with pytest.raises(ConfigError, match=r"token by token.*saved_model, mlflow"):
        check_format(generating, "onnx")
