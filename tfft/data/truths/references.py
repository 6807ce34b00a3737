"""References for a text, one or several: translations or summaries."""

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
    """The references of a text.

    As targets: the tokens of the first reference with start and end, (texts, most), int32, padded.
    """

    texts: tuple[str, ...]
    """The model learns the first; scores use all."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Empty: references are not classes."""
        return ()

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """The tokens of each first reference."""
        pieces = form.pieces
        firsts = [(record.truth.texts or ("",))[0] for record in records]
        tokens = pieces.tokenize(firsts)
        lengths = np.array([len(row) for row in tokens]) + sum(map(len, pieces.edges))
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
