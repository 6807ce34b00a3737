from __future__ import annotations

import numpy as np
import pytest

from tfft.data.batching.mixing import pairs
from tfft.models import multi_label, single_label
from tfft.models.pairs import MetricOfPairs, loss_of_pairs

PARTNERS, SHARES = np.array([1, 2, 0, 3]), np.array([0.7, 1.0, 0.4, 0.5], np.float32)


def test_the_loss_of_a_pair_is_that_of_the_mixed_target() -> None:
    classes = np.array([0, 1, 2, 1])
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    answers = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    hot = np.eye(3, dtype=np.float32)[classes]
    mixed = SHARES[:, None] * hot + (1 - SHARES[:, None]) * hot[PARTNERS]
    task = single_label(["a", "b", "c"])
    loss = loss_of_pairs(task.loss, ())
    made = pairs(classes, PARTNERS, SHARES)
    assert loss(made, answers).numpy() == pytest.approx(-(mixed * np.log(answers)).sum(axis=-1), rel=1e-5)
    assert loss(classes, answers).numpy() == pytest.approx(-np.log(answers[range(4), classes]), rel=1e-5)
    weighted = loss_of_pairs(single_label(["a", "b", "c"], weights=[1, 2, 4]).loss, ())
    of_class = mixed * [1, 2, 4]
    assert weighted(made, answers).numpy() == pytest.approx(-(of_class * np.log(answers)).sum(axis=-1), rel=1e-5)
    metric = MetricOfPairs(task.metrics[0], ())
    metric.update_state(made, answers)
    right = hot[np.arange(4), answers.argmax(-1)]
    right_of_other = hot[PARTNERS, answers.argmax(-1)]
    assert float(metric.result()) == pytest.approx((SHARES * right + (1 - SHARES) * right_of_other).mean())
    assert float(task.metrics[0].result()) == float(metric.result())
    metric.reset_state()
    metric.update_state(classes, answers)
    assert float(metric.result()) == pytest.approx(right.mean())


@pytest.mark.parametrize("count", [1, 3])
def test_a_pair_of_tags_is_told_from_tags(count: int) -> None:
    rng = np.random.default_rng(0)
    tags, answers = rng.integers(0, 2, (4, count)), rng.uniform(0.1, 0.9, (4, count)).astype(np.float32)
    loss = loss_of_pairs(multi_label([str(n) for n in range(count)]).loss, (count,))

    def plain(truth: np.ndarray) -> np.ndarray:
        return -(truth * np.log(answers) + (1 - truth) * np.log(1 - answers)).mean(axis=-1)

    assert loss(tags, answers).numpy() == pytest.approx(plain(tags), rel=1e-4)
    both = SHARES * plain(tags) + (1 - SHARES) * plain(tags[PARTNERS])
    assert loss(pairs(tags, PARTNERS, SHARES), answers).numpy() == pytest.approx(both, rel=1e-4)
