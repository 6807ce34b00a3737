"""Whether a probability is what it says, and how to make it so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logit

BINS = 15
"""As in Guo et al. 2017."""
SMALLEST = 1e-7
"""Least probability of which a logarithm is taken."""
RANGE = (-3.0, 3.0)
"""Natural logarithms of the temperatures that are tried."""


def calibration_error(probabilities: np.ndarray, right: np.ndarray, *, bins: int = BINS) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv:1706.04599), in [0, 1]: how far the share of right predictions
    is from their probability, a mean over predictions in bins of equal width.

    Args:
        probabilities: Of the predictions, in [0, 1], (predictions,).
        right: Whether each is right, (predictions,).
        bins: Number of bins.
    """
    means, shares, counts = reliability(probabilities, right, bins=bins)
    return float((counts * np.abs(means - shares)).sum() / max(1, counts.sum()))


def reliability(
    probabilities: np.ndarray, right: np.ndarray, *, bins: int = BINS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each bin of probabilities their mean, the share of right predictions, and how many there are, (bins,) each;
    empty bins are left out. The arguments are those of `calibration_error`."""
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    used = counts > 0
    means, shares = (np.bincount(place, values, bins)[used] / counts[used] for values in (probabilities, right))
    return means, shares, counts[used]


def confidence(truth: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities to calibrate and whether what they say is so.

    Args:
        truth: Class indices, (examples,), or labels, (examples, labels), 1 or 0.
        probabilities: (examples, classes).

    Returns:
        Of classes the highest probability of each example and whether it is right, (examples,); of labels the
        probability and the truth of each, (examples * labels,).
    """
    if truth.ndim == 2:
        return probabilities.ravel(), truth.ravel().astype(bool)
    return probabilities.max(axis=-1), probabilities.argmax(axis=-1) == truth


def best_temperature(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature that divides the logits so that the cross-entropy is least (Guo et al. 2017, arXiv:1706.04599).

    Above 1 it makes probabilities less extreme. Fit it on validation; it changes no ranking of classes.

    Args:
        truth: Class indices, (examples,), or labels, (examples, labels), 1 or 0.
        probabilities: (examples, classes).
    """
    safe = np.clip(probabilities.astype(np.float64), SMALLEST, 1 - SMALLEST)
    if truth.ndim == 2:
        logits, signs = logit(safe), np.where(truth > 0, 1, -1)

        def loss(exponent: float) -> float:
            return float(np.logaddexp(0, -signs * logits * np.exp(-exponent)).mean())
    else:
        logs, rows = np.log(safe), np.arange(len(truth))

        def loss(exponent: float) -> float:
            return float(-log_softmax(logs * np.exp(-exponent), axis=-1)[rows, truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=RANGE, method="bounded").x))


def is_inside(temperature: float) -> bool:
    """Whether a temperature is not at an end of the range that is searched, as without any mistake to learn from."""
    low, high = RANGE
    return low + 0.05 < np.log(temperature) < high - 0.05


def prior_shift(now: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """What to add to the logits of a model so that it predicts for other class shares, (classes,): the logarithm of
    their ratio (Saerens, Latinne and Decaestecker 2002).

    Args:
        now: Share of each class that the model has learned to expect.
        wanted: Share of each class where the model is used.
    """
    return np.log(wanted) - np.log(now)


def normalized(counts: Sequence[float], emphasis: Sequence[float] | None) -> np.ndarray:
    """Shares of classes from their counts, each at least 1, and how much more each counts: (classes,)."""
    shares = np.maximum(counts, 1) * np.array(1.0 if emphasis is None else emphasis)
    return shares / shares.sum()


def most_moved(before: np.ndarray, after: np.ndarray) -> tuple[int, float, float]:
    """The class whose share of most probable classes changes the most between two predictions, (examples, classes), and
    its share before and after."""
    shares = [np.bincount(some.argmax(axis=-1), minlength=some.shape[1]) / len(some) for some in (before, after)]
    index = int(np.argmax(np.abs(shares[1] - shares[0])))
    return index, float(shares[0][index]), float(shares[1][index])
