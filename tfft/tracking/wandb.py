"""Weights & Biases: the project WANDB_PROJECT, by default tfft; WANDB_MODE=offline logs to a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfft.tracking.tracker import About, Outcome, numbers


@dataclass(frozen=True)
class WeightsAndBiases:
    """A run in Weights & Biases. It is never the active run, so that a run of the person's own stays what it is."""

    known_as: str
    run: Any
    """A `wandb.Run`."""

    @property
    def where(self) -> str:
        """The page of the run, or the folder to send with `wandb sync`."""
        return str(Path(self.run.dir).parent) if self.run.offline else self.run.url

    def settings(self, values: Mapping[str, Any]) -> None:
        """Logs the settings as the configuration of the run."""
        self.run.config.update(dict(values), allow_val_change=True)

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Logs an epoch."""
        self.run.log({"phase": row["phase"], **numbers(row)}, step=row["epoch"])

    def results(self, scores: Mapping[str, float], folder: Path, contents: Sequence[Path]) -> None:
        """Logs the scores to the summary, the report as a panel, and the files as an artifact of the type model."""
        import wandb

        self.run.summary.update(dict(scores))
        self.run.log({"report": wandb.Html(str(folder / "report.html"), inject=False)})
        artifact = wandb.Artifact(self.run.id, type="model")
        for path in contents:
            if path.is_dir():
                artifact.add_dir(str(path), name=path.name)
            else:
                artifact.add_file(str(path))
        self.run.log_artifact(artifact)

    def end(self, outcome: Outcome) -> None:
        """Waits until everything is sent."""
        self.run.finish(exit_code=0 if outcome == "finished" else 1)

    def discard(self) -> None:
        """Ends the run, and deletes it on the server or, offline, its folder."""
        import wandb

        offline, folder = self.run.offline, Path(self.run.dir).parent
        self.end("failed")
        if offline:
            shutil.rmtree(folder)
        else:
            wandb.Api().run(self.run.path).delete()


def open_tracker(about: About) -> WeightsAndBiases:
    """A new run, or the interrupted one."""
    import wandb

    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", "tfft"),
        name=about.name,
        group=about.recipe,
        id=None if about.known_as is None else about.known_as.rpartition("/")[-1],
        resume="allow",
        reinit="create_new",
        settings=wandb.Settings(console="off"),  # tfft writes the screen of a run to it already
    )
    return WeightsAndBiases(run.path, run)  # with the project: in another one it is another run
