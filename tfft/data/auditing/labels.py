"""What is odd about labels and splits, of pictures and texts alike."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from tfft.data.findings import Finding
from tfft.data.records import LEAK, Record

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
    """Of equal or nearly equal examples; each is one finding, the first of them is the one to keep."""
    first = group[0]
    splits = {record.split for record in group}
    for record in group[1:]:
        same = record.digest == first.digest
        # boxes are compared as they are, too; of generated texts every reference is a label of its own
        if record.truth != first.truth and same:
            labels = " and ".join(", ".join(one.truth.labels) or "no label" for one in (first, record))
            yield Finding("contradiction", record.where, f"the same as {first.where}: {labels}")
        elif len(splits - {LEAK}) > 1 or LEAK in splits:
            yield Finding("leak", record.where, f"{'the same as' if same else 'nearly'} {first.where} in another split")
        else:
            kind = "duplicate" if same else "near-duplicate"
            yield Finding(kind, record.where, f"{'the same as' if same else 'nearly'} {first.where}")
