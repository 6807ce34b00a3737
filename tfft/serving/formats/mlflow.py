"""MLflow's pyfunc: the run folder itself, opened by tfft, for MLflow's server and Spark."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tfft.serving.answers import Answer, Boxes, Mask, columns_of
from tfft.serving.asked import Asked
from tfft.serving.contract import CONTRACT, PictureInput
from tfft.serving.formats.graph import Format
from tfft.serving.outputs import Outputs
from tfft.serving.predictor import Predictor, open_run
from tfft.version import __version__

FILE = "mlflow"
MODULE = "tfft.serving.formats.mlflow"


class Answerer:
    """What MLflow calls: from paths, bytes or texts to a table of answers, one row each."""

    def __init__(self, predict: Predictor):
        self._predict = predict

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Answers for the first column, or the one that is named as in the run.

        Args:
            model_input: A `pandas.DataFrame`, or a list or array of paths, bytes or texts.
            params: Not used.

        Returns:
            A `pandas.DataFrame`: the label first, boxes and masks as JSON, and in column `error` why an input cannot
            be read.
        """
        import pandas as pd

        takes = self._predict.contract.input
        if isinstance(model_input, pd.DataFrame):
            named = takes.column if takes.column in model_input.columns else model_input.columns[0]
            model_input = model_input[named]
        # one answer for each: a path of a folder is no folder of inputs here
        take = Path if isinstance(takes, PictureInput) else str
        given = [take(one) if isinstance(one, str) else one for one in model_input]
        items = [Asked(str(number), one) for number, one in enumerate(given)]
        rows = [_row(answer) for answer in self._predict.answers(items)]
        columns = [name for name in columns_of(self._predict.task, self._predict.contract.labels) if name != "input"]
        kept = columns if self._predict.task not in ("detection", "segmentation") else ["json", "error"]
        return pd.DataFrame([{name: row.get(name) for name in kept} for row in rows], columns=kept)

    def get_raw_model(self) -> Predictor:
        """What MLflow's `get_raw_model` returns."""
        return self._predict


def _row(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, (Boxes, Mask)):
        return {"json": json.dumps({name: value for name, value in answer.json().items() if name != "input"})}
    return answer.rows()[0]


def _load_pyfunc(path: str) -> Answerer:
    """What MLflow looks for: opens the run folder in a saved model."""
    from tfft.runs.starting import import_keras

    import_keras()
    return Answerer(open_run(path))


def write(predict: Predictor, folder: Path, sample: np.ndarray | None) -> None:
    """Writes the folder `mlflow`, with `model.keras` and `serving.json` inside."""
    import mlflow.pyfunc

    run = folder / "run"
    run.mkdir()
    for name in ("model.keras", CONTRACT):
        shutil.copyfile(predict.folder / name, run / name)
    needs = [f"tfft{'' if isinstance(predict.contract.input, PictureInput) else '[text]'}=={__version__}", "pandas"]
    mlflow.pyfunc.save_model(path=str(folder / FILE), loader_module=MODULE, data_path=str(run), pip_requirements=needs)
    shutil.rmtree(run)


def open_files(predict: Predictor, folder: Path) -> Outputs:
    """Opens it with MLflow."""
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder / FILE)).get_raw_model().outputs


def lines(predict: Predictor) -> str:
    """How it is used."""
    column = json.dumps(predict.contract.input.column)
    return (
        "import sys\n\nimport mlflow.pyfunc\nimport pandas as pd\n\n"
        f'model = mlflow.pyfunc.load_model("{FILE}")  # needs tfft\n'
        f"print(model.predict(pd.DataFrame({{{column}: sys.argv[1:]}})))\n"
    )


MLFLOW = Format(write, open_files, lines)
