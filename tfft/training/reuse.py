"""What the store saved in a run: how often stored outputs of frozen layers were read, and computed."""

from __future__ import annotations

from dataclasses import dataclass

from tfft.errors import counted, megabytes
from tfft.training.costs import about, known_trunk_seconds
from tfft.training.plan import Plan
from tfft.training.planned import SplitView
from tfft.training.recording import History


@dataclass(frozen=True)
class Reuse:
    """The stored outputs of the frozen layers below one phase."""

    phase: str
    read: int
    """How often an example was read, in all epochs of the phase."""
    stored: int
    """Examples in the store, in all views."""
    bytes: int
    """Their size."""
    seconds: float | None
    """What the frozen layers would have taken for the readings beyond the first; None if they were not timed, since
    everything was stored before."""

    @property
    def in_words(self) -> str:
        """As a sentence without its full stop."""
        said = f"Phase {self.phase}: outputs of the frozen layers stored for {counted(self.stored, 'example')}"
        said += f" ({megabytes(self.bytes)}) and read {self.read:,} times"
        return said if self.seconds is None else f"{said}, {about(self.seconds)} saved"


def reused(plan: Plan, history: History) -> list[Reuse]:
    """What the store saved in each phase that read a split more than once."""
    activations, phases = plan.activations, [row["phase"] for row in history.rows]
    val, phases_with_reuse = SplitView("val"), []
    for planned in plan.phases:
        epochs = phases.count(planned.name)
        if planned.depth is None or epochs < 2:
            continue
        shown = [view for n in planned.epoch_numbers[:epochs] for view in (planned.shown(n), val)]
        readings = [view for view in shown if activations.is_stored(planned.depth, view)]
        read = sum(len(activations.keys["val"]) if view == val else plan.splits.per_epoch for view in readings)
        stored = sum(len(set(activations.keys[view.split])) for view in set(readings))
        if read <= stored:
            continue
        size = sum(activations.room(planned.depth, view)[0] for view in set(readings))
        each = known_trunk_seconds(plan, planned.depth)
        seconds = None if each is None else (read - stored) * each
        phases_with_reuse.append(Reuse(planned.name, read, stored, size, seconds))
    return phases_with_reuse
