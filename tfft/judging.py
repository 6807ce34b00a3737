"""From the predictions of a trained model to those of the saved one: calibrated, for other class shares, with
thresholds. Nothing is trained, and the test split decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tfft import evaluation, models, runs, serving
from tfft.errors import counted, listed
from tfft.evaluation.settings import CalibrationFields, PriorFields

if TYPE_CHECKING:
    import numpy as np

    from tfft.evaluation import Evaluation
    from tfft.serving import Contract
    from tfft.training import Plan

logger = logging.getLogger(__name__)

FEW = 100
"""Validation examples below which a temperature is doubtful."""


def check(config: Any, plan: Plan) -> None:
    """Raises `ConfigError` if a model cannot be saved, or cannot be judged as its configuration asks: that is known
    before it is trained."""
    serving.check_saving(plan.model)
    evaluation.conditions_of(getattr(config, "accept", ()), plan.task.mixing)
    if isinstance(config, CalibrationFields):
        evaluation.check_decisions(config, plan.splits.labels, tags=not isinstance(config, PriorFields))
        if config.calibrate or getattr(config, "prior", "train") != "train":
            models.last_dense(plan.model)


def judge(
    run: runs.Run,
    plan: Plan,
    evaluate: Callable[[], Evaluation],
    contract: Contract | None,
    save: Callable[[], Contract],
) -> Evaluation:
    """Evaluates the trained model, changes its answers if the configuration asks for it, and completes `serving.json`.

    A temperature and another prior become part of the weights of the last layer; the model is then saved and evaluated
    again, so that the scores are those of the saved model.

    Args:
        run: The run.
        plan: With the trained model.
        evaluate: Evaluates the model as it is.
        contract: Of the saved model.
        save: Saves the model as it is.
    """
    scored, config = evaluate(), run.config
    if isinstance(config, CalibrationFields) and scored.task in ("classification", "multilabel"):
        before, labels, tags = scored, plan.splits.labels, scored.task == "multilabel"
        truth, temperature = plan.splits.val.targets, 1.0
        if config.calibrate:
            temperature = evaluation.best_temperature(truth, before.predictions["val"])
            if len(truth) < FEW or not evaluation.is_inside(temperature):
                logger.warning(
                    "The temperature of `--calibrate`, %.3f, rests on %s: it may be far off. Calibrate with more "
                    "validation examples", temperature, counted(len(truth), "validation example"),
                )  # fmt: skip
        shares = None if tags else evaluation.wanted_shares(config.prior, labels)
        if config.calibrate or shares is not None:
            shift = 0.0 if shares is None else evaluation.prior_shift(learned_shares(plan), shares)
            models.rescale_outputs(plan.model, temperature, shift)
            contract, scored = save(), evaluate()
        if config.threshold != "auto":
            thresholds = _thresholds(config, plan, scored.predictions["val"], tags=tags)
            scored = evaluation.scored(scored.task, plan.splits, scored.predictions, thresholds)
        notes = _notes(config, labels, before, scored, temperature)
        scored = replace(scored, as_trained=before.predictions, notes=(*before.notes, *notes))
        for note in notes:
            logger.info(note)
    elif isinstance(config, CalibrationFields) and (config.calibrate or config.threshold != "auto"):
        logger.warning("The evaluation of this page is of no task that `--calibrate` and `--threshold` know: not done")
    serving.save_evaluated(contract, scored, plan.splits, run)
    return scored


def learned_shares(plan: Plan) -> np.ndarray:
    """The share of each class that a model has learned to expect, (classes,): of the examples that it was shown, each
    as often as its loss counted it."""
    shown = plan.splits.class_shares
    return evaluation.normalized(plan.splits.train.counts if shown is None else shown, plan.task.emphasis)


def _thresholds(config: Any, plan: Plan, probabilities: np.ndarray, *, tags: bool) -> np.ndarray:
    """The thresholds that the configuration asks for, from predictions for validation."""
    labels, truth, counts = plan.splits.labels, plan.splits.val.targets, plan.splits.train.counts
    if tags:
        return evaluation.best_thresholds(truth, probabilities, labels, config.threshold)
    positive = counts.index(min(counts)) if config.positive is None else labels.index(config.positive)
    return evaluation.class_thresholds(config.threshold, positive, truth, probabilities, labels)


def _notes(
    config: Any, labels: list[str], before: Evaluation, after: Evaluation, temperature: float
) -> tuple[str, ...]:
    """What was changed and what that changes, on the last split."""
    split, notes = list(after.scores)[-1], []

    def change(score: str) -> str:
        old, new = (one.scores[split][score] for one in (before, after))
        return f"{score.replace('_', ' ')} {old:.4f} before, {new:.4f} after"

    if config.calibrate:
        what = f"Calibrated: logits are divided by {temperature:.3f}, fitted on validation"
        if split == "val":
            what += " (the same examples: on new ones the gain is smaller)"
        notes.append(f"{what}; on {split} {change('calibration_error')}; {change('loss')}")
    if getattr(config, "prior", "train") != "train":
        most, old, new = evaluation.most_moved(*(one.predictions[split] for one in (before, after)))
        notes.append(
            f"Answers are for other class shares than those of training (`--prior {config.prior}`); on {split} "
            f"{change('accuracy')}; {change('macro_f1')}; {labels[most]} is the most probable class of {new:.1%} of "
            f"the examples, before of {old:.1%}"
        )
    if config.threshold != "auto":
        named = zip(labels, after.thresholds, strict=True)
        cuts = listed((f"{label} {cut:.4f}" for label, cut in named if cut), most=10)
        notes.append(f"Least probabilities by `--threshold {config.threshold}`, chosen on validation: {cuts}")
    return tuple(notes)
