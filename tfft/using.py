"""The commands that use trained models: `tfft predict | explain | evaluate | compare | export | serve`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfft import cli, files, front
from tfft.errors import ConfigError, DataError
from tfft.evaluation.acceptance import check_accepted
from tfft.runs.replay import data_config

FORMATS = ("saved_model", "litert", "litert-int8", "onnx", "mlflow")
"""Those of `tfft.serving.exporting`, which imports TensorFlow."""
TEXT_FILES = (".txt", ".csv", ".tsv", ".jsonl")
"""A word with such a suffix is no text but a file."""


def add_commands(commands: Any) -> None:
    """Adds the commands to those of `tfft`."""
    predict = commands.add_parser("predict", help="answer for new pictures or texts")
    predict.add_argument("run", type=Path, help="the run folder")
    predict.add_argument(
        "inputs", nargs="+", help="pictures, folders, tables (.csv, .tsv; of texts also .jsonl), .txt files, texts"
    )
    predict.add_argument("--out", type=Path, help="file for the answers: .csv, .jsonl or .parquet; else the screen")
    predict.add_argument("--draw", type=Path, help="new folder for the pictures with their boxes or masks")
    predict.add_argument("--tta", action="store_true", help="mean over each picture and its mirror image")
    predict.add_argument(
        "--shard",
        default="1/1",
        help="answer for one part of the inputs, such as 3/16; its number joins the name of --out",
    )
    predict.add_argument("--top", type=int, default=3, help="classes in a row of a .csv or .parquet file (default 3)")
    predict.add_argument("--column", help="column of a table that has the paths or texts; by default as in the run")
    predict.add_argument("--lines", action="store_true", help="each line of a .txt file is a text")
    predict.add_argument("--batch-size", type=int, default=32, help="inputs in a batch (default 32)")
    evaluate = commands.add_parser(
        "evaluate",
        help="score a trained model",
        epilog="Further flags are those of the recipe, such as --columns.* or --accept",
    )
    evaluate.add_argument("run", type=Path, help="the run folder")
    evaluate.add_argument("--data", help="data with ground truth; by default the test split of the run")
    evaluate.add_argument("--page", help="the page that made the run, if it is your own")
    evaluate.add_argument("--out", type=Path, help="new .json file for all scores, also those of each class")
    evaluate.add_argument("--tta", action="store_true", help="mean over each picture and its mirror image")
    compare = commands.add_parser("compare", help="score several runs on the same examples, and say if they differ")
    compare.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run folders, compared with the first")
    compare.add_argument("--data", help="data with ground truth; by default the test split of the first run")
    compare.add_argument("--page", help="the page that made the first run, if it is your own")
    compare.add_argument("--out", type=Path, help="new .json file for all numbers")
    explain = commands.add_parser("explain", help="show what in a picture or text speaks for the answer")
    explain.add_argument("run", type=Path, help="the run folder")
    explain.add_argument("inputs", nargs="+", help="pictures, folders, tables, .txt files, texts")
    explain.add_argument("--out", type=Path, help="new folder for the pictures with their heat maps")
    export = commands.add_parser("export", help="export a trained model, checked against it")
    export.add_argument("run", type=Path, help="the run folder")
    export.add_argument(
        "--format", nargs="+", required=True, choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS)
    )
    export.add_argument("--out", type=Path, help="where each format becomes a folder; by default export in the run")
    export.add_argument("--data", help="data to compare on; by default the test split of the run")
    export.add_argument("--page", help="the page that made the run, if it is your own")
    serve = commands.add_parser("serve", help="show a page where pictures or texts can be tried, and a REST interface")
    serve.add_argument("run", type=Path, help="the run folder")
    serve.add_argument("--host", default="127.0.0.1", help="who may open it; by default only this machine")
    serve.add_argument("--port", type=int, help="by default the first free one from 7860 on")
    serve.add_argument("--page", help="the page that made the run, if it is your own")


def run_command(words: argparse.Namespace, others: Sequence[str]) -> None:
    """Runs a command with its words; `others` are flags of the recipe."""
    match words.command:
        case "predict":
            _predict(words)
        case "evaluate":
            _evaluate(words, others)
        case "explain":
            _explain(words)
        case "compare":
            _check_out(words.out)
            contest = front.compare(words.runs, words.page, words.data)
            if words.out is not None:
                files.write_json(words.out, contest.json())
        case "export":
            front.export(words.run, words.format, words.out, words.page, words.data)
        case "serve":
            front.serve(words.run, words.host, words.port, words.page)


def _predict(words: argparse.Namespace) -> None:
    from tfft.serving.job import Job, Shard

    job = Job(words.out, words.draw, words.tta, Shard.of(words.shard), words.top, words.batch_size)
    predict = front.open_run(words.run, column=words.column, lines=words.lines)
    from tfft.serving.predicting import predict_all  # after TensorFlow, which starts quietly

    inputs = words.inputs if predict.noun == "pictures" else [_text_or_file(word) for word in words.inputs]
    predict_all(predict, inputs[0] if len(inputs) == 1 else inputs, job)


def _explain(words: argparse.Namespace) -> None:
    predict = front.open_run(words.run)
    from tfft.serving.explaining import (  # after TensorFlow, which starts quietly
        Explained,
        explain,
        show,
        write_picture,
    )

    pictures = predict.noun == "pictures"
    if pictures and words.out is None:
        raise ConfigError("`tfft explain` needs a folder for the heat maps", fix="Name a new one with `--out`")
    if words.out is not None and not pictures:
        raise ConfigError("`--out` is for heat maps of pictures", fix="Leave it out: words are shown on the screen")
    if words.out is not None and words.out.exists():
        raise ConfigError(f"{words.out} exists already", fix="Choose another `--out`; tfft never overwrites a file")
    inputs = words.inputs if pictures else [_text_or_file(word) for word in words.inputs]
    explained = 0
    for number, one in enumerate(explain(predict, inputs[0] if len(inputs) == 1 else inputs)):
        show(one)
        explained += isinstance(one, Explained)
        if pictures and isinstance(one, Explained):
            write_picture(one, number, words.out)
    if not explained:
        raise DataError("None of the inputs can be read", fix="Check the paths")


def _check_out(out: Path | None) -> None:
    """Raises `ConfigError` if a file for numbers cannot be made."""
    if out is not None and out.exists():
        raise ConfigError(f"{out} exists already", fix="Choose another `--out`; tfft never overwrites a file")
    if out is not None and not out.parent.is_dir():
        raise ConfigError(f"Folder not found: {out.parent}", fix="Make it first, or choose another `--out`")


def _text_or_file(word: str) -> str | Path:
    if os.path.exists(word):
        return Path(word)
    if word.lower().endswith(TEXT_FILES):
        raise DataError(f"File not found: {word}", fix="Check the path")
    return word


def _evaluate(words: argparse.Namespace, others: Sequence[str]) -> None:
    for flag in ("--calibrate", "--prior", "--threshold", "--positive"):
        if flag in others:
            raise ConfigError(f"`{flag}` is part of a run: it decides what is saved", fix="Train again with it")
    page = front.page_of_run(words.run, words.page, "evaluate")
    own = words.data is None
    _check_out(words.out)
    config = cli.parse(page.Config, None, others, start=data_config(page.Config, words.run, words.data))
    scores, verdicts = front.score(words.run, page, config, own=own, tta=words.tta)
    if words.out is not None:
        files.write_json(words.out, scores)
    check_accepted(verdicts)
