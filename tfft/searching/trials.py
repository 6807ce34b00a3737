"""A search: trials that train as a run would and are scored on validation alone, and a run of the best."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tqdm import tqdm

from tfft import extras, reporting, runs, training, workflow
from tfft.errors import ConfigError, DivergedError, check_range, counted
from tfft.results import Result, open_result
from tfft.runs.folders import changed_settings
from tfft.runs.graphs import graphs_freed
from tfft.runs.output import errors_only
from tfft.runs.replay import CONFIG, as_json, read_run
from tfft.searching import space as spaces
from tfft.searching.study import About, claimed, end, ended, importances, next_trial, open_study
from tfft.settings import applied
from tfft.trying import without_test

logger = logging.getLogger(__name__)

TRAINING_ONLY = {"batch_size", "dropout", "features", "head", "hidden", "pooling", "precision", "tune"}
"""Settings that no data depend on."""
MOST_LOADED = 8
"""Data of different settings that are kept open."""


@dataclass(frozen=True, eq=False)
class Searched:
    """What a search leaves behind."""

    best: Result
    """The run of the best trial, with its scores on all splits."""
    values: dict[str, Any]
    """The settings of the best trial, those that were searched."""
    trials: list[dict[str, Any]]
    """The rows of `trials.csv`."""
    folder: Path


def search(
    page: ModuleType,
    config: Any,
    *,
    trials: int = 30,
    space: Mapping[str, Any] | None = None,
    backbones: Sequence[str] = (),
) -> Searched:
    """Searches the settings of a recipe, and runs it with the best; continues the search that is in its folder.

    Args:
        page: The page of the recipe.
        config: The settings in the middle: the first trial has them, and ranges are around them. `out` is the folder.
        trials: How many trials the folder is to have in the end.
        space: Changes to what is searched, see `read_space`.
        backbones: Backbones to choose from.

    Raises:
        ConfigError: If the space is wrong, the folder has another search or other files, or no trial could be trained.
        DataError: If the data have changed since the search began.
        MachineError: If Optuna is not installed.
    """
    extras.require("search", "A search")
    check_range("trials", trials, least=1, most=100_000)
    if getattr(config, "recipe", "plain") == "auto" or getattr(config, "time_budget", None):
        raise ConfigError(
            "`--recipe auto` and `--time-budget` change settings, which a search compares",
            fix="Leave them out; `tfft plan` shows the advice",
        )
    backbones = [backbones] if isinstance(backbones, str) else backbones
    named = {"backbone": list(dict.fromkeys(backbones))} if backbones else {}
    given = spaces.read_space({**named, **(space or {})}, config)
    held = {name: values[0] for name, values in given.items() if len(values) == 1}
    config = applied(config, held)
    given = {name: values for name, values in given.items() if name not in held}
    recipe, renew = without_test(page.RECIPE, _loaded_by, most=MOST_LOADED), _renewing(config.backbone)
    folder = Path(config.out or f"runs/search-{recipe.page.name}")
    with claimed(folder):
        about = _about(recipe, config, {*held}, given)
        about.begin(folder)
        with open_study(folder, about.mode) as study:
            _run_trials(study, trials, recipe, about, renew, folder)
            done, weights = ended(study), importances(study)
        best = _best(done, about)
        rows = _rows(done, about)
        reporting.write_search(about.described, rows, best, weights, folder)
        logger.info(
            "Best: trial %d, %s. Running it once more, with the test split", best + 1, _scored(done[best], about)
        )
        renew()
        result = _run_best(page, applied(about.config, done[best]["values"]), folder)
    logger.info("All trials: %s, %s", folder / "search.html", folder / "trials.csv")
    return Searched(result, done[best]["values"], rows, folder)


def _loaded_by(config: Any) -> str:
    """What the data of a trial depend on."""
    return json.dumps({name: value for name, value in as_json(config).items() if name not in TRAINING_ONLY})


def _renewing(backbone: Any) -> Callable[[], None]:
    """A function that gives a backbone that was passed as an object its weights back: trials train it in place."""
    if isinstance(backbone, str):
        return lambda: None
    network = getattr(backbone, "model", backbone)  # of an encoder
    weights = network.get_weights()
    return lambda: network.set_weights(weights)


def _about(recipe: workflow.Recipe, config: Any, held: Set[str], given: spaces.Space) -> About:
    """What is searched: the default space for these data and backbones, without `held`, and with what was given."""
    backbones = given.get("backbone", [config.backbone])
    config = replace(config, backbone=backbones[0])
    plans = [_planned(recipe, replace(config, backbone=backbone)) for backbone in backbones]
    space = {name: values for name, values in spaces.default_space(config, plans).items() if name not in held} | given
    if not space:
        raise ConfigError("There is nothing to search", fix=f"Name settings, for instance {spaces.EXAMPLE}")
    spaces.check_loss(space, plans[0].task.monitor)
    deepest = {name: spaces.largest(given[name]) for name in given if name.endswith(("features", "unfreeze"))}
    for backbone in backbones if deepest else ():  # too many stages or blocks are noticed before the first trial
        _planned(recipe, applied(config, {**deepest, "backbone": backbone}))
    return About.of(recipe.page, config, space, plans[0])


def _planned(recipe: workflow.Recipe, config: Any) -> training.Plan:
    with runs.rehearse(recipe.page, config) as current, graphs_freed():
        return workflow.prepare(recipe, current, quietly=True)[2]


def _run_trials(
    study: Any, count: int, recipe: workflow.Recipe, about: About, renew: Callable[[], None], folder: Path
) -> None:
    """Trains what is missing of `count` trials."""
    done = ended(study)
    if len(done) < count:
        going_on = f", {len(done)} of which are done" if done else ""
        logger.info(
            "Searching in %s%s; %s decides, on the validation split", counted(count, "trial"), going_on, about.monitor
        )
        reporting.show_rows(
            [{"setting": name, "values": spaces.in_words(name, about.space[name])} for name in about.space]
        )
    try:
        while len(done) < count:
            label = f"Trial {len(done) + 1} of {count}"
            trial = next_trial(study, about.space, about.config.seed, about.first)
            renew()
            row = _train(recipe, about.config, trial, about.monitor, label)
            end(study, trial, row)
            done = ended(study)
            reporting.write_trials(_rows(done, about), folder)
            values = ", ".join(f"{name} {spaces.shown(value)}" for name, value in trial.params.items())
            logger.info("%s: %s in %.0f s: %s", label, _scored(row, about), row["seconds"], values)
    except KeyboardInterrupt:
        logger.info("The search has %s so far; type the same command to continue", counted(len(done), "trial"))
        raise


def _train(recipe: workflow.Recipe, config: Any, trial: Any, monitor: str, label: str) -> dict[str, Any]:
    """Trains one trial, with its values in a configuration: its state, score, epochs and seconds."""
    import optuna

    start, history, state, reason = time.monotonic(), training.History(), "finished", ""
    try:
        config = applied(config, trial.params)
        with errors_only(), runs.rehearse(recipe.page, config) as current, graphs_freed():
            _, backbone, plan = workflow.prepare(recipe, current, quietly=True)
            plan = training.store_and_balance(plan, recipe.tasks(config, backbone, plan))
            epochs = sum(1 if p.phase.optimizer == "lbfgs" else p.phase.epochs for p in plan.phases)
            with tqdm(total=epochs, desc=label, unit="epoch", disable=None, leave=False) as bar:

                def watch(so_far: training.History) -> None:
                    nonlocal history
                    history = so_far
                    bar.update()
                    if history.best is not None:
                        # the best so far: that is what the trial is worth
                        trial.report(history.best_row[monitor], len(history.rows))
                        if trial.should_prune():
                            raise optuna.TrialPruned

                training.fine_tune(plan, watch=watch, quietly=True)
    except optuna.TrialPruned:
        state = "stopped"
    except DivergedError as error:
        state, reason = "diverged", str(error)
    except ConfigError as error:  # values that do not go together
        state, reason = "impossible", str(error)
    best = {} if history.best is None else history.best_row
    if state == "finished" and not best:
        state, reason = "diverged", f"{monitor} was never a number"
    return {
        "state": state,
        "score": best.get(monitor),
        "val_loss": best.get("val_loss"),
        "epochs": len(history.rows),
        "best_epoch": best.get("epoch"),
        "seconds": round(time.monotonic() - start, 1),
        "reason": reason,
    }


def _scored(row: Mapping[str, Any], about: About) -> str:
    """How a trial ended: `"val_accuracy 0.9412"`, `"stopped after epoch 5, val_accuracy 0.8"`."""
    score = "" if row["score"] is None else f"{about.monitor} {row['score']:.4f}"
    ending = {"finished": "", "stopped": f"stopped after epoch {row['epochs']}"}.get(row["state"], row["state"])
    return ", ".join(filter(None, [ending, score])) + (f" ({row['reason']})" if row["reason"] else "")


def _rows(done: Sequence[Mapping[str, Any]], about: About) -> list[dict[str, Any]]:
    """The rows of `trials.csv`."""
    return [
        {
            "trial": number,
            "state": row["state"],
            about.monitor: row["score"],
            **{name: row[name] for name in ("val_loss", "epochs", "best_epoch", "seconds")},
            **{name: row["values"][name] for name in about.space},
            "reason": row["reason"],
        }
        for number, row in enumerate(done, start=1)
    ]


def _best(done: Sequence[Mapping[str, Any]], about: About) -> int:
    """The index of the best trial; of equal ones, that with the lower validation loss.

    Raises:
        ConfigError: If no trial has a score.
    """
    sign = 1 if about.mode == "max" else -1
    usable = [number for number, row in enumerate(done) if row["state"] in ("finished", "stopped")]
    if not usable:
        reason = f": {done[-1]['reason']}" if done else ""
        raise ConfigError(
            f"No trial could be trained{reason}", fix="Narrow the ranges with `--space`, in another `--out`"
        )
    return max(usable, key=lambda number: (sign * done[number]["score"], -done[number]["val_loss"]))


def _run_best(page: ModuleType, config: Any, folder: Path) -> Result:
    """Runs the best trial in `best`; in `best-2` and so on, if `best` has that of a search with fewer trials."""
    for name in itertools.chain(["best"], (f"best-{number}" for number in itertools.count(2))):
        best = folder / name
        if not (best / CONFIG).exists() or not any(changed_settings(read_run(best), config)):
            break
    if (best / runs.FINISHED).exists():
        return open_result(best)
    return page.run(replace(config, out=str(best)))
