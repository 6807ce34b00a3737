"""Reads the texts of a run as tokens and reports empty, undecodable and overlong texts before training."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from tfft.data.batching.widths import widths_of
from tfft.data.choices import Length, Sampling
from tfft.data.examples import Splits, Texts
from tfft.data.reading.assembling import Bad, Inputs, assemble, by_split
from tfft.data.records import Record
from tfft.data.targets import Form
from tfft.errors import ConfigError

KEPT_WHOLE = 99
"""Percent of the training texts that are not truncated if the length is chosen from the data."""


MOST_UNKNOWN = 0.01
"""Share of unknown tokens above which a note is added."""


MOST_CHARACTERS = 200_000
"""Characters of a text that are read: no network reads more, and a line may hold a whole book."""


class Tokenizes(Protocol):
    """A tokenizer, and what its network accepts."""

    longest: int
    unknown: int | None

    @property
    def special(self) -> frozenset[int]:
        """Special tokens of the network, such as its end of a text."""

    @property
    def edges(self) -> tuple[list[int], list[int]]:
        """Tokens before and after each text."""

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Returns the tokens of each text, not truncated."""

    def pack(self, tokens: Sequence[np.ndarray], length: int) -> np.ndarray:
        """Returns (texts, length), int32, truncated and padded."""


def read_texts(
    records: Sequence[Record],
    tokenizer: Tokenizes,
    *,
    form: Form = Form(),
    length: Length = "auto",
    bad_texts: Bad = "auto",
    sampling: Sampling = "all",
) -> Splits:
    """Tokenizes the texts of all splits.

    Args:
        records: Records with splits and with truths of one kind.
        tokenizer: The tokenizer of the network.
        form: The order of the classes; for references their tokenizer and length.
        length: Tokens of a text at most, including start and end; longer texts are truncated. `"auto"` truncates at
            most one of 100 training texts, within the limit of the network.
        bad_texts: What to do with texts that are empty or not UTF-8: `"skip"` and list them in `Splits.skipped`,
            `"stop"`, or `"auto"`: skip at most 1 in 100, else stop.
        sampling: What an epoch shows, see `Splits`.

    Raises:
        ConfigError: If `length` is above the limit of the network.
        DataError: If texts cannot be used, naming each of them.
    """
    rows, leaks = by_split(records)
    contents = [text_of(record) for record in rows]
    why = {index: text.why for index, text in enumerate(contents) if isinstance(text, Unusable)}
    texts = np.array(["" if index in why else text for index, text in enumerate(contents)], object)
    tokens = tokenizer.tokenize([text[:MOST_CHARACTERS] for text in texts])
    why = {index: "the tokenizer finds no tokens in it" for index, row in enumerate(tokens) if not len(row)} | why
    lengths = np.array([len(row) for row in tokens]) + sum(map(len, tokenizer.edges))
    trained = [record.split == "train" and index not in why for index, record in enumerate(rows)]
    most = chosen_length(lengths[np.array(trained, bool)], length, tokenizer.longest)
    widths = np.minimum(widths_of(np.minimum(lengths, most)), most)

    def inputs_of(positions: Sequence[int]) -> dict[str, Any]:
        return {
            "inputs": tokenizer.pack([tokens[position] for position in positions], most),
            "widths": widths[positions],
            "texts": texts[positions],
            "references": [rows[position].truth.texts for position in positions] if form.pieces else None,
            "pieces": form.pieces,
        }

    targets = type(rows[0].truth).targets(rows, form)
    usable = np.array([index not in why for index in range(len(rows))], bool)
    notes = [
        *_unread_note(texts),
        cut_note("texts", lengths[usable], most),
        *vocabulary_notes("texts", tokens, tokenizer),
    ]
    splits = assemble(rows, leaks, targets, Inputs(Texts, inputs_of, why, bad_texts, notes), sampling=sampling)
    return replace(splits, truncated=float((lengths[usable] > most).mean()))


def usable_texts(records: Iterable[Record]) -> Iterator[str]:
    """Yields the texts of the records that have a usable one; `read_texts` reports the others."""
    for record in records:
        if not isinstance(text := text_of(record), Unusable):
            yield text[:MOST_CHARACTERS]


class Unusable:
    """The reason why a text cannot be used."""

    def __init__(self, why: str):
        self.why = why


def text_of(record: Record) -> str | Unusable:
    """Returns the text of a record, or why it cannot be used."""
    if record.text is not None:
        return record.text
    try:
        text = record.read().decode("utf-8-sig")
    except OSError as error:
        return Unusable(str(error.strerror))
    except UnicodeDecodeError as error:
        return Unusable(f"not UTF-8 at byte {error.start}")
    return text if any(map(seen, text)) else Unusable("empty")


def seen(character: str) -> bool:
    """Returns whether a character is visible: spaces, control and zero-width characters are not."""
    return not character.isspace() and unicodedata.category(character) not in ("Cc", "Cf")


def chosen_length(lengths: np.ndarray, length: Length, longest: int, name: str = "length") -> int:
    """Returns the number of tokens to truncate texts to.

    Args:
        lengths: Tokens of each training text, (texts,).
        length: The length in the configuration, or `"auto"`.
        longest: Tokens that the network reads, or writes, at most.
        name: Name of the parameter, for the error message.

    Raises:
        ConfigError: If `length` is above `longest`.
    """
    if length == "auto":
        usual = int(np.ceil(np.percentile(lengths, KEPT_WHOLE))) if len(lengths) else 1
        return min(int(widths_of(np.array([usual]))[0]), longest)
    if length > longest:
        flag = f"--{name.replace('_', '-')}"
        raise ConfigError(
            f"`{flag}` must be at most {longest}, the limit of the network (got {length})",
            fix=f"Type `{flag} {longest}`",
        )
    return length


def vocabulary_notes(what: str, tokens: Sequence[np.ndarray], tokenizer: Tokenizes) -> list[str]:
    """Returns notes on texts (`what`): many unknown tokens, and special tokens written out in them.

    Some tokenizers, such as those of RoBERTa and BART, read a literal `</s>` in a text as its end.
    """
    ids = np.concatenate([*tokens, np.empty(0, np.int32)])
    text_of_token = np.repeat(np.arange(len(tokens)), [len(row) for row in tokens])
    share = (ids == tokenizer.unknown).mean() if len(ids) else 0.0
    special = len(np.unique(text_of_token[np.isin(ids, [*tokenizer.special])]))
    notes = {
        f"{share:.1%} of the tokens in {what} are not in the vocabulary of the network": share > MOST_UNKNOWN,
        f"{special} of {len(tokens)} {what} contain a special token of the network, such as its end of a text": special,
    }
    return [note for note, applies in notes.items() if applies]


def _unread_note(texts: Iterable[str]) -> list[str]:
    long = sum(len(text) > MOST_CHARACTERS for text in texts)
    return [f"Only the first {MOST_CHARACTERS} characters were read of {long} texts"] if long else []


def cut_note(what: str, lengths: np.ndarray, most: int) -> str:
    """Returns a note on how many texts (`what`) were truncated to `most` tokens, and how much they lost."""
    cut = lengths[lengths > most] - most
    share = 100 * cut.sum() / max(1, lengths.sum())
    return f"{len(cut)} of {len(lengths)} {what} are longer than {most} tokens" + (
        f" and were truncated ({share:.1f} % of all tokens)" if len(cut) else ""
    )
