from __future__ import annotations

import numpy as np

from tfft.conventions import IGNORED, NO_BOX


def test_they_fit_the_numbers_that_hold_them() -> None:
    assert np.uint8(IGNORED) == np.iinfo(np.uint8).max  # beyond every index of a class
    assert NO_BOX < 0
