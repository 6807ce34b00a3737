"""Heat maps over pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image

OPACITY = 0.55
"""Of the hottest colour over a picture."""


def heated(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture with a heat map over it: hot parts are yellow, cold ones are left as they are but darker.

    Args:
        picture: (height, width, 3), uint8.
        heat: (rows, columns), in [0, 1]; enlarged to the picture.

    Returns:
        (height, width, 3), uint8.
    """
    from matplotlib import colormaps

    size = picture.shape[1], picture.shape[0]
    enlarged = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)).clip(0, 1)
    colours = 255 * colormaps["inferno"](enlarged)[..., :3]
    return np.rint((1 - OPACITY) * picture + OPACITY * colours).clip(0, 255).astype(np.uint8)
