"""What scores are called in a report, and its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfft.errors import listed

NAMES = {
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "exact_match": "exact match",
    "loss": "loss",
    "calibration_error": "calibration error",
    "macro_average_precision": "mean average precision",
    "average_precision": "average precision",
    "map": "mAP at IoU 0.5 to 0.95",
    "map50": "mAP at IoU 0.5",
    "map75": "mAP at IoU 0.75",
    "mean_iou": "mean IoU",
    "iou": "IoU",
    "f1": "F1",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "r2": "R2",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "lr": "learning rate",
}
SPLITS = {"train": "training", "val": "validation", "test": "test"}
LOWER_IS_BETTER = {"loss", "calibration_error", "mae", "rmse"}


USES = {
    "classification": "The model assigns one class to each input",
    "multilabel": "The model assigns any number of labels to each picture",
    "regression": "The model predicts numbers from pictures",
    "detection": "The model detects objects in pictures: a box, a class and a score for each",
    "segmentation": "The model assigns a class to each pixel",
    "translation": "The model translates texts",
    "summarization": "The model summarizes texts",
}


def used_for(labels: Sequence[str], task: str | None) -> dict[str, str]:
    """What a model is for and what it answers, for its model card.

    Args:
        labels: Names of the classes or quantities.
        task: One of `evaluation.TASKS`, or None.
    """
    use = USES.get(task or "", "The model was made by a page of its owner")
    return {"use": f"{use}, on inputs like those of the training data.", "answers": listed(labels) or "texts"}


def named(score: str) -> str:
    """What a score is called: `"macro F1"` for `"macro_f1"`."""
    return NAMES.get(score, score.replace("_", " "))


def number(value: float) -> str:
    """A score with three or four digits: `"0.934"`, `"34.5"`."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def verdict(report: Mapping[str, Any]) -> str:
    """How good a model is, in a sentence or two.

    Args:
        report: The content of `report.json`.
    """
    split, scores = list(report["scores"].items())[-1]
    score = next((name for name, value in scores.items() if isinstance(value, float)), None)
    if score is None:
        return ""
    interval = report["intervals"].get(split, {}).get(score)
    name = named(score)
    first = name[0] if name[1:2].isupper() else name[0].upper()  # mAP stays mAP
    said = f"{first}{name[1:]} on the {SPLITS.get(split, split)} split is {number(scores[score])}"
    if interval:
        said += f" (95 % interval {number(interval[0])} to {number(interval[1])})"
    said += "."
    guess = report["baseline"]
    if guess is None or score not in guess["scores"]:
        return said
    guessed = guess["scores"][score]
    said += f" Guessing, {guess['in_words']}, gives {number(guessed)}"
    worst = (interval or [scores[score]] * 2)[score in LOWER_IS_BETTER]
    better = worst < guessed if score in LOWER_IS_BETTER else worst > guessed
    return said + ("." if better else ": the model is not surely better than that.")
