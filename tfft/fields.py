"""Fields of configurations: ranges by name, and JSON on the command line."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import itertools
import json
import re
import textwrap
import typing
from collections.abc import Sequence
from typing import Annotated, Any

from tyro.conf import Suppress
from tyro.constructors import PrimitiveConstructorSpec

from tfft.errors import ConfigError, check_range, listed

RANGES: dict[str, dict[str, Any]] = {
    "batch_size": {"least": 1, "most": 1_000_000},
    "dice": {"least": 0, "most": 100},
    "dropout": {"least": 0, "below": 1},
    "features": {"least": 1, "fix": "Or `all`"},
    "hidden": {"least": 1},
    "image_size": {"least": 1, "most": 4096},
    "length": {"least": 8, "most": 100_000, "fix": "Or `auto`"},
    "smoothing": {"least": 0, "below": 1},
    "target_length": {"least": 8, "most": 100_000, "fix": "Or `auto`"},
    "views": {"least": 1, "fix": "Or `fresh`, or `auto`"},
}
"""Arguments of `check_range` by field name."""
UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
"""Seconds."""
Names = Annotated[tuple[str, ...] | None, Suppress]
"""A field that is filled in by tfft, and no flag."""


def check_fields(config: Any) -> None:
    """Raises `ConfigError` if a number is out of the range for its field name, or a word is not one of the choices."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if field.name in RANGES and not isinstance(number, str):
                check_range(field.name, number, **RANGES[field.name])
        if field.name == "time_budget" and value is not None:
            seconds_of("time_budget", value)
    check_choices(config)


def check_choices(config: Any) -> None:
    """Raises `ConfigError` if a word is not one of the choices for its field."""
    hints = typing.get_type_hints(type(config))
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), choices_of(hints[field.name])
        words_alone = typing.get_origin(hints[field.name]) is typing.Literal
        if choices and value not in choices and (isinstance(value, str) or words_alone):
            raise ConfigError(f"`{field.name}` must be one of {listed(map(repr, choices))} (got {value!r})")


def seconds_of(name: str, duration: str | float) -> float:
    """Seconds of a duration such as `"90s"`, `"10m"` or `"1h"`; a number is one of seconds.

    Args:
        name: Of the parameter, for the error message.
        duration: The duration.

    Raises:
        ConfigError: If it is no duration.
    """
    read = re.fullmatch(r"(\d+(?:\.\d+)?) ?(s|m|min|h)?", str(duration))
    if read is None or not float(read[1]):
        raise ConfigError(f"`{name}` must be a duration (got {duration})", fix="For instance: 90s, 10m or 1h")
    return float(read[1]) * UNITS[read[2] or ""]


def choices_of(hint: Any) -> tuple[Any, ...]:
    """The values that a type allows besides numbers: `("auto",)` for `int | Literal["auto"]`."""
    options = (hint,) if typing.get_origin(hint) is typing.Literal else typing.get_args(hint)
    return tuple(
        value for option in options if typing.get_origin(option) is typing.Literal for value in typing.get_args(option)
    )


def documented(config_class: type) -> None:
    """Adds the help of all fields, inherited ones too, to the docstring of a dataclass."""
    helps: dict[str, str] = {}
    for cls in reversed(config_class.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body
        for field, below in itertools.pairwise(body):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                helps[field.target.id] = str(below.value.value)
    lines = "\n".join(f"    {name}: {text}" for name, text in helps.items())
    config_class.__doc__ = f"{inspect.cleandoc(config_class.__doc__ or 'Settings of this recipe.')}\n\nArgs:\n{lines}"


def _read_json_object(text: Sequence[str]) -> dict[str, Any]:
    value = json.loads(text[0], parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError(f'must be a JSON object such as {{"alpha": 0.35}} (got {text[0]})')
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


JsonObject = Annotated[
    dict[str, Any],
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="JSON",
        instance_from_str=_read_json_object,
        is_instance=lambda value: isinstance(value, dict),
        str_from_instance=lambda value: [json.dumps(value)],
    ),
]
"""A field that is JSON on the command line."""


def _read_size(words: Sequence[str]) -> tuple[int, int]:
    numbers = [int(word) for word in words]
    if len(numbers) not in (1, 2):
        raise ValueError(f"must be one or two numbers (got {' '.join(words) or 'none'})")
    return numbers[0], numbers[-1]


Size = Annotated[
    tuple[int, int],
    PrimitiveConstructorSpec(
        nargs="*",
        metavar="INT [INT]",
        instance_from_str=_read_size,
        is_instance=lambda value: isinstance(value, tuple) and len(value) == 2,
        str_from_instance=lambda value: [str(number) for number in value],
    ),
]
"""Height and width; on the command line one number means both."""
