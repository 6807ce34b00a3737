"""Exports a trained model, and keeps only what answers as the model does."""

from __future__ import annotations

import contextlib
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfft import extras, files, reporting
from tfft.data.records import Record
from tfft.errors import ConfigError, TfftError, listed, megabytes
from tfft.runs.starting import stderr_hidden
from tfft.serving.asked import Asked, Read
from tfft.serving.comparing import Compared, compare
from tfft.serving.contract import CONTRACT
from tfft.serving.evaluating import Find, held_out
from tfft.serving.formats.graph import Format
from tfft.serving.formats.litert import LITERT, LITERT_INT8
from tfft.serving.formats.mlflow import MLFLOW
from tfft.serving.formats.onnx import ONNX
from tfft.serving.formats.saved_model import SAVED_MODEL
from tfft.serving.job import check_folders
from tfft.serving.predictor import Predictor
from tfft.serving.scoring import Truths, truths_of
from tfft.serving.splits import read_splits, spread

logger = logging.getLogger(__name__)

USE = "use.py"
"""The file with the lines that use an export."""
FORMATS = {
    "saved_model": SAVED_MODEL, "litert": LITERT, "litert-int8": LITERT_INT8, "onnx": ONNX, "mlflow": MLFLOW,
}  # fmt: skip
"""The formats by name."""
DIFFERENCE, CHANGE, INTEGER_CHANGE, AGREEMENT = 1e-3, 0.002, 0.015, 0.97
"""Bounds, beyond which an export is not kept: the largest difference of an output in single precision, see
`Compared.difference`; the change of the score; and that of 8-bit integers, whose outputs differ more. Of detectors the
share of pictures with the same boxes is bounded in place of the difference: at a tie the last bit chooses a box."""


MOST_COMPARED, MOST_CALIBRATED = 500, 200
"""Held-out examples that an export is compared on, and training pictures that integers are calibrated on, at most."""


@dataclass(frozen=True)
class Examples:
    """What exports are made and checked with."""

    held_out: Truths
    trained: Callable[[], Sequence[Record]]
    """Returns examples of the training split."""

    @classmethod
    def of(cls, predict: Predictor, find_data: Find, config: Any, own_config: Callable[[], Any] | None) -> Examples:
        """At most as many as are needed, spread over the data.

        Args:
            predict: The model.
            find_data: Of the page, see `held_out`.
            config: The configuration with the data to compare on.
            own_config: Returns that of the run, for training pictures; None if `config` is it.
        """
        own, own_config = own_config is None, own_config or (lambda: config)
        records = held_out(predict.folder, find_data, config, own=own)
        truths = truths_of(predict.contract, spread(records, MOST_COMPARED), config.store)
        return cls(
            truths, lambda: spread(read_splits(predict.folder).of(find_data(own_config()), "train"), MOST_CALIBRATED)
        )

    def sample(self, predict: Predictor) -> np.ndarray:
        """Training pictures, (pictures, height, width, 3), uint8.

        Raises:
            ConfigError: If there are none.
        """
        reads = [predict.reader.read(Asked(record.where, record.content)) for record in self.trained()]
        if not (good := [read for read in reads if isinstance(read, Read)]):
            raise ConfigError("8-bit integers need training pictures, and none is there", fix="Choose litert")
        return predict.reader.batch(good)


def export_run(predict: Predictor, names: Sequence[str], folder: Path, examples: Examples) -> dict[str, Compared]:
    """Exports a model in several formats, shows how each answers, and prints the lines that use them.

    Args:
        predict: The model.
        names: Names from `FORMATS`.
        folder: Where each format becomes a folder of its name.
        examples: What they are checked with.

    Returns:
        For each format how it answers beside the model.

    Raises:
        ConfigError: If a format is not kept; after the others are written.
    """
    check_folders(names, folder)
    compared: dict[str, Compared] = {}
    refused: dict[str, ConfigError] = {}
    for name in dict.fromkeys(names):
        logger.info("Exporting %s", name)
        try:
            compared[name] = export(predict, name, folder / name, examples)
        except ConfigError as error:
            refused[name] = error
    for name in compared:
        lines = (folder / name / USE).read_text(encoding="utf-8").rstrip()
        given = "PICTURE" if predict.noun == "pictures" else "TEXT"
        logger.info("\nTo use %s, in %s: `python %s %s`\n\n%s", name, folder / name, USE, given, _indented(lines))
    logger.info("")
    reporting.show_rows(
        [_row(name, one, folder / name, predict.noun.removesuffix("s")) for name, one in compared.items()]
    )
    if refused:
        raise next(iter(refused.values())) if len(refused) == 1 else ConfigError(" ".join(map(str, refused.values())))
    return compared


def _row(name: str, one: Compared, folder: Path, noun: str) -> dict[str, str]:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {
        "format": name,
        "same answers>": f"{one.agreement:.1%}",
        f"{one.name} of the model>": f"{one.score:.4f}",
        "of the export>": f"{one.exported:.4f}",
        "largest difference>": f"{one.difference:.2g}",
        "size>": megabytes(size),
        f"ms for one {noun}>": f"{one.milliseconds:.1f}",
    }


def _indented(lines: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in lines.splitlines())


def export(predict: Predictor, name: str, folder: Path, examples: Examples) -> Compared:
    """Writes one format into a new folder, if it answers as the model does.

    Args:
        predict: The model.
        name: One of `FORMATS`.
        folder: The new folder.
        examples: What it is checked with.

    Returns:
        How the export answers beside the model.

    Raises:
        ConfigError: If the format cannot be used for the task, the folder exists, or the export answers otherwise;
            nothing is left then.
        MachineError: If a package is missing.
    """
    check_folders([name], folder.parent)
    made = not folder.parent.exists()
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _exported(predict, name, folder, examples)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):  # if it is not empty
                folder.parent.rmdir()
        raise


def _exported(predict: Predictor, name: str, folder: Path, examples: Examples) -> Compared:
    wanted = FORMATS[name]
    with files.new_folder(folder) as temporary:
        try:
            with _quiet():
                wanted.write(predict, temporary, examples.sample(predict) if wanted.calibrated else None)
                outputs = wanted.open(predict, temporary)
                compare(predict, outputs, examples.held_out.first())  # runtimes log when they are first asked
            shutil.copyfile(predict.folder / CONTRACT, temporary / CONTRACT)
            files.write_text(temporary / USE, wanted.lines(predict))
            compared = compare(predict, outputs, examples.held_out)
        except (TfftError, OSError, MemoryError):
            raise
        except Exception as error:  # of any kind, from the converters and runtimes
            if stop := _stopped(error):
                raise stop from None
            first = str(error).strip().partition("\n")[0][:200]
            raise ConfigError(
                f"The model cannot be exported as {name}: {first}", fix="Choose another format"
            ) from error
        _check(name, predict.task, compared)
    return compared


def _stopped(error: BaseException | None) -> BaseException | None:
    """The Ctrl-C or SIGTERM that an error was caused by: C++ code turns it into an error of its own."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides the log lines and warnings of converters, most of which are about themselves."""
    handlers = list(logging.root.handlers)
    try:
        with warnings.catch_warnings(), stderr_hidden():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.root.handlers[:] = handlers  # some add one, which would show all lines of tfft twice


def check_format(predict: Predictor, name: str) -> None:
    """Checks, before anything is computed, that a model can be exported in a format.

    Raises:
        ConfigError: If there is no such format, or not for this task.
        MachineError: If a package is missing.
    """
    if name not in FORMATS:
        raise ConfigError(f"Unknown format {name!r}", fix=f"Choose from {listed(FORMATS)}")
    wanted, task = FORMATS[name], predict.task
    usable = [other for other, form in FORMATS.items() if _fits(form, predict)]
    if not _fits(wanted, predict):
        why = "texts are generated token by token, in a loop" if predict.contract.generation else "it needs pictures"
        raise ConfigError(f"{name} cannot hold this model for {task}: {why}", fix=f"Choose from {listed(usable)}")
    if wanted.extra is not None:
        extras.require(wanted.extra, f"The format {name}")


def _fits(form: Format, predict: Predictor) -> bool:
    return (form.tasks is None or predict.task in form.tasks) and not (form.calibrated and predict.noun != "pictures")


def _check(name: str, task: str, compared: Compared) -> None:
    """Raises `ConfigError` if an export answers otherwise than the trained model."""
    wanted, wrong = FORMATS[name], []
    most = CHANGE if wanted.exact else INTEGER_CHANGE
    if wanted.exact and task == "detection" and not compared.agreement >= AGREEMENT:
        wrong.append(
            f"{compared.agreement:.1%} of the pictures have as many boxes of each class, fewer than {AGREEMENT:.0%}"
        )
    if wanted.exact and task != "detection" and not compared.difference <= DIFFERENCE:
        wrong.append(f"an output differs by {compared.difference:.2g}, more than {DIFFERENCE:g}")
    if not compared.change <= most:
        wrong.append(f"{compared.name} is {compared.exported:.4f} in place of {compared.score:.4f}: {most} are allowed")
    if wrong:
        raise ConfigError(
            f"The export as {name} does not answer as the trained model does and was not kept: {'; '.join(wrong)}",
            fix="Choose another format" if wanted.exact else "Choose litert, or tune longer",
        )
