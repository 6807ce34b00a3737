"""What may be made of a text, one reference or several: its translation, its summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tfft.data.reading.tokens import chosen_length, cut_note, vocabulary_notes
from tfft.data.records import Record
from tfft.data.targets import Form, Targets


@dataclass(frozen=True)
class References:
    """What may be made of a text. As targets: tokens of the first, (texts, most), int32, start to end, padded."""

    texts: tuple[str, ...]
    """The first is learned, all are scored against."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """None: texts are not dealt by classes."""
        return ()

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """Tokens of the first reference of each."""
        pieces = form.pieces
        firsts = [(record.truth.texts or ("",))[0] for record in records]
        tokens = pieces.tokenize(firsts)
        lengths = np.array([len(one) for one in tokens]) + sum(map(len, pieces.edges))
        trained = np.array([record.split == "train" for record in records], bool)
        most = chosen_length(lengths[trained], form.length, pieces.longest, "target_length")
        rows = pieces.pack(tokens, most)
        return Targets(
            labels=[],
            of=rows.__getitem__,
            present=[()] * len(records),
            failed={index: "no reference" for index, first in enumerate(firsts) if not first.strip()},
            notes=[cut_note("references", lengths, most), *vocabulary_notes("references", tokens, pieces)],
        )
