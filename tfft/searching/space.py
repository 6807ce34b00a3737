"""The space of a search: which settings are searched, and between which values."""

from __future__ import annotations

import dataclasses
import json
import math
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfft.errors import ConfigError, listed, nearest
from tfft.fields import choices_of
from tfft.runs.replay import as_json, fits
from tfft.settings import applied, leaves

if TYPE_CHECKING:
    import optuna

    from tfft.training import Plan

Space = dict[str, list[Any]]
"""By setting its values: two numbers are the ends of a range; everything else is a list of choices."""
LOGARITHMIC = ("learning_rate", "weight_decay")
"""Settings whose ranges are searched by factors."""
DATA = {
    *("data", "columns", "classes", "ignore", "masks", "table", "bad_files", "bad_texts", "leaks", "seed"),
    *("val_fraction", "test_fraction", "changed_data", "out", "store", "recipe", "time_budget", "kept"),
}
"""Settings that decide which examples are scored, where files are, or that other settings change."""
LOSS = {"balance", "dice", "error", "smoothing"}
"""Settings that change what the loss measures."""
EXAMPLE = '--space \'{"tune.learning_rate": [1e-5, 1e-3], "dropout": [0.0, 0.5]}\''


def parse_space(text: str) -> dict[str, Any]:
    """The space from the command line.

    Raises:
        ConfigError: If it is not a JSON object.
    """
    try:
        space = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"`--space` is not JSON: {error}", fix=f"For instance: {EXAMPLE}") from None
    if not isinstance(space, dict):
        raise ConfigError(f"`--space` must be a JSON object (got {text})", fix=f"For instance: {EXAMPLE}")
    return space


def read_space(given: Mapping[str, Any], config: Any) -> Space:
    """The values that a person gives, checked against the fields of the configuration.

    Args:
        given: By setting a list: two numbers are the ends of a range, one value is held, all else are choices.
        config: The configuration whose settings are searched.

    Raises:
        ConfigError: If a setting is unknown or decides the data, or a value is not allowed.
    """
    space = {}
    for name, values in given.items():
        name = name.replace("-", "_")
        kind = _kind_of(name, config)
        scalars = isinstance(values, Sequence) and not isinstance(values, str) and len(values) > 0
        if not scalars or not all(isinstance(value, (str, int, float)) for value in values):
            raise ConfigError(
                f"`--space` must give {name} a list of numbers or words (got {json.dumps(values, default=str)})",
                fix=f"For instance: {EXAMPLE}",
            )
        values = list(values)
        if kind is float and is_range(values):
            values = [float(value) for value in values]
        if is_range(values) and typing.get_origin(kind) is typing.Literal:
            raise ConfigError(
                f"`--space` gives {name} two numbers, which are the ends of a range, but not all between are allowed",
                fix=f"Name more of its values ({listed(map(str, choices_of(kind)))}), or one to hold it",
            )
        if is_range(values) and values[0] >= values[1]:
            raise ConfigError(
                f"`--space` gives {name} a range from {values[0]:g} to {values[1]:g}",
                fix="Write the lower end first; a list of one value holds a setting",
            )
        for value in values:
            _check_value(config, name, value, kind)
        space[name] = values
    return space


def _kind_of(name: str, config: Any) -> Any:
    """The type of a setting."""
    group, _, field = name.rpartition(".")
    owner = getattr(config, group, None) if group else config
    known = [one.name for one in dataclasses.fields(owner)] if dataclasses.is_dataclass(owner) else []
    if name.partition(".")[0] in DATA:
        raise ConfigError(
            f"`--space` cannot search {name}, which decides the data, where files are, or other settings",
            fix="Search settings of the model and its training, such as tune.learning_rate",
        )
    if field not in known or dataclasses.is_dataclass(getattr(owner, field)):
        names = [leaf for leaf in leaves(config) if leaf.partition(".")[0] not in DATA]
        raise ConfigError(f"`--space` has no setting {name}", fix=f"Nearest: {nearest(name, names)}")
    return typing.get_type_hints(type(owner))[field]


def _check_value(config: Any, name: str, value: Any, kind: Any) -> None:
    """Raises `ConfigError` unless a setting may have this value."""
    if (isinstance(value, float) and not math.isfinite(value)) or not fits(value, kind):
        allowed = f"It may be {listed(map(repr, choices))}" if (choices := choices_of(kind)) else None
        raise ConfigError(f"`--space` gives {name} the value {value!r}, which it cannot have", fix=allowed)
    try:
        changed = applied(config, {name: value})
    except ConfigError as error:
        raise ConfigError(f"`--space`, {name}: {error}") from None
    if typing.get_origin(kind) in (tuple, dict) and getattr(changed, name, value) is value:
        raise ConfigError(f"`--space` cannot search {name}, which is a list", fix="Set it with its flag")


def default_space(config: Any, plans: Sequence[Plan]) -> Space:
    """What is searched unless a person says otherwise: rates, depth, length and regularization, around their values.

    Args:
        config: The configuration in the middle.
        plans: That of each backbone to choose from.
    """
    from tfft.models.depths import joined_widths

    space: Space = {}
    blocks = min(len(joined_widths(plan.model)) for plan in plans)
    if blocks > 1:
        space["features"] = [1, *([4] if blocks > 4 else []), config.features]
    if hasattr(config, "dropout"):
        space["dropout"] = [0.0, max(0.5, config.dropout)]
    for planned in plans[0].phases:
        rate = planned.phase.learning_rate
        if planned.phase.optimizer != "lbfgs" and rate != "find":  # a solved head has no rate
            space[f"{planned.name}.learning_rate"] = [rate / 10, min(rate * 10, 1.0)]
    last, phase = plans[0].phases[-1].name, plans[0].phases[-1].phase
    if phase.unfreeze == 0:
        return space
    space[f"{last}.epochs"] = [math.ceil(phase.epochs / 2), math.ceil(1.5 * phase.epochs)]
    space[f"{last}.schedule"] = list(dict.fromkeys(["constant", "cosine", "exponential", phase.schedule]))
    if phase.optimizer == "adamw":
        space[f"{last}.weight_decay"] = [1e-6, max(1e-2, phase.weight_decay)]
    # a phase cannot unfreeze fewer stages than an earlier one
    earlier = plans[0].phases[-2].phase.unfreeze if len(plans[0].phases) > 1 else 0
    stages = min(plan.stages for plan in plans)
    if phase.unfreeze == "all":
        space[f"{last}.unfreeze"] = [*(count for count in (1, 2, 4) if count < stages), "all"]
    else:
        space[f"{last}.unfreeze"] = [1, min(phase.unfreeze + 1, stages)]
    if earlier or space[f"{last}.unfreeze"] == [1, 1]:
        del space[f"{last}.unfreeze"]
    return space


def check_loss(space: Space, monitor: str) -> None:
    """Raises `ConfigError` if trials would be compared by losses that measure different things."""
    if monitor == "val_loss" and (names := sorted(LOSS & set(space))):
        raise ConfigError(
            f"`--space` cannot search {listed(names)}: trials of this recipe are compared by their loss",
            fix="Set it with its flag",
        )


def is_range(values: Sequence[Any]) -> bool:
    """Whether values are the two ends of a range."""
    return len(values) == 2 and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def is_logarithmic(name: str, values: Sequence[Any]) -> bool:
    """Whether a range is searched by factors."""
    return name.endswith(LOGARITHMIC) and is_range(values) and values[0] > 0


def largest(values: Sequence[Any]) -> Any:
    """The largest number of a range or of choices; if there is none, the last choice."""
    numbers = [value for value in values if isinstance(value, (int, float))]
    return max(numbers) if numbers else values[-1]


def shown(value: Any) -> str:
    """A value for the screen."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def in_words(name: str, values: Sequence[Any]) -> str:
    """What is searched of a setting: `"3e-05 to 0.003, by factors"`, `"constant, cosine"`."""
    if not is_range(values):
        return ", ".join(map(shown, values))
    return " to ".join(map(shown, values)) + (", by factors" if is_logarithmic(name, values) else "")


def distributions(space: Space) -> dict[str, optuna.distributions.BaseDistribution]:
    """The space in the terms of Optuna."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    made = {}
    for name, values in space.items():
        if not is_range(values):
            made[name] = CategoricalDistribution(values)
        elif any(isinstance(value, float) for value in values):
            made[name] = FloatDistribution(*values, log=is_logarithmic(name, values))
        else:
            made[name] = IntDistribution(*values)
    return made


def middle(space: Space, config: Any, plan: Plan) -> dict[str, Any]:
    """The values of the configuration itself, where the space has them: those of the first trial.

    Args:
        space: What is searched.
        config: The configuration.
        plan: Its plan, which has numbers for words such as auto.
    """
    here = {}
    numbers = {f"{p.name}.{field}": getattr(p.phase, field) for p in plan.phases for field in ("epochs", "unfreeze")}
    config = applied(config, numbers)
    for name, values in space.items():
        group, _, field = name.rpartition(".")
        value = as_json(getattr(getattr(config, group) if group else config, field))
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if (number and values[0] <= value <= values[1]) if is_range(values) else value in values:
            here[name] = value
    return here
