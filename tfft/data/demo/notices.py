"""Generated notices with a summary of one sentence; no person wrote them, see `tfft.data.demo.phrases`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfft.data.demo.phrases import DAYS, EVENTS, HOURS, VERBS, distinct


@dataclass(frozen=True)
class Summary:
    """A notice and its summary."""

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
    """2,200 different notices of several sentences, each with a summary of one sentence.

    One sentence says where and when something begins or ends; it stands at a random place among irrelevant ones.

    Args:
        seed: Random seed; the demo data have seed 0.
    """

    def make(rng: np.random.Generator, split: str) -> tuple[str, Summary]:
        event, verb, day = (str(rng.choice(list(table))) for table in (EVENTS, VERBS, DAYS))
        hour, room = str(rng.choice(list(HOURS))), str(rng.choice(ROOMS))
        message = f"The {event} {verb} in {room} on {day} at {hour} o'clock, {rng.choice(REASONS)}."
        asides = rng.choice(ASIDES, int(rng.integers(2, 5)), replace=False).tolist()
        asides.insert(int(rng.integers(len(asides) + 1)), message)
        document = " ".join(asides)
        return document, Summary(document, f"The {event} {verb} on {day} at {hour} in {room}.", split)

    return distinct(make, seed)
