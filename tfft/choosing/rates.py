"""Which learning rate suits a phase: a range test that begins where the phase would begin in a run."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import ModuleType
from typing import Any

from tfft import reporting, runs, training, workflow
from tfft.choosing.choice import new_folder
from tfft.choosing.measuring import loaded_by
from tfft.choosing.typed import typed
from tfft.errors import ConfigError, listed
from tfft.runs.graphs import graphs_freed
from tfft.settings import applied
from tfft.trying import without_test

logger = logging.getLogger(__name__)


def find_rate(page: ModuleType, config: Any, *, phase: str | None = None) -> training.RangeTest:
    """Finds a learning rate for a phase, writes what was seen, and says what to type.

    Args:
        page: The page of the recipe.
        config: Its settings; `out` is a new folder for the table and the plot.
        phase: The phase; by default the last that is trained, not solved.

    Raises:
        ConfigError: If the phase has no epochs, or its head is solved.
        DataError: If the data cannot be used.
    """
    recipe = without_test(page.RECIPE, loaded_by)
    folder = new_folder(config.out, f"lr-{recipe.page.name}")
    with runs.rehearse(recipe.page, config) as current, graphs_freed():
        current, backbone, plan = workflow.prepare(recipe, current, quietly=True)
        number = _asked(plan, phase)
        plan = training.store_and_balance(plan, recipe.tasks(current.config, backbone, plan))
        if number:
            training.fine_tune(replace(plan, phases=plan.phases[:number]))
        planned = plan.phases[number]
        test = training.range_test(plan, planned)
    folder.mkdir(parents=True, exist_ok=True)
    reporting.write_rates(test, folder)
    command = typed(page, applied(config, {f"{planned.name}.learning_rate": test.suggestion}), config.backbone)
    logger.info("Phase %s: %s", planned.name, test)
    logger.info("All learning rates: %s, %s", folder / "learning_rates.svg", folder / "learning_rates.csv")
    logger.info("Type: %s", command)
    return test


def _asked(plan: training.Plan, name: str | None) -> int:
    """The index of the phase with this name; by default of the last that is trained, not solved."""
    trained = [number for number, planned in enumerate(plan.phases) if planned.phase.optimizer != "lbfgs"]
    named = [number for number, planned in enumerate(plan.phases) if planned.name == name]
    if name is not None and not named:
        raise ConfigError(f"Phase {name} has no epochs", fix=f"Set `--{name}.epochs`, or test another phase")
    if not trained and not named:
        solved = listed(planned.name for planned in plan.phases)
        raise ConfigError(f"No phase has a learning rate: {solved} is solved", fix="Set `--head.optimizer adam`")
    number = named[0] if named else trained[-1]
    training.check_trained(plan.phases[number])
    return number
