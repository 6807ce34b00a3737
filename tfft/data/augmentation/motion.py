"""How targets with positions follow the moves of their picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Outside = Literal["mirror", "grey"]
"""What a view shows outside the picture: its mirror image, or grey."""


@dataclass(frozen=True)
class Motion:
    """How a target with positions (boxes, a mask) follows the moves of its picture in a view."""

    follow: Callable[[np.ndarray, Sequence[np.ndarray], tuple[int, int]], np.ndarray]
    """From a target, the matrices of the moves, and height and width of the picture to the target of the view. Each
    matrix, (3, 3), maps a point (x, y, 1) after one move to the point before it, in pixels. Moves are applied in order,
    and after each one the area outside the picture is filled in."""
    outside: Outside
    """What a view shows outside the picture: its mirror image, if the target can be mirrored too, or grey."""
    turns: bool
    """Whether views are rotated and sheared; not for boxes, which would no longer fit tightly."""
