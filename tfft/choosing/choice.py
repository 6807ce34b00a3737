"""Which backbone suits the data: all are measured, the cheapest first, and compared on the validation split alone."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tfft import models, reporting
from tfft.choosing.measuring import Row, empty_row, loaded_by, looked_at, measure, probing
from tfft.choosing.typed import typed
from tfft.errors import ConfigError, DivergedError, MachineError
from tfft.fields import seconds_of
from tfft.trying import without_test

logger = logging.getLogger(__name__)


def choose(
    page: ModuleType, config: Any, *, backbones: Sequence[Any] = (), budget: str | float | None = None
) -> list[Row]:
    """Compares backbones on the data of a recipe, and says which to take.

    Args:
        page: The page of the recipe.
        config: Its settings, which are those of all backbones; `out` is a new folder for the table and the page.
        backbones: Names, files, or models; if there are none, those whose weights are on this machine.
        budget: Such as `"10m"`, or seconds: a backbone that would not fit into what is left is left out.

    Returns:
        The rows of `choice.csv`, the best first, those without a score last.

    Raises:
        ConfigError: If the recipe has no linear head, or no backbone could be measured.
        DataError: If the data cannot be used.
    """
    end = time.monotonic() + parse_budget(budget)
    probe, recipe, name = probing(config), without_test(page.RECIPE, loaded_by), page.RECIPE.page.name
    named = [backbones] if isinstance(backbones, str) else backbones
    backbones = list(dict.fromkeys(named or _on_this_machine(config)))
    folder = new_folder(config.out, f"choose-{name}")
    if recipe.find_data is not None:
        recipe.find_data(probe)  # wrong data are known before the first download
    pairs = [(empty_row(backbone), backbone) for backbone in backbones]
    for row, backbone in pairs:
        with _named_if_it_fails(row):
            row.update(looked_at(recipe, replace(probe, backbone=backbone)))
    pace = 0.0
    for row, backbone in sorted(pairs, key=lambda pair: pair[0]["multiply_adds"] or 0):
        if row["state"] == "failed":
            continue
        with _named_if_it_fails(row):
            pace = max(pace, measure(recipe, replace(probe, backbone=backbone), row, end, pace))
        if row["score"] is None:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        reporting.write_choice_table([row for row, _ in sorted(pairs, key=_place)], folder)
    pairs.sort(key=_place)
    rows = [row for row, _ in pairs]
    best, command = rows[0], typed(page, config, pairs[0][1])
    if best["score"] is None:
        reasons = " ".join(f"{row['backbone']}: {row['reason']}" for row in rows[:3])
        fix = "Name others with `--backbones`, or raise `--budget`"
        raise ConfigError(f"No backbone could be measured. {reasons}", fix=fix)
    reporting.show_choice(rows)
    reporting.write_choice(name, command, rows, folder)
    logger.info("All backbones: %s, %s", folder / "choice.html", folder / "choice.csv")
    logger.info("Take %s, with %s %.4f: %s", best["backbone"], best["monitor"], best["score"], command)
    return rows


def parse_budget(budget: str | float | None) -> float:
    """Seconds from a duration such as `"90s"`, `"10m"` or `"1h"`; infinite for None.

    Raises:
        ConfigError: If it is no duration.
    """
    return math.inf if budget is None else seconds_of("--budget", budget)


def _on_this_machine(config: Any) -> list[str]:
    """The networks whose weights need no download."""
    weights = getattr(config, "weights", None)
    if weights is None:  # of texts
        fix = "Name encoders, such as `--backbones bert_tiny_en_uncased bert_small_en_uncased`"
        raise ConfigError("`--backbones` is missing", fix=fix)
    names = models.downloaded_backbones() if weights == "imagenet" else []
    if not names:
        why = "No ImageNet weights have been downloaded to this machine"
        raise ConfigError(
            why if weights == "imagenet" else f"`--weights {weights}` leaves no backbones to choose from",
            fix="Name them, such as `--backbones MobileNetV2 EfficientNetB0 my_net.keras`",
        )
    return names


def new_folder(out: str | None, usual: str) -> Path:
    """The folder of a choice, which is made once there is something to write.

    Args:
        out: The folder that was named, or None.
        usual: Its name in `runs/` where none was named; with a number if there is one already.

    Raises:
        ConfigError: If it exists and is not an empty folder.
    """
    names = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    paths = (Path("runs", f"{usual}{name}") for name in names)
    folder = Path(out) if out is not None else next(path for path in paths if not path.exists())
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"`--out` {folder} exists and is not an empty folder",
            fix="Choose another; tfft never overwrites a file",
        )
    return folder


@contextmanager
def _named_if_it_fails(row: Row) -> Iterator[None]:
    """Keeps the reason in the row of a backbone that cannot be used, so that the others can go on."""
    try:
        yield
    except (ConfigError, DivergedError, MachineError) as error:
        row.update(state="failed", reason=str(error))
        logger.warning("%s is left out: %s", row["backbone"], error)


def _place(pair: tuple[Row, Any]) -> tuple[bool, float, float]:
    """The best first, of equal ones the quickest; those without a score last."""
    row = pair[0]
    if row["score"] is None:
        return True, 0.0, 0.0
    return False, row["score"] if row["mode"] == "min" else -row["score"], row["milliseconds"]
