"""Ridge regression that is asked about each example without having seen it (Allen 1974, "PRESS", in closed form)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

STRENGTH = 0.1
"""Of the L2 penalty, per example: a strongly fitted head would learn wrong labels."""
FLAT = 1e-6
"""Standard deviation below which a feature says nothing."""


def left_out(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each of a few examples the prediction of a ridge regression on all others, (examples, outputs), in [0, 1].

    Args:
        x: Standardized features, (examples, features).
        y: Targets, (examples, outputs), in [0, 1].
    """
    count, penalty = len(x), STRENGTH * len(x)
    mean = y.mean(axis=0)
    if count <= x.shape[1]:
        inverse = np.linalg.inv(x @ x.T + penalty * np.eye(count, dtype=np.float32))
        errors = inverse @ (y - mean) / np.diag(inverse)[:, None]
    else:
        inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1], dtype=np.float32))
        leverage = np.einsum("nf,nf->n", x @ inverse, x)
        errors = (y - mean - x @ (inverse @ (x.T @ (y - mean)))) / (1 - leverage)[:, None]
    return np.clip(y - errors, 0, 1)


@dataclass(frozen=True, eq=False)
class Ridge:
    """A ridge regression on many examples, from sums over them: its memory does not grow with their number."""

    mean: np.ndarray
    deviation: np.ndarray
    """Of the features, (features,)."""
    covariance: np.ndarray
    """Of the standardized features, times the examples, (features, features)."""
    inverse: np.ndarray
    """With the penalty."""
    kernel: np.ndarray
    """(features, outputs)."""
    average: np.ndarray
    """Mean target, (outputs,)."""

    @classmethod
    def of(cls, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Ridge:
        """The regression on batches of features, (examples, features), and targets, (examples, outputs)."""
        # sums of differences from a typical example: sums of large features would lose digits
        count, shift, sums, squares, products, targets = 0, None, 0.0, 0.0, 0.0, 0.0
        for x, y in batches:
            shift = x.mean(axis=0) if shift is None else shift
            x = x - shift
            count, sums, targets = (
                count + len(x),
                sums + x.sum(axis=0, dtype=float),
                targets + y.sum(axis=0, dtype=float),
            )
            squares, products = squares + (x.T @ x).astype(float), products + (x.T @ y).astype(float)
        covariance = squares - np.outer(sums, sums) / count
        deviation = np.sqrt(np.maximum(np.diag(covariance) / count, 0))
        deviation[deviation < FLAT] = 1.0
        covariance /= np.outer(deviation, deviation)
        inverse = np.linalg.inv(covariance + STRENGTH * count * np.eye(len(covariance)))
        kernel = inverse @ ((products - np.outer(sums, targets) / count) / deviation[:, None])
        parts = (shift + sums / count, deviation, covariance, inverse, kernel, targets / count)
        return cls(*(part.astype(np.float32) for part in parts))

    def standardized(self, x: np.ndarray) -> np.ndarray:
        """The features of examples, (examples, features), as this regression takes them."""
        return (x - self.mean) / self.deviation

    def left_out(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """As `left_out`, of some of its examples: their standardized features and targets."""
        leverage = np.einsum("nf,nf->n", z @ self.inverse, z)
        return np.clip(y - (y - self.average - z @ self.kernel) / (1 - leverage)[:, None], 0, 1)

    def axes(self, most: int) -> np.ndarray | None:
        """The directions in which the features vary most, (features, most); None if they have no more."""
        from scipy.linalg import eigh

        size = len(self.covariance)
        return None if size <= most else eigh(self.covariance, subset_by_index=(size - most, size - 1))[1]
