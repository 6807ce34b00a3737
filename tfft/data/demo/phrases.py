"""Generated texts: reviews with a sentiment, and sentences about dates in English and German.

No person wrote them. They are generated from the word lists and the grammar in this file, so every label is correct,
nobody owns the texts, and nothing is downloaded. Use them to try or test a recipe; a model trained on them learns
nothing about how people write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

SIZES = {"train": 1600, "val": 200, "test": 400}
"""Number of texts, or pairs, in each split."""


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
    """2,200 different short reviews, about half of them negative and half positive.

    A thing is called good or bad, with or without "not". If two things are joined by "but", the second one decides, so
    counting words is not enough. The same claim may occur in two splits with another opening or closing.

    Args:
        seed: Random seed; the demo data have seed 0.
    """

    def make(rng: np.random.Generator, split: str) -> tuple[str, Review]:
        positive = bool(rng.integers(2))
        thing, other = rng.choice(THINGS, 2, replace=False)
        claim = f"the {thing} is {_judgement(positive, rng)}"
        if rng.random() < 0.5:
            claim = f"the {other} is {_judgement(not positive, rng)}, but {claim}"
        opening = str(rng.choice(OPENINGS))
        text = f"{opening}{claim if opening else claim[0].upper() + claim[1:]}.{rng.choice(CLOSINGS)}"
        return text, Review(text, "positive" if positive else "negative", split)

    return distinct(make, seed)


def _judgement(positive: bool, rng: np.random.Generator) -> str:
    negated = bool(rng.random() < 0.4)
    return ("not " if negated else "") + str(rng.choice(GOOD if positive != negated else BAD))


def _table(text: str) -> dict[str, str]:
    """A dictionary from English to German."""
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
    """2,200 different English sentences about dates and hours, each with its German translation.

    Word order and numbers differ between the languages ("half past four" is "halb fünf"), so a word-by-word translation
    is wrong.

    Args:
        seed: Random seed; the demo data have seed 0.
    """

    def make(rng: np.random.Generator, split: str) -> tuple[str, Pair]:
        def draw(table: dict[str, str]) -> tuple[str, str]:
            return list(table.items())[rng.integers(len(table))]

        event, verb, day, ordinal, month = map(draw, (EVENTS, VERBS, DAYS, ORDINALS, MONTHS))
        hour = _hour(rng, draw)
        on = [f"on {day[0]}, the {ordinal[0]} of {month[0]}", f"am {day[1]}, dem {ordinal[1]} {month[1]}"]
        if rng.random() < 0.5:
            source = f"The {event[0]} {verb[0]} {on[0]}, at {hour[0]}."
            target = f"{event[1][0].upper()}{event[1][1:]} {verb[1]} {on[1]}, um {hour[1]}."
        else:  # in German the verb stays in second position
            source = f"{on[0][0].upper()}{on[0][1:]}, the {event[0]} {verb[0]} at {hour[0]}."
            target = f"{on[1][0].upper()}{on[1][1:]}, {verb[1]} {event[1]} um {hour[1]}."
        return source, Pair(source, target, split)

    return distinct(make, seed)


def _hour(rng: np.random.Generator, draw: Callable[[dict[str, str]], tuple[str, str]]) -> tuple[str, str]:
    english, german = draw(HOURS)
    form = rng.integers(3)
    if form == 0:
        return f"{english} o'clock", f"{'ein' if german == 'eins' else german} Uhr"
    if form == 1:  # German names the following hour
        following = list(HOURS.values())[(list(HOURS).index(english) + 1) % len(HOURS)]
        return f"half past {english}", f"halb {following}"
    before, before_german = draw(TIMES)
    return f"{before} {english}", f"{before_german} {german}"


def distinct(make: Callable[[np.random.Generator, str], tuple[str, P]], seed: int) -> list[P]:
    """Examples of all splits, without repeated texts."""
    examples: dict[str, P] = {}
    number = 0
    for split, size in SIZES.items():
        last = len(examples) + size
        while len(examples) < last:
            text, example = make(np.random.default_rng((seed, number)), split)
            examples.setdefault(text, example)
            number += 1
    return list(examples.values())
