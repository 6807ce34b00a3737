"""What is odd about texts."""

from __future__ import annotations

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tfft.data.auditing.labels import label_findings
from tfft.data.findings import Finding, ordered
from tfft.data.records import Record

SHORT, LONG = 0.05, 20.0
"""Characters of a text over the median below or above which it is noted."""
LETTERS = 200
"""Letters of a text whose script is looked up."""
LEAST_CUT, MANY = 50, 5
"""Characters of a text that may have been cut, and how many of the same length show that texts were."""
FOREIGN = 0.5
"""Share of the letters in another script from which a text is noted."""


def audit_texts(records: Sequence[Record]) -> list[Finding]:
    """What is odd about texts, the most serious first.

    Args:
        records: Records of texts, with digests.
    """
    texts = [record.text if isinstance(record.text, str) else _decoded(record) for record in records]
    found = [
        Finding("unreadable" if text is None else "empty", record.where)
        for record, text in zip(records, texts, strict=True)
        if text is None or not text.strip()
    ]
    usable = [(record, text) for record, text in zip(records, texts, strict=True) if text and text.strip()]
    if usable:
        usual = float(np.median([len(text) for _, text in usable]))
        scripts = [_scripts(text) for _, text in usable]
        main = sum(scripts, Counter()).most_common(1)
        cut_at = _cut_at([text for _, text in usable])
        for (record, text), counts in zip(usable, scripts, strict=True):
            if len(text) < SHORT * usual or len(text) > LONG * usual:
                check = "short" if len(text) < usual else "long"
                found.append(Finding(check, record.where, f"{len(text):,} characters, median {usual:,.0f}"))
            if len(text) == cut_at and not unicodedata.category(text.rstrip()[-1]).startswith("P"):
                found.append(Finding("cut", record.where, f"at {cut_at:,} characters"))
            if counts and main and 1 - counts[main[0][0]] / counts.total() > FOREIGN:
                script = counts.most_common(1)[0][0].capitalize()
                found.append(Finding("other script", record.where, f"{script}, the others {main[0][0].capitalize()}"))
    return ordered([*found, *label_findings([record for record, _ in usable])])


def _cut_at(texts: Sequence[str]) -> int | None:
    """The length at which texts were cut before they came here: that of the longest, if many are that long."""
    lengths = Counter(map(len, texts))
    longest = max(lengths)
    # if most are that long, they are made so, as sequences of a fixed length are
    return longest if longest >= LEAST_CUT and MANY <= lengths[longest] <= len(texts) / 2 else None


def _decoded(record: Record) -> str | None:
    try:
        return record.read().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _scripts(text: str) -> Counter[str]:
    """How many of the first letters are in each script."""
    letters = [character for character in text[: 4 * LETTERS] if character.isalpha()][:LETTERS]
    return Counter(map(_script, letters))


@functools.lru_cache(maxsize=65_536)
def _script(letter: str) -> str:
    """The script of a letter: the first word of its name, such as LATIN, CYRILLIC or HIRAGANA."""
    return unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
