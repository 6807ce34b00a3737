"""The texts of a run as tokens; what is empty, no text, or too long is found before training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np

from tfft.data.assembling import put_together
from tfft.data.choices import Length
from tfft.data.examples import Splits
from tfft.data.records import Record
from tfft.data.truths import Targets
from tfft.data.widths import widths_of
from tfft.errors import ConfigError
from tfft.store import Storage

KEPT_WHOLE = 99
"""Percent of the training texts that are not cut, where the length is chosen from the data."""
MOST_CHARACTERS = 200_000
"""Of a text that are looked at: no network reads so much, and a line may hold a whole book."""


class Tokenizes(Protocol):
    """What makes tokens of texts, and what of them a network takes."""

    longest: int
    pad: int

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The tokens of each text, uncut."""

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """(texts, length), int32, cut and padded."""


def read_texts(
    records: Sequence[Record],
    tokenizer: Tokenizes,
    *,
    length: Length = "auto",
    bad_texts: Literal["stop", "skip"] = "stop",
    targets_of: Callable[[Sequence[Record]], Targets] | None = None,
) -> Splits:
    """Makes tokens of the texts of all splits.

    Args:
        records: Records that have their split, with truths of one kind.
        tokenizer: Of the network.
        length: Tokens that a text is cut to, those of start and end among them; `"auto"` leaves 99 of 100 training
            texts whole, as far as the network reads.
        bad_texts: What to do with texts that are empty or not UTF-8: `"stop"`, or `"skip"` and list them in
            `Splits.skipped`.
        targets_of: Makes the targets of the records; by default their truths do.

    Raises:
        ConfigError: If `length` is more than the network reads.
        DataError: Naming every text that cannot be used.
    """
    rows = [record for name in ("train", "val", "test") for record in records if record.split == name]
    found = [_text(record) for record in rows]
    why = {index: text.why for index, text in enumerate(found) if isinstance(text, _Unusable)}
    texts = np.array(["" if index in why else text for index, text in enumerate(found)], object)
    tokens = tokenizer.tokenize([text[:MOST_CHARACTERS] for text in texts])
    edges = int(np.sum(tokenizer.pack([np.empty(0, np.int32)], 8) != tokenizer.pad))
    lengths = np.array([len(one) for one in tokens]) + edges
    trained = [record.split == "train" and index not in why for index, record in enumerate(rows)]
    most = chosen_length(lengths[np.array(trained, bool)], length, tokenizer.longest)
    packed = tokenizer.pack(tokens, most)
    widths = np.minimum(widths_of(np.minimum(lengths, most)), most)

    def examples(positions: Sequence[int]) -> dict[str, object]:
        return {
            "inputs": packed[positions],
            "widths": widths[positions],
            "texts": texts[positions],
            # of truths that are texts themselves
            "references": [getattr(rows[position].truth, "texts", ()) for position in positions],
        }

    targets = targets_of(rows) if targets_of else type(rows[0].truth).targets(rows, None, Storage())
    note = cut_note("texts", lengths, most)
    return put_together(rows, targets, why, examples, bad=bad_texts, noun="text", notes=[note])


class _Unusable:
    """A text that cannot be trained on."""

    def __init__(self, why: str):
        self.why = why


def _text(record: Record) -> str | _Unusable:
    try:
        text = record.read().decode("utf-8-sig")
    except OSError as error:
        return _Unusable(str(error.strerror))
    except UnicodeDecodeError as error:
        return _Unusable(f"not UTF-8: byte {error.start}")
    return text if text.strip() else _Unusable("empty")


def chosen_length(lengths: np.ndarray, length: Length, longest: int) -> int:
    """Tokens to cut to.

    Args:
        lengths: Of the training texts.
        length: That which was asked for, or `"auto"`.
        longest: What a network reads at most.

    Raises:
        ConfigError: If more is asked for.
    """
    if length == "auto":
        usual = int(np.ceil(np.percentile(lengths, KEPT_WHOLE))) if len(lengths) else 1
        return min(int(widths_of(np.array([usual]))[0]), longest)
    if length > longest:
        raise ConfigError(
            f"The network reads {longest} tokens at most", received=f"length={length}", fix=f"Set `--length {longest}`"
        )
    return length


def cut_note(what: str, lengths: np.ndarray, most: int) -> str:
    """How many texts (`what`) are longer than `most` tokens, and how much was cut of them."""
    cut = lengths[lengths > most] - most
    share = 100 * cut.sum() / max(1, lengths.sum())
    return f"{len(cut)} of {len(lengths)} {what} are longer than {most} tokens" + (
        f" and were cut ({share:.1f} % of all tokens)" if len(cut) else ""
    )
