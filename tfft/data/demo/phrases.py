"""Texts made by rule: reviews with a sentiment, and sentences about dates in English and German.

No person wrote them. They are made of word lists and a grammar in this file, so that every label is right by that
grammar, no text is anybody's, and nothing is downloaded. They serve to try a recipe and to test one; a model that is
trained on them knows nothing of how people write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

SIZES = {"train": 1600, "val": 200, "test": 400}
"""Texts, and pairs, of each split."""


@dataclass(frozen=True)
class Review:
    """A text with its sentiment."""

    text: str
    label: str
    """`negative` or `positive`."""
    split: str
    """`train`, `val` or `test`."""


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation."""

    source: str
    """English."""
    target: str
    """German."""
    split: str
    """`train`, `val` or `test`."""


P = TypeVar("P")


THINGS = [
    "battery",
    "camera",
    "screen",
    "keyboard",
    "hinge",
    "charger",
    "manual",
    "box",
    "strap",
    "lens",
    "speaker",
    "case",
    "cable",
    "zip",
    "handle",
]


GOOD = ["good", "solid", "bright", "quick", "pleasant", "reliable", "clear", "comfortable", "well-made", "fine"]


BAD = ["bad", "flimsy", "dim", "slow", "noisy", "unreliable", "blurred", "uncomfortable", "poor", "broken"]


OPENINGS = ["", "After a week of use, ", "To be honest, ", "As a gift for my sister: ", "For once I write a review: "]


CLOSINGS = ["", " It came on time.", " I bought two.", " The colour is grey.", " This is my second one."]


def reviews(*, seed: int = 0) -> list[Review]:
    """2,200 short reviews, each text once, about half of them negative and half positive.

    A thing is called good or bad, with or without "not"; where two things are named with "but" between them,
    what is said last decides. So counting words is not enough. What is said of a thing may be said again in another
    split, with another opening or ending.

    Args:
        seed: Decides all; the demo data have seed 0.
    """

    def make(rng: np.random.Generator, split: str) -> tuple[str, Review]:
        positive = bool(rng.integers(2))
        one, other = rng.choice(THINGS, 2, replace=False)
        said = f"the {one} is {_judged(positive, rng)}"
        if rng.random() < 0.5:
            said = f"the {other} is {_judged(not positive, rng)}, but {said}"
        opening = str(rng.choice(OPENINGS))
        text = f"{opening}{said if opening else said[0].upper() + said[1:]}.{rng.choice(CLOSINGS)}"
        return text, Review(text, "positive" if positive else "negative", split)

    return distinct(make, seed)


def _judged(positive: bool, rng: np.random.Generator) -> str:
    denied = bool(rng.random() < 0.4)
    return ("not " if denied else "") + str(rng.choice(GOOD if positive != denied else BAD))


def _table(text: str) -> dict[str, str]:
    """English to German."""
    return dict(pair.split(": ") for pair in text.split("; "))


EVENTS = _table(
    "meeting: die Sitzung; hearing: die Anhörung; exam: die Prüfung; course: der Kurs; "
    "lease: der Mietvertrag; guarantee: die Garantie; trial: der Prozess; maintenance: die Wartung"
)


VERBS = _table("begins: beginnt; ends: endet")


DAYS = _table(
    "Monday: Montag; Tuesday: Dienstag; Wednesday: Mittwoch; Thursday: Donnerstag; Friday: Freitag; "
    "Saturday: Samstag; Sunday: Sonntag"
)


MONTHS = _table(
    "January: Januar; February: Februar; March: März; April: April; May: Mai; June: Juni; July: Juli; "
    "August: August; September: September; October: Oktober; November: November; December: Dezember"
)


ORDINALS = _table(
    "first: ersten; second: zweiten; third: dritten; fourth: vierten; fifth: fünften; sixth: sechsten; "
    "seventh: siebten; eighth: achten; ninth: neunten; tenth: zehnten; eleventh: elften; "
    "twelfth: zwölften; thirteenth: dreizehnten; fourteenth: vierzehnten; fifteenth: fünfzehnten; "
    "sixteenth: sechzehnten; seventeenth: siebzehnten; eighteenth: achtzehnten; nineteenth: neunzehnten; "
    "twentieth: zwanzigsten; twenty-first: einundzwanzigsten; twenty-second: zweiundzwanzigsten; "
    "twenty-third: dreiundzwanzigsten; twenty-fourth: vierundzwanzigsten; "
    "twenty-fifth: fünfundzwanzigsten; twenty-sixth: sechsundzwanzigsten; "
    "twenty-seventh: siebenundzwanzigsten; twenty-eighth: achtundzwanzigsten"
)


HOURS = _table(
    "one: eins; two: zwei; three: drei; four: vier; five: fünf; six: sechs; seven: sieben; eight: acht; "
    "nine: neun; ten: zehn; eleven: elf; twelve: zwölf"
)


TIMES = _table(
    "ten past: zehn nach; a quarter past: Viertel nach; twenty past: zwanzig nach; twenty to: zwanzig vor; "
    "a quarter to: Viertel vor; ten to: zehn vor"
)


def pairs(*, seed: int = 0) -> list[Pair]:
    """2,200 English sentences about dates and hours, each with its German translation, each sentence once.

    Word order and numbers differ between the two ("half past four" is "halb fünf"), so words cannot be replaced
    one by one.

    Args:
        seed: Decides all; the demo data have seed 0.
    """

    def make(rng: np.random.Generator, split: str) -> tuple[str, Pair]:
        def one(table: dict[str, str]) -> tuple[str, str]:
            return list(table.items())[rng.integers(len(table))]

        event, verb, day, ordinal, month = map(one, (EVENTS, VERBS, DAYS, ORDINALS, MONTHS))
        hour = _hour(rng, one)
        on = [f"on {day[0]}, the {ordinal[0]} of {month[0]}", f"am {day[1]}, dem {ordinal[1]} {month[1]}"]
        if rng.random() < 0.5:
            source = f"The {event[0]} {verb[0]} {on[0]}, at {hour[0]}."
            target = f"{event[1][0].upper()}{event[1][1:]} {verb[1]} {on[1]}, um {hour[1]}."
        else:  # in German the verb stays in the second place
            source = f"{on[0][0].upper()}{on[0][1:]}, the {event[0]} {verb[0]} at {hour[0]}."
            target = f"{on[1][0].upper()}{on[1][1:]}, {verb[1]} {event[1]} um {hour[1]}."
        return source, Pair(source, target, split)

    return distinct(make, seed)


def _hour(rng: np.random.Generator, one: Callable[[dict[str, str]], tuple[str, str]]) -> tuple[str, str]:
    english, german = one(HOURS)
    form = rng.integers(3)
    if form == 0:
        return f"{english} o'clock", f"{'ein' if german == 'eins' else german} Uhr"
    if form == 1:  # half of the hour that is on its way
        following = list(HOURS.values())[(list(HOURS).index(english) + 1) % len(HOURS)]
        return f"half past {english}", f"halb {following}"
    before, before_german = one(TIMES)
    return f"{before} {english}", f"{before_german} {german}"


def distinct(make: Callable[[np.random.Generator, str], tuple[str, P]], seed: int) -> list[P]:
    """Examples of all splits, none of whose texts is there twice."""
    found: dict[str, P] = {}
    number = 0
    for split, size in SIZES.items():
        last = len(found) + size
        while len(found) < last:
            text, example = make(np.random.default_rng((seed, number)), split)
            found.setdefault(text, example)
            number += 1
    return list(found.values())
