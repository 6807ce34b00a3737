"""A search on the disk: its folder, what it is a search of, and the study of Optuna, which any process can continue."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfft import files
from tfft.errors import ConfigError, ConflictError, DataError, listed
from tfft.runs.folders import LOCK, changed_settings
from tfft.runs.replay import as_json
from tfft.searching.space import Space, distributions, middle

if TYPE_CHECKING:
    import optuna

    from tfft.pages import Page
    from tfft.training import Plan

ABOUT, STUDY = "search.json", "study.db"
"""The files with what is searched, and with the trials."""
EARLIEST = 3
"""Epochs, and finished trials, before which no trial is stopped: scores differ too much between them."""

ENOUGH = 8
"""Finished trials from which importances mean something."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keeps a folder for one search at a time; a new one that stays empty is removed.

    Raises:
        ConfigError: If the folder has other files.
        ConflictError: If another search is using it.
    """
    import filelock

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ConfigError(f"`--out` {folder} is a file", fix="Choose a new or empty folder") from None
    names = sorted(path.name for path in folder.iterdir() if not files.is_half_written(path))
    if ABOUT not in names and (foreign := [name for name in names if name != LOCK]):
        raise ConfigError(
            f"`--out` {folder} already holds other files ({listed(foreign, most=4)})",
            fix="Choose another folder, or empty it yourself; tfft never deletes files",
        )
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ConflictError(f"Another search is using {folder}", fix="Choose another `--out`") from None
    try:
        yield
    finally:
        with suppress(OSError):  # first, since a file that is not locked may already be locked by another search
            (folder / LOCK).unlink()
        lock.release()
        with suppress(OSError):  # it has files
            folder.rmdir()


@dataclass(frozen=True)
class About:
    """What a search is a search of; trials of two different ones cannot be compared."""

    page: Page
    config: Any
    """The configuration in the middle."""
    space: Space
    monitor: str
    """The score: of validation, never of test."""
    mode: str
    """`"max"` or `"min"`."""
    labels: list[str]
    examples: dict[str, str]
    """By split, a digest of its examples and their targets."""
    first: dict[str, Any]
    """Values of the first trial: those of the configuration."""

    @classmethod
    def of(cls, page: Page, config: Any, space: Space, plan: Plan) -> About:
        """What a search of this plan is."""
        from tfft.training.origin import Origin

        origin = Origin.of(plan)
        examples = {
            name: hashlib.blake2b(keys.tobytes() + origin.targets[name].encode(), digest_size=16).hexdigest()
            for name, keys in origin.examples.items()
        }
        first = middle(space, config, plan)
        return cls(page, config, space, plan.task.monitor, plan.task.mode, origin.labels, examples, first)

    @property
    def described(self) -> dict[str, Any]:
        """As JSON values."""
        names = ("space", "monitor", "mode", "labels", "examples")
        return {
            **self.page.described(),
            "config": as_json(self.config),
            **{name: getattr(self, name) for name in names},
        }

    def begin(self, folder: Path) -> None:
        """Writes `search.json`, or checks that the search in the folder is this one.

        Raises:
            ConfigError: If it is of another recipe, page, configuration or space, or the file is damaged.
            DataError: If it is of other data.
        """
        now, path = self.described, folder / ABOUT
        if not path.exists():
            files.write_json(path, now)
            return
        try:
            before = files.read_json(path)
            other = [name for name in ("recipe", "page") if before.get(name) != now.get(name)]
            settings = list(changed_settings(before, self.config))
            spaces = list(_differences(before["space"], self.space))
            data = any(before[name] != now[name] for name in ("labels", "examples"))
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ConfigError(f"{path} is damaged: {error}", fix="Choose another `--out`") from None
        fix = "Choose another `--out`"
        if other:
            raise ConfigError(f"`--out` {folder} has a search of another {other[0]}", fix=fix)
        if settings:
            raise ConfigError(f"`--out` {folder} has a search with other settings: {listed(settings, most=6)}", fix=fix)
        if data:
            raise DataError(f"The data have changed since the search in {folder} began", fix=f"Restore them, or {fix}")
        if spaces:
            raise ConfigError(f"`--out` {folder} has a search of another space: {listed(spaces, most=6)}", fix=fix)


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """How two spaces differ: `"dropout [0.0, 0.3] (was [0.0, 0.5])"`."""
    for name in dict.fromkeys([*before, *now]):
        if before.get(name) != now.get(name):
            yield f"{name} {now.get(name, 'is held')} (was {before.get(name, 'held')})"


@contextmanager
def open_study(folder: Path, mode: str) -> Iterator[optuna.Study]:
    """The study in a folder, a new one or one to continue. A trial that its process has not ended counts as failed.

    Raises:
        ConfigError: If the file is damaged.
    """
    import optuna
    import sqlalchemy

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    url = sqlalchemy.URL.create("sqlite", database=str(folder.resolve() / STUDY)).render_as_string()
    storage = None
    try:
        storage = optuna.storages.RDBStorage(url)
        study = optuna.create_study(
            storage=storage,
            study_name="search",
            direction={"max": "maximize", "min": "minimize"}[mode],
            pruner=optuna.pruners.MedianPruner(EARLIEST, EARLIEST),
            load_if_exists=True,
        )
        for begun in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
            _tell(study, begun.number, begun.user_attrs.get("row", {"state": "killed"}))
    except sqlalchemy.exc.DatabaseError as error:
        raise ConfigError(f"{folder / STUDY} is damaged: {error.orig}", fix="Choose another `--out`") from None
    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def next_trial(study: optuna.Study, space: Space, seed: int, first: Mapping[str, Any]) -> optuna.Trial:
    """A new trial, with its values.

    They depend on the seed and on the trials that have ended, so a search that was stopped continues with the same.

    Args:
        study: The study.
        space: What is searched.
        seed: Of the search.
        first: Values of the first trial; what is missing is drawn.
    """
    import numpy as np
    import optuna

    done = len(ended(study))
    own = int(np.random.SeedSequence([seed, done]).generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=own)
    waiting = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.WAITING])
    if done == 0 and not waiting:
        study.enqueue_trial(dict(first))
    return study.ask(distributions(space))


def end(study: optuna.Study, trial: optuna.Trial, row: Mapping[str, Any]) -> None:
    """Ends a trial.

    Args:
        study: The study.
        trial: The trial.
        row: Its `state`: finished, stopped, diverged or impossible; its `score`; and what else is to be kept.
    """
    trial.set_user_attr("row", dict(row))
    _tell(study, trial.number, row)


def _tell(study: optuna.Study, number: int, row: Mapping[str, Any]) -> None:
    from optuna.trial import TrialState

    states = {"finished": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "diverged": TrialState.PRUNED}
    state = states.get(row["state"], TrialState.FAIL)
    study.tell(number, row["score"] if state == TrialState.COMPLETE else None, state=state)


def ended(study: optuna.Study) -> list[dict[str, Any]]:
    """The rows of the trials that were not killed, in their order, with the values of each as `values`."""
    trials = study.get_trials(deepcopy=False)
    return [
        {**trial.user_attrs["row"], "values": dict(trial.params)}
        for trial in trials
        if trial.state.is_finished() and "row" in trial.user_attrs
    ]


def importances(study: optuna.Study) -> dict[str, float]:
    """By setting its share in the differences between the scores, the largest first (PED-ANOVA, Watanabe et al. 2023,
    arXiv:2304.10255); empty before there are enough trials."""
    import optuna

    finished = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    if len(finished) < ENOUGH or len({trial.value for trial in finished}) == 1:
        return {}
    shares = optuna.importance.get_param_importances(study)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
