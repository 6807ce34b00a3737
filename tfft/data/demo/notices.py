"""Notices made by rule, with a summary of one sentence; no person wrote them, see `tfft.data.demo.phrases`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfft.data.demo.phrases import DAYS, EVENTS, HOURS, VERBS, distinct


@dataclass(frozen=True)
class Summary:
    """A notice and what matters of it."""

    document: str
    summary: str
    split: str
    """`train`, `val` or `test`."""


ROOMS = ["the small hall", "room seven", "the library", "the old town hall", "the canteen", "the garden"]


REASONS = [
    "because of repairs",
    "as in every year",
    "at the wish of many",
    "since the lift is broken",
    "for want of room",
]


ASIDES = [
    "Please bring your own cup.",
    "Dogs stay outside.",
    "The car park is closed.",
    "Last year forty people came.",
    "There will be coffee.",
    "Questions go to the front desk.",
    "The doors open half an hour before.",
]


def summaries(*, seed: int = 0) -> list[Summary]:
    """2,200 notices of some sentences, each with a summary of one, each notice once.

    What matters, where and when something begins or ends, stands somewhere between sentences that do not.

    Args:
        seed: Decides all; the demo data have seed 0.
    """

    def make(rng: np.random.Generator, split: str) -> tuple[str, Summary]:
        event, verb, day = (str(rng.choice(list(table))) for table in (EVENTS, VERBS, DAYS))
        hour, room = str(rng.choice(list(HOURS))), str(rng.choice(ROOMS))
        said = f"The {event} {verb} in {room} on {day} at {hour} o'clock, {rng.choice(REASONS)}."
        asides = rng.choice(ASIDES, int(rng.integers(2, 5)), replace=False).tolist()
        asides.insert(int(rng.integers(len(asides) + 1)), said)
        document = " ".join(asides)
        return document, Summary(document, f"The {event} {verb} on {day} at {hour} in {room}.", split)

    return distinct(make, seed)
