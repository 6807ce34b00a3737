"""The probe: heads that are solved on frozen features of several depths, before anything is tuned."""

from __future__ import annotations

from dataclasses import replace

from tfft.training.advice import Probe
from tfft.training.neighbours import neighbours
from tfft.training.plan import Plan
from tfft.training.problem import Problem


def probe(plan: Plan) -> Probe:
    """Solves heads on the last block and on all blocks that the head sees, and asks nearest neighbours.

    Args:
        plan: A plan whose first phase is solved; its activations are stored, or computed again.
    """
    problem = Problem.of(plan, plan.phases[0])
    last = problem.on_last(1)
    lowest = {
        blocks: min(problem.on_last(blocks).path(blocks), key=lambda solution: solution.logs["val_loss"])
        for blocks in sorted({1, problem.blocks})
    }
    nearest = last.validated(neighbours(last))[plan.task.monitor]
    return replace(problem.probe(lowest), neighbours=nearest)
