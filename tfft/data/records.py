"""One picture or text before it is decoded, with what is known of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from tqdm import tqdm

from tfft.data.targets import Form, Targets
from tfft.errors import DataError, nearest

if TYPE_CHECKING:
    from typing_extensions import Buffer

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


class Truth(Protocol):
    """What is known of one picture or text: its class, its tags, numbers, a mask, boxes."""

    one_class: ClassVar[bool]
    """Whether it is one class of several, which every split then needs."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it names, each as often as it does; examples are dealt to splits by them."""

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """The numbers that the truths of records of this kind become."""


@dataclass(frozen=True)
class Record:
    """One example with its truth and, where the source says so, its split and group."""

    content: Path | bytes = field(repr=False)
    """A file, or the bytes of one (PNG, JPEG, ...); of a text, UTF-8."""
    truth: Truth
    """What is known of it: its class, its tags, numbers, a mask, boxes."""
    where: str
    """How to find it again: a path below the data folder, or a name and a number."""
    split: str | None = None
    """`train`, `val` or `test`, where the source decides."""
    group: str | None = None
    """Examples of one group (a patient, a scene, a document) never straddle a split."""
    digest: str = ""
    """Hash of the content, 32 hexadecimal digits: equal examples have equal digests, whatever their names."""

    def read(self) -> bytes:
        """The bytes of the file."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


def digested(records: Sequence[Record]) -> list[Record]:
    """The records with their digests, every file read once, in parallel.

    A file that cannot be read gets a digest of its place; decoding names it.
    """

    def digest(record: Record) -> Record:
        try:
            content = record.read()
        except OSError:
            content = f"unreadable {record.where}".encode()
        return replace(record, digest=content_digest(content))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        passes = pool.map(digest, records)
        return list(tqdm(passes, total=len(records), desc="Comparing", unit=" files", disable=None, leave=False))


def content_digest(content: Buffer) -> str:
    """The name of a content: 32 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def split_name(name: str, where: str) -> str:
    """The split that a folder or a cell means: `"validation"` is `"val"`."""
    try:
        return SPLIT_NAMES[name.strip().lower()]
    except KeyError:
        raise DataError(
            "A split is one of " + ", ".join(map(repr, SPLIT_NAMES)),
            received=f"{name!r} in {where}",
            fix=f"Nearest: {nearest(name, SPLIT_NAMES)}",
        ) from None
