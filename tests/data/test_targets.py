from __future__ import annotations

import numpy as np
import pytest

from tfft.data.targets import Targets

PRESENT = [("ant",), ("ant", "bee", "ant"), (), ("ant",), ()]


def targets(present: list[tuple[str, ...]]) -> Targets:
    return Targets(["ant", "bee", "wasp"], of=np.zeros((len(present), 3)).__getitem__, present=present)


def test_counts_are_in_the_order_of_the_labels_even_of_a_class_that_is_not_there() -> None:
    assert targets(PRESENT).counts(range(5)) == [4, 1, 0]
    assert targets(PRESENT).counts([0, 3, 4]) == [2, 0, 0]
    assert targets(PRESENT).counts([]) == [0, 0, 0]


def test_a_picture_is_as_rare_as_the_rarest_class_on_it() -> None:
    # ant is shown 4 times, bee once, nothing at all twice
    assert targets(PRESENT).rarity(range(5)) == pytest.approx([1 / 4, 1, 1 / 2, 1 / 4, 1 / 2])


def test_rarity_is_that_in_the_split() -> None:
    assert targets(PRESENT).rarity([0, 3, 4]) == pytest.approx([1 / 2, 1 / 2, 1])


def test_nothing_is_rare_where_nothing_is_counted() -> None:
    assert targets([(), ()]).rarity([0, 1]) is None
    assert targets(PRESENT).rarity([]) is None
