from __future__ import annotations

from collections import Counter

from tfft.data import find_pictures
from tfft.data.demo.digits import digits
from tfft.data.reading.images import decode


def test_the_digits_are_real_and_complete() -> None:
    records = find_pictures("demo")
    assert len(records) == 1797
    assert sorted(Counter(r.truth.name for r in records)) == [str(digit) for digit in range(10)]
    pixels, _ = decode(records[0].read(), (8, 8))
    assert pixels.shape == (8, 8, 3)
    assert pixels.max() == 255 * 15 // 16  # the first digit's darkest ink is 15 of 16


def test_they_are_the_same_each_time() -> None:
    before = digits()
    digits.cache_clear()
    assert digits() == before
