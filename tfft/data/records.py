"""One picture or text before it is decoded, with its ground truth."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from tqdm import tqdm

from tfft.data.targets import Form, Targets
from tfft.errors import DataError, nearest
from tfft.threads import in_threads

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


SIGNATURES = {
    ".jpg": (b"\xff\xd8\xff",), ".jpeg": (b"\xff\xd8\xff",), ".png": (b"\x89PNG\r\n",), ".gif": (b"GIF8",),
    ".webp": (b"RIFF",), ".bmp": (b"BM",), ".tif": (b"II*\0", b"MM\0*"), ".tiff": (b"II*\0", b"MM\0*"),
}  # fmt: skip
"""The first bytes of common picture formats, by suffix."""
STARTS = tuple(itertools.chain(*SIGNATURES.values()))

LEAK = "leak"
"""In place of a split: val or test has the same example, so that this one is left out."""


class Truth(Protocol):
    """The ground truth of one picture or text, such as its class or its boxes; a frozen dataclass, since equal examples
    with different truths are reported.

    A truth that cannot be used is kept with the reason; `targets` lists it in `Targets.failed`. If its picture cannot
    be opened, it must not fail: the reader of the pictures names the cause.
    """

    one_class: ClassVar[bool]
    """Whether it is exactly one class; then every split needs examples of every class."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes, one entry for each occurrence; splits are stratified by them. Empty if it has none."""

    @classmethod
    def targets(cls, records: Sequence[Record], form: Form) -> Targets:
        """The targets of records whose truths are of this kind."""


@dataclass(frozen=True)
class Record:
    """One example with its ground truth and, if the source assigns them, its split and group."""

    content: Path | bytes = field(repr=False)
    """A file, or its bytes: an encoded picture (PNG, JPEG, ...), or a text in UTF-8."""
    truth: Truth
    """Its ground truth."""
    where: str
    """Its origin: a path relative to the data folder, or a name and a number."""
    split: str | None = None
    """`train`, `val` or `test`, if the source assigns it; or `LEAK`."""
    group: str | None = None
    """Examples of one group (a patient, a scene, a document) stay in one split."""
    disguised: bool = False
    """Whether its suffix names another picture format than the one it is in."""
    digest: str = ""
    """Hash of the content, 32 hexadecimal digits; equal examples have equal digests, whatever their names."""
    alike: str = ""
    """Key that near-duplicates share; empty for an example without any."""

    text: Any = field(default=None, repr=False, compare=False)
    """The text, once it is decoded, or why it cannot be used; None for pictures."""

    def read(self) -> bytes:
        """The bytes of the file."""
        return self.content if isinstance(self.content, bytes) else self.content.read_bytes()


def digested(records: Sequence[Record]) -> list[Record]:
    """The records with their digests; every file is read once, in parallel.

    A file that cannot be read gets a digest of its path; decoding reports it.
    """

    def digest(record: Record) -> Record:
        try:
            content = record.read()
        except OSError:
            content = f"unreadable {record.where}".encode()
        return replace(record, digest=content_digest(content), disguised=_is_disguised(record, content))

    passes = in_threads(digest, records)
    return list(tqdm(passes, total=len(records), desc="Comparing", unit=" files", disable=None, leave=False))


def _is_disguised(record: Record, content: bytes) -> bool:
    suffix = record.content.suffix.lower() if isinstance(record.content, Path) else ""
    own = SIGNATURES.get(suffix, (b"",))
    return not content.startswith(own) and content.startswith(STARTS)


def content_digest(content: Buffer) -> str:
    """The hash of some content: 32 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def split_name(name: str, where: str) -> str:
    """The split that a folder or a cell names: `"validation"` is `"val"`.

    Raises:
        DataError: If it names no split.
    """
    try:
        return SPLIT_NAMES[name.strip().lower()]
    except KeyError:
        raise DataError(
            f"Unknown split {name!r} in {where}",
            fix=f"Nearest: {nearest(name, SPLIT_NAMES)}. Splits are named {', '.join(map(repr, SPLIT_NAMES))}",
        ) from None
