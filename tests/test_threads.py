from __future__ import annotations

from collections.abc import Iterator

from tfft.threads import in_threads


def test_results_are_in_order_and_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    results = in_threads(lambda number: number**2, items(), ahead=5)
    assert [next(results) for _ in range(10)] == [number**2 for number in range(10)]
    assert len(taken) < 16
    assert list(results) == [number**2 for number in range(10, 50)]
