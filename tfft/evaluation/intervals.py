"""How far a score can be trusted: 95 % intervals, and whether two models differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfft.evaluation.metrics import classes_of
from tfft.evaluation.resampling import Resampled, resampled

LEVEL = 0.95
SAMPLES = 1000
"""Samples of a bootstrap, fewer for large splits, whose intervals are narrow anyway."""
FEWEST_SAMPLES = 200
NUMBERS = 5_000_000
"""Weights that are drawn at most, as long as there are `FEWEST_SAMPLES`."""
TOGETHER = 1_000_000
"""Weights in memory at once."""
LEAST = 2
"""Fewest examples with an interval."""

Interval = tuple[float, float]


def intervals(
    task: str,
    truth: Any,
    predictions: Any,
    labels: Sequence[str],
    thresholds: np.ndarray | None = None,
    *,
    seed: int = 0,
) -> dict[str, Interval]:
    """95 % intervals of the scores of one split, by name: what another sample of as many examples would give.

    Shares of examples (accuracy, exact match, precision and recall of one class) have Wilson's interval (1927), which
    is right for few examples and near 0 and 1, too. The others are found by bootstrap over examples, with bias
    correction and acceleration (BCa; Efron 1987). They hold for new data of the same kind, for this one trained model:
    another seed of the training is not part of them.

    Args:
        task: One of `TASKS`.
        truth: As for `scores_of`, and so are the other arguments.
        predictions: For each example.
        labels: Names of the classes or quantities.
        thresholds: Score threshold of each label, where the task has any.
        seed: Of the samples.

    Returns:
        By score the ends of its interval. A score that is the same in all samples has none, for instance a macro F1 of
        1, and for fewer than two examples there is nothing.
    """
    count = len(truth) if truth is not None else len(predictions)
    if count < LEAST:
        return {}
    scores = resampled(task, truth, predictions, labels, thresholds)
    found = scores(np.ones((1, count), np.float32))
    samples = in_samples(scores, count, seed=seed)
    without = _left_out(scores, count)
    ends = {name: _bca(float(value[0]), samples[name], without[name]) for name, value in found.items()}
    ends |= {name: _wilson(*share) for name, share in _shares(task, truth, predictions, thresholds).items()}
    return {name: interval for name, interval in ends.items() if interval[0] < interval[1]}


@dataclass(frozen=True)
class Difference:
    """How much better one model is than another, on the same examples."""

    value: float
    """The score of the second less that of the first."""
    low: float
    high: float
    """The ends of its 95 % interval."""
    p: float
    """How often at least such a difference would be seen between equally good models: two-sided, in (0, 1]."""


def differences(
    task: str,
    truth: Any,
    first: Any,
    second: Any,
    labels: Sequence[str],
    thresholds: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
    *,
    seed: int = 0,
) -> dict[str, Difference]:
    """The differences of the scores of two models by name, by paired bootstrap (Koehn 2004; Efron and Tibshirani 1993).

    Args:
        task: One of `TASKS`.
        truth: As for `scores_of`.
        first: The predictions of the first model for each example.
        second: Those of the second model for the same examples.
        labels: Names of the classes or quantities.
        thresholds: Those of the first and of the second model, where the task has any.
        seed: Of the samples.
    """
    count = len(truth) if truth is not None else len(first)
    if count < LEAST:
        return {}
    pair = [
        resampled(task, truth, predictions, labels, cut)
        for predictions, cut in zip((first, second), thresholds, strict=True)
    ]

    def difference(weights: np.ndarray) -> dict[str, np.ndarray]:
        one, other = (scores(weights) for scores in pair)
        return {name: other[name] - one[name] for name in one if name in other}

    found, samples = difference(np.ones((1, count), np.float32)), in_samples(difference, count, seed=seed)
    least = _least_p(task, truth, (first, second), thresholds)
    result = {}
    for name, value in found.items():
        drawn = samples[name][np.isfinite(samples[name])]
        if not len(drawn) or not np.isfinite(value[0]):
            continue
        low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        # of samples on the other side of 0, with the observed one among them, so that p is never 0
        other_side = min((drawn <= 0).sum(), (drawn >= 0).sum())
        p = min(1.0, 2 * (other_side + 1) / (len(drawn) + 1))
        p = 1.0 if drawn.min() == drawn.max() else max(p, least)  # with few that differ, samples say too much
        result[name] = Difference(float(value[0]), float(low), float(high), float(p))
    return result


def _least_p(task: str, truth: Any, pair: tuple[Any, Any], cuts: tuple[Any, Any]) -> float:
    """The exact p value of the examples that one model has right and the other wrong (McNemar 1947), below which no
    score can be sure; 0 where an example is not right or wrong."""
    from scipy.stats import binomtest

    if task == "classification":
        one, other = (classes_of(some, cut) == truth for some, cut in zip(pair, cuts, strict=True))
    elif task == "multilabel":
        one, other = (((some >= cut) == (truth > 0)).all(axis=1) for some, cut in zip(pair, cuts, strict=True))
        if np.array_equal(one, other):
            return 0.0  # the models may differ in single labels
    else:
        return 0.0
    better, worse = int((one & ~other).sum()), int((other & ~one).sum())
    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def in_samples(scores: Resampled, count: int, *, seed: int) -> dict[str, np.ndarray]:
    """Scores of bootstrap samples of so many examples, (samples,) each."""
    rng = np.random.default_rng(seed)
    left, parts = min(SAMPLES, max(FEWEST_SAMPLES, NUMBERS // count)), []
    while left:
        some = min(left, max(1, TOGETHER // count))
        parts.append(scores(rng.multinomial(count, np.full(count, 1 / count), some).astype(np.float32)))
        left -= some
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _left_out(scores: Resampled, count: int) -> dict[str, np.ndarray]:
    """Scores without one group of examples after the other, for the acceleration: at most 200 groups."""
    groups = np.arange(count) % min(count, FEWEST_SAMPLES)
    parts = []
    for start in range(0, groups.max() + 1, step := max(1, TOGETHER // count)):
        chosen = np.arange(start, min(start + step, groups.max() + 1))
        parts.append(scores((groups[None] != chosen[:, None]).astype(np.float32)))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _shares(task: str, truth: Any, predictions: Any, thresholds: np.ndarray | None) -> dict[str, tuple[int, int]]:
    """For each score that is a share, how many examples of how many."""
    if task == "multilabel":
        return {"exact_match": (int(((predictions >= thresholds) == (truth > 0)).all(axis=1).sum()), len(truth))}
    if task != "classification":
        return {}
    predicted = classes_of(predictions, thresholds)
    shares = {"accuracy": (int((predicted == truth).sum()), len(truth))}
    if thresholds is not None:
        found, there = (classes == int(np.argmax(thresholds)) for classes in (predicted, truth))
        right = int((found & there).sum())
        shares |= {"precision": (right, int(found.sum())), "recall": (right, int(there.sum()))}
    return {name: share for name, share in shares.items() if share[1]}


def _wilson(right: int, count: int) -> Interval:
    from scipy.stats import binomtest

    interval = binomtest(right, count).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def _bca(value: float, samples: np.ndarray, without: np.ndarray) -> Interval:
    """The interval from samples, (samples,), and scores with examples left out; both ends are the value if too few
    samples have a score."""
    from scipy.stats import norm

    samples, without = (some[np.isfinite(some)] for some in (samples, without))
    if len(samples) < FEWEST_SAMPLES / 2 or not len(without) or not np.isfinite(value):
        return value, value
    below = ((samples < value).mean() + (samples <= value).mean()) / 2
    spread = without.mean() - without
    if not 0 < below < 1 or not spread.any():  # nothing to correct: all samples are alike, or on one side
        low, high = np.quantile(samples, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        return float(low), float(high)
    bias = norm.ppf(below)
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    ends = bias + norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = np.quantile(samples, norm.cdf(bias + ends / (1 - acceleration * ends)))
    return float(low), float(high)
