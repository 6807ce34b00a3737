from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfft import front
from tfft.serving import open_run
from tfft.serving.exporting import FORMATS, Examples, export_run
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
folders, sys.argv[1:] = sys.argv[2:], sys.argv[1:2]
for folder in folders:
    os.chdir(folder)
    exec(Path("use.py").read_text(), {})
"""


def used(folders: Sequence[Path], picture: np.ndarray) -> list[str]:
    """What the lines of exports print about a picture, or a text of its name, in a process without tfft."""
    path = folders[0].parent / "picture.png"
    Image.fromarray(picture).save(path)
    done = subprocess.run([sys.executable, "-c", LINES, str(path), *map(str, folders)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
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
    for word in ("saved_model", "use.py", "import onnxruntime"):
        assert word in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "formats"),
    [
        ("object_detection", ["saved_model", "litert", "onnx"]),
        ("semantic_segmentation", ["saved_model", "litert", "litert-int8", "onnx"]),
        ("image_regression", ["saved_model", "litert", "onnx"]),
        ("text_classification", ["saved_model", "litert", "onnx", "mlflow"]),
        ("translation", ["saved_model", "mlflow"]),
    ],
)
def test_every_task_can_be_exported(recipe: str, formats: list[str], painted: Paint, tmp_path: Path) -> None:
    page = importlib.import_module(f"recipes.{recipe}")
    config = replace(page.SMOKE, out=str(tmp_path / "run"), store=Storage(folder=str(tmp_path / "store")))
    page.run(replace(config, head=replace(config.head, epochs=2), tune=replace(config.tune, epochs=0)))
    compared = front.export(tmp_path / "run", formats)
    assert list(compared) == formats
    folders = [tmp_path / "run/export" / name for name in formats if name != "mlflow"]
    assert used(folders, painted("green"))
