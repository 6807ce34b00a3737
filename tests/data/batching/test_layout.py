from __future__ import annotations

import numpy as np

from tfft.data.batching.layout import Layout


def test_several_tensors_stand_behind_one_another() -> None:
    layout = Layout(((2, 3), (4,)), "float32")
    first, second = layout.unpack(np.arange(20, dtype=np.float32).reshape(2, 10))
    assert layout.numbers == 10
    assert first.tolist()[1] == [[10, 11, 12], [13, 14, 15]]
    assert second.tolist() == [[6, 7, 8, 9], [16, 17, 18, 19]]


def test_the_length_of_texts_is_told_by_the_rows() -> None:
    layout = Layout(((None, 2), (None,), (3,)), "float32")
    rows = np.arange(24, dtype=np.float32).reshape(2, 12)  # three tokens: six numbers, three, and the three fixed
    features, mask, fixed = layout.unpack(rows)
    assert (features.shape, mask.shape, fixed.shape) == ((2, 3, 2), (2, 3), (2, 3))
    assert layout.at(3).numbers == 12


def test_longer_rows_have_zeros_behind_each_tensor() -> None:
    layout = Layout(((None, 2), (None,), (1,)), "float32")
    rows = np.array([[1, 2, 3, 4, 5, 6, 7]], np.float32)
    assert layout.lengthened(rows, 3).tolist() == [[1, 2, 3, 4, 0, 0, 5, 6, 0, 7]]
    assert layout.lengthened(rows, 2).tolist() == rows.tolist()


def test_what_attention_adds_lets_nothing_be_seen_behind_a_text() -> None:
    layout = Layout(((2, None, None), (1, None)), "float32")
    rows = np.arange(10, dtype=np.float32)[None]  # two tokens: two tables of four numbers, and two
    bias, mask = layout.unpack(layout.lengthened(rows, 3))
    assert bias[0, 1].tolist() == [[4, 5, -6e4], [6, 7, -6e4], [-6e4, -6e4, -6e4]]
    assert mask[0].tolist() == [[8, 9, 0]]


def test_half_precision_is_read_as_float32() -> None:
    (found,) = Layout(((2,),), "float16").unpack(np.ones((1, 2), np.float16))
    assert found.dtype == np.float32
