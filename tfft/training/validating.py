"""Validation: the loss, the metrics and the scores of a phase, in one pass through its top."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from tfft.data.batching.batches import evaluation_batches
from tfft.data.indexing import Indexable
from tfft.training.feeding import prepared
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.predict import continued, gathered, outputs_of, together


def validating(
    plan: Plan, planned: PlannedPhase, rows: Indexable, targets: Indexable, *, most: int | None = None
) -> Callable[[], dict[str, float]]:
    """A function that validates the model as it is: `val_loss`, and the metrics and scores of the task as `val_NAME`.

    Keras's `evaluate` would compile the top once more, and a score of all predictions would need another pass.

    Args:
        plan: The plan.
        planned: A phase that is trained; its top is compiled before the function is called.
        rows: The validation examples, as the phase reads them.
        targets: Their targets.
        most: Of more examples, evenly spread ones are read, and no score of all predictions is computed.
    """
    task, val = plan.task, plan.splits.val
    order = val.order[:: 1 if most is None else math.ceil(len(val) / most)]
    batches = evaluation_batches(
        rows,
        targets,
        plan.layout(planned.depth),
        order=order,
        batch_size=together(plan, planned),
        prepare=partial(prepared, task),
    )
    answer = None
    if task.score is not None and most is None:
        answer = continued(task.answering(plan.model), plan.model)

    def validated() -> dict[str, float]:
        loss, answers = 0.0, []
        for metric in task.metrics:
            metric.reset_state()
        for tensors, expected in batches:
            outputs = outputs_of(planned, tensors)
            mean = planned.top.compute_loss(y=expected, y_pred=outputs, training=False)
            loss += float(mean) * len(expected)
            for metric in task.metrics:
                metric.update_state(expected, outputs)
            if answer is not None:
                answers.append(answer(outputs))
        logs = {metric.name: float(metric.result()) for metric in task.metrics} | {"loss": loss / len(order)}
        if answer is not None:
            logs.update(task.score(val.targets[order], gathered(answers)))
        return {f"val_{name}": value for name, value in logs.items()}

    return validated
