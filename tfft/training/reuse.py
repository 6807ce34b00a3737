"""What the store saved in a run: how often stored outputs of frozen layers were read, and computed."""

from __future__ import annotations

from dataclasses import dataclass

from tfft.errors import counted, megabytes
from tfft.training.costs import known_trunk_seconds
from tfft.training.plan import Plan
from tfft.training.recording import History


@dataclass(frozen=True)
class Reuse:
    """The stored outputs of the frozen layers below one phase."""

    phase: str
    read: int
    """Examples that the phase read, over all its epochs."""
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
        said = f"Phase {self.phase} read the outputs of its frozen layers for {self.read:,} examples"
        said += f" and stores {counted(self.stored, 'example')} ({megabytes(self.bytes)})"
        return said if self.seconds is None else f"{said}: about {self.seconds:,.0f} s saved"


def reused(plan: Plan, history: History) -> list[Reuse]:
    """What the store saved in each phase that read a split more than once."""
    activations, rows = plan.activations, [row["phase"] for row in history.rows]
    found = []
    for planned in plan.phases:
        epochs = rows.count(planned.name)
        if planned.depth is None or epochs < 2:
            continue
        shown = activations.stored[planned.depth]
        numbers = planned.epoch_numbers[:epochs]
        train = sum(planned.shown(number) in shown for number in numbers) * len(activations.keys["train"])
        val = epochs * sum(len(activations.keys[one.split]) for one in shown if one.split == "val")
        mine = {*map(planned.shown, numbers), *(one for one in shown if one.split == "val")} & shown
        stored = sum(len(set(activations.keys[one.split])) for one in mine)
        size = sum(activations.room(planned.depth, one)[0] for one in mine)
        each = known_trunk_seconds(plan, planned.depth)
        if (read := train + val) > stored:
            seconds = None if each is None else (read - stored) * each
            found.append(Reuse(planned.name, read, stored, size, seconds))
    return found
