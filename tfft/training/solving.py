"""A head that is one Dense layer, solved instead of trained: no learning rate, no epochs.

On frozen features such a head is a convex problem. L-BFGS solves it on the whole training split, once for each strength
of an L2 penalty and each number of blocks that the head may see; validation chooses. Phase `tune` then starts from a
head that does not distort the features (Kumar et al. 2022, "LP-FT", arXiv:2202.10054).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

from tfft.errors import counted
from tfft.training.plan import Plan
from tfft.training.planned import PlannedPhase
from tfft.training.problem import Problem, Solution, has_few
from tfft.training.recording import Recorder

logger = logging.getLogger(__name__)


def solve_head(plan: Plan, planned: PlannedPhase, recorder: Recorder, interrupt: Callable[[], None]) -> None:
    """Sets the Dense layer of a phase to its best solution, and records it as one epoch.

    Args:
        plan: The plan.
        planned: A phase with the optimizer `"lbfgs"`.
        recorder: Records the scores.
        interrupt: Called after each solution; may raise.
    """
    start = time.monotonic()
    recorder.begin(planned.name, planned.phase)
    problem = Problem.of(plan, planned)
    lowest: dict[int, Solution] = {}

    def best_of(solutions: Iterator[Solution], best: Solution | None = None) -> Solution:
        for solution in solutions:
            before = lowest.setdefault(solution.blocks, solution)
            if solution.logs["val_loss"] < before.logs["val_loss"]:
                lowest[solution.blocks] = solution
            if best is None or recorder.score(solution.chosen_by) > recorder.score(best.chosen_by):
                best = solution
            interrupt()
        return best

    best = best_of(problem.solutions())
    best = best_of(problem.beside(best), best)
    problem.adopt(best)
    recorder.add(best.logs, rate=0.0, seconds=time.monotonic() - start)
    blocks, strength = counted(best.blocks, "block"), f"{best.strength:.3g}"
    note = f"the head was solved on the features of {blocks}, with an L2 penalty of {strength}"
    if has_few(plan):
        note += ", chosen on validation and by cross-validation on train"
    recorder.history.notes.append(note)
    recorder.history.probe = asdict(problem.probe(lowest))
    logger.info("Phase %s: %s: %s %.4f", planned.name, note, plan.task.monitor, best.logs[plan.task.monitor])
