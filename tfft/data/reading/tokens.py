"""The texts of a run as tokens; what is empty, no text, or too long is found before training."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from tfft.data.batching.widths import widths_of
from tfft.data.choices import Length
from tfft.data.examples import Splits, Texts
from tfft.data.reading.assembling import Inputs, assemble
from tfft.data.records import Record
from tfft.data.targets import Form
from tfft.errors import ConfigError

KEPT_WHOLE = 99
"""Percent of the training texts that are not cut, where the length is chosen from the data."""


MOST_UNKNOWN = 0.01
"""Share of the tokens that may be unknown without a word of it."""


MOST_CHARACTERS = 200_000
"""Of a text that are looked at: no network reads so much, and a line may hold a whole book."""


class Tokenizes(Protocol):
    """What makes tokens of texts, and what of them a network takes."""

    longest: int
    unknown: int | None

    @property
    def special(self) -> frozenset[int]:
        """Special tokens of the network, such as its end of a text: they stand for no text."""

    @property
    def edges(self) -> tuple[list[int], list[int]]:
        """Tokens before and behind each text."""

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
    pieces: Tokenizes | None = None,
    target_length: Length = "auto",
    balanced: bool = False,
    labels: Sequence[str] | None = None,
) -> Splits:
    """Makes tokens of the texts of all splits.

    Args:
        records: Records that have their split, with truths of one kind.
        tokenizer: Of the network.
        length: Tokens that a text is cut to, those of start and end among them; `"auto"` leaves 99 of 100 training
            texts whole, as far as the network reads.
        bad_texts: What to do with texts that are empty or not UTF-8: `"stop"`, or `"skip"` and list them in
            `Splits.skipped`.
        pieces: The tokenizer of references; None where truths are classes.
        target_length: Tokens that a reference is cut to, as `length`.
        balanced: Whether rare classes come more often, see `Splits`.
        labels: The order of the classes; None for that of the alphabet.

    Raises:
        ConfigError: If `length` is more than the network reads.
        DataError: Naming every text that cannot be used.
    """
    rows = [record for name in ("train", "val", "test") for record in records if record.split == name]
    found = [text_of(record) for record in rows]
    why = {index: text.why for index, text in enumerate(found) if isinstance(text, Unusable)}
    texts = np.array(["" if index in why else text for index, text in enumerate(found)], object)
    tokens = tokenizer.tokenize([text[:MOST_CHARACTERS] for text in texts])
    why = {index: "nothing that the tokenizer knows" for index, one in enumerate(tokens) if not len(one)} | why
    lengths = np.array([len(one) for one in tokens]) + sum(map(len, tokenizer.edges))
    trained = [record.split == "train" and index not in why for index, record in enumerate(rows)]
    most = chosen_length(lengths[np.array(trained, bool)], length, tokenizer.longest)
    widths = np.minimum(widths_of(np.minimum(lengths, most)), most)

    def inputs_of(positions: Sequence[int]) -> dict[str, Any]:
        return {
            "inputs": tokenizer.pack([tokens[position] for position in positions], most),
            "widths": widths[positions],
            "texts": texts[positions],
            "references": [rows[position].truth.texts for position in positions] if pieces else None,
            "pieces": pieces,
        }

    targets = type(rows[0].truth).targets(rows, Form(pieces=pieces, labels=labels, length=target_length))
    usable = np.array([index not in why for index in range(len(rows))], bool)
    notes = [
        *_beyond(texts),
        cut_note("texts", lengths[usable], most),
        *vocabulary_notes("texts", tokens, tokenizer),
    ]
    return assemble(rows, targets, Inputs(Texts, inputs_of, why, bad_texts, notes), balanced=balanced)


def usable_texts(records: Iterable[Record]) -> Iterator[str]:
    """The texts of those records that hold one; `read_texts` names the others."""
    for record in records:
        if not isinstance(text := text_of(record), Unusable):
            yield text[:MOST_CHARACTERS]


class Unusable:
    """A text that cannot be trained on."""

    def __init__(self, why: str):
        self.why = why


def text_of(record: Record) -> str | Unusable:
    """The text of a record, or why it has none."""
    try:
        text = record.read().decode("utf-8-sig")
    except OSError as error:
        return Unusable(str(error.strerror))
    except UnicodeDecodeError as error:
        return Unusable(f"not UTF-8: byte {error.start}")
    return text if any(map(seen, text)) else Unusable("empty")


def seen(character: str) -> bool:
    """Whether it leaves ink: spaces, control characters and those of no width do not."""
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


def chosen_length(lengths: np.ndarray, length: Length, longest: int, name: str = "length") -> int:
    """Tokens to cut to.

    Args:
        lengths: Of the training texts.
        length: That which was asked for, or `"auto"`.
        longest: What a network reads, or writes, at most.
        name: Of the choice.

    Raises:
        ConfigError: If more is asked for.
    """
    if length == "auto":
        usual = int(np.ceil(np.percentile(lengths, KEPT_WHOLE))) if len(lengths) else 1
        return min(int(widths_of(np.array([usual]))[0]), longest)
    if length > longest:
        raise ConfigError(
            f"The network takes {longest} tokens at most",
            received=f"{name}={length}",
            fix=f"Set `--{name.replace('_', '-')} {longest}`",
        )
    return length


def vocabulary_notes(what: str, tokens: Sequence[np.ndarray], tokenizer: Tokenizes) -> list[str]:
    """How many tokens of texts (`what`) the vocabulary lacks, where many, and how many texts hold special ones.

    Some tokenizers, those of RoBERTa and BART among them, take `</s>` that is written out in a text for the end of it.
    """
    every = np.concatenate([*tokens, np.empty(0, np.int32)])
    text_of_token = np.repeat(np.arange(len(tokens)), [len(one) for one in tokens])
    share = (every == tokenizer.unknown).mean() if len(every) else 0.0
    marked = len(np.unique(text_of_token[np.isin(every, [*tokenizer.special])]))
    notes = {
        f"{share:.1%} of the tokens of {what} are not in the vocabulary of the network": share > MOST_UNKNOWN,
        f"{marked} of {len(tokens)} {what} hold a special token of the network, such as its end of a text": marked,
    }
    return [note for note, told in notes.items() if told]


def _beyond(texts: Iterable[str]) -> list[str]:
    long = sum(len(text) > MOST_CHARACTERS for text in texts)
    return [f"Of {long} texts only the first {MOST_CHARACTERS} characters were looked at"] if long else []


def cut_note(what: str, lengths: np.ndarray, most: int) -> str:
    """How many texts (`what`) are longer than `most` tokens, and how much was cut of them."""
    cut = lengths[lengths > most] - most
    share = 100 * cut.sum() / max(1, lengths.sum())
    return f"{len(cut)} of {len(lengths)} {what} are longer than {most} tokens" + (
        f" and were cut ({share:.1f} % of all tokens)" if len(cut) else ""
    )
