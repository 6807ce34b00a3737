"""What may be made of a text, one reference or several: its translation, its summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tfft.data.choices import Length
from tfft.data.reading.tokens import Tokenizes, chosen_length, cut_note, vocabulary_notes
from tfft.data.records import Record
from tfft.data.targets import Targets


@dataclass(frozen=True)
class References:
    """What may be made of a text. Targets are made of it with a tokenizer, see `reference_targets`."""

    texts: tuple[str, ...]
    """The first is learned, all are scored against."""
    one_class: ClassVar[bool] = False

    @property
    def labels(self) -> tuple[str, ...]:
        """None: texts are not dealt by classes."""
        return ()


def reference_targets(tokenizer: Tokenizes, length: Length) -> Callable[[Sequence[Record]], Targets]:
    """What makes targets of records: tokens of the first reference, (texts, most), int32, start to end, padded.

    Args:
        tokenizer: Of the references.
        length: Tokens that one is cut to, those of start and end among them; `"auto"` leaves 99 of 100 of the training
            split whole.
    """

    def targets(records: Sequence[Record]) -> Targets:
        firsts = [(record.truth.texts or ("",))[0] for record in records]
        tokens = tokenizer.tokenize(firsts)
        lengths = np.array([len(one) for one in tokens]) + sum(map(len, tokenizer.edges))
        trained = np.array([record.split == "train" for record in records], bool)
        most = chosen_length(lengths[trained], length, tokenizer.longest, "target_length")
        rows = tokenizer.pack(tokens, most)
        return Targets(
            labels=[],
            of=rows.__getitem__,
            present=[()] * len(records),
            failed={index: "no reference" for index, first in enumerate(firsts) if not first.strip()},
            notes=[cut_note("references", lengths, most), *vocabulary_notes("references", tokens, tokenizer)],
        )

    return targets
