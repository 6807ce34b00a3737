"""What is odd about labels and splits, of pictures and texts alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from tfft.data.findings import Finding
from tfft.data.records import Record

FEW = 10
"""Examples below which a class is rare, if it has fewer than a tenth of the median."""


def label_findings(records: Sequence[Record]) -> Iterator[Finding]:
    """Equal and nearly equal examples, those in two splits of the data, and rare classes."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.alike or record.digest].append(record)
    for group in groups.values():
        if len(group) > 1:
            yield from _of_group(group)
    counts = Counter(label for record in records for label in record.truth.labels)
    usual = np.median(list(counts.values())) if counts else 0
    for label, count in counts.items():
        if count < FEW and count < usual / FEW:
            yield Finding("rare class", label, f"{count} of {sum(counts.values()):,} labels")


def _of_group(group: Sequence[Record]) -> Iterator[Finding]:
    """Of equal or nearly equal examples: each but the first is one finding, beside one that came before it."""
    for place, record in enumerate(group[1:], start=1):
        before = group[:place]
        same = [one for one in before if one.digest == record.digest]
        other_truth = [one for one in same if one.truth != record.truth]
        other_split = [one for one in before if one.split != record.split]
        first = (other_truth or other_split or same or before)[0]
        likeness = "the same as" if first.digest == record.digest else "nearly"
        if other_truth:
            labels = [", ".join(one.truth.labels) for one in (first, record)]
            said = f": {' and '.join(labels)}" if all(labels) else ", with another truth"
            yield Finding("contradiction", record.where, f"the same as {first.where}{said}")
        elif other_split:
            yield Finding("leak", record.where, f"{likeness} {first.where}, which is in another split")
        else:
            kind = "duplicate" if same else "near-duplicate"
            yield Finding(kind, record.where, f"{likeness} {first.where}")
