"""How a target that has places in it follows its picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Outside = Literal["mirror", "grey"]
"""What a view shows beyond the frame: the picture mirrored, or grey."""


@dataclass(frozen=True)
class Motion:
    """How a target that has places in it (boxes, a mask) follows its picture when a view moves that."""

    follow: Callable[[np.ndarray, Sequence[np.ndarray], tuple[int, int]], np.ndarray]
    """From a target, matrices and the height and width of the picture to the target of the view. Each matrix, (3, 3),
    leads from a place after one move to the place before it, on (x, y, 1) in pixels; the picture is moved by one
    after the other, and each shows something beyond its frame."""
    outside: Outside
    """What a view shows beyond the frame: the picture mirrored, where the target can be mirrored too, or grey."""
    turns: bool
    """Whether views are turned and shorn: upright boxes around turned objects would not fit them."""
