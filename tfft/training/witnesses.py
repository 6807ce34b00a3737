"""What the frozen features say of the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Witnesses:
    """What the frozen features say of each label: computed before anything is trained on all of them."""

    heads: np.ndarray
    """Probabilities for each training example by a head that never saw it, (examples, classes)."""
    votes: Mapping[str, np.ndarray]
    """By split, the mean target of the nearest other examples of train and val, (examples, classes); empty where there
    are too few or too many examples to compare."""
