"""MLflow: the server or database of MLFLOW_TRACKING_URI, or MLflow's default place."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.tracking.tracker import About, Outcome, numbers

LONGEST = 6000
"""Characters of a parameter or a tag that MLflow takes."""
AT_ONCE = 100
"""Parameters that MLflow takes at once."""
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""How long a run waits for a server, unless you have set it: by MLflow's own defaults more than four minutes."""
STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


@dataclass(frozen=True)
class MLflow:
    """A run in MLflow. It is never the active run, so that a run of the person's own stays what it is, unless
    `mlflow.autolog` watches Keras."""

    known_as: str
    experiment: str
    """Its number."""
    client: Any

    @property
    def where(self) -> str:
        """The page of the run, and for a database how to open it."""
        uri, page = self.client.tracking_uri.rstrip("/"), f"#/experiments/{self.experiment}/runs/{self.known_as}"
        if uri.startswith("http"):
            return f"{uri}/{page}"
        return f"mlflow server --backend-store-uri {shlex.quote(uri)}, then http://127.0.0.1:5000/{page}"

    def settings(self, values: Mapping[str, Any]) -> None:
        """Logs the settings as parameters. One that is known keeps its value: MLflow refuses to change any."""
        from mlflow.entities import Param

        known = self.client.get_run(self.known_as).data.params
        params = [Param(name, str(value)[:LONGEST]) for name, value in values.items() if name not in known]
        for first in range(0, len(params), AT_ONCE):
            self.client.log_batch(self.known_as, params=params[first : first + AT_ONCE])

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Logs an epoch as metrics."""
        self._log(numbers(row), step=row["epoch"])

    def results(self, scores: Mapping[str, float], folder: Path, contents: Sequence[Path]) -> None:
        """Logs the scores as metrics, the files as artifacts, and the model card as description."""
        self._log(scores, step=0)
        card = folder / "model_card.md"
        if card.exists():
            self.client.set_tag(self.known_as, "mlflow.note.content", card.read_text(encoding="utf-8")[:LONGEST])
        for path in contents:
            self.client.log_artifact(self.known_as, str(path))

    def end(self, outcome: Outcome) -> None:
        """Sets the status of the run."""
        self.client.set_terminated(self.known_as, STATUS[outcome])

    def discard(self) -> None:
        """Deletes the run."""
        self.end("failed")
        self.client.delete_run(self.known_as)

    def _log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        self.client.log_batch(self.known_as, [Metric(name, value, now, step) for name, value in values.items()])


def open_tracker(about: About) -> MLflow:
    """A new run of the experiment MLFLOW_EXPERIMENT_NAME, by default that of the recipe; or the interrupted run."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    for name, most in PATIENCE.items():
        os.environ.setdefault(name, most)
    client = MlflowClient()
    if about.known_as is not None:
        with suppress(MlflowException):  # another server, or the run was deleted there
            client.update_run(about.known_as, status="RUNNING")
            return MLflow(about.known_as, client.get_run(about.known_as).info.experiment_id, client)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME", about.recipe)
    if client.get_experiment_by_name(name) is None:
        with suppress(MlflowException):  # another run has just made it
            client.create_experiment(name)
    number = client.get_experiment_by_name(name).experiment_id
    tags = {"mlflow.source.name": f"tfft {about.recipe}", "folder": str(about.folder)}
    run = client.create_run(number, run_name=about.name, tags=tags)
    return MLflow(run.info.run_id, number, client)
