from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tfft.data.reading.decoding import Decoder, decoded_array
from tfft.data.reading.images import BadPictureError
from tfft.data.records import content_digest
from tfft.errors import MachineError
from tfft.store import Storage, StoredArray, open_store

FILES = [b"ab", b"cd", b"ab", b"ef"]


def decode(content: bytes) -> tuple[np.ndarray, list[str]]:
    if content == b"cd":
        raise BadPictureError("no picture")
    return np.frombuffer(content, np.uint8), [f"of {content.decode()}"] if content == b"ab" else []


def decoded(
    files: Sequence[bytes] = FILES, kind: str = "bytes", asked: list[int] | None = None, storage: Storage = Storage()
) -> tuple[StoredArray, dict[str, str]]:
    def read(position: int) -> bytes:
        if asked is not None:
            asked.append(position)
        return files[position]

    return decoded_array(Decoder(kind, (2,), decode, 1), [content_digest(content) for content in FILES], read, storage)


def test_rows_notes_and_reasons_by_content() -> None:
    array, failed = decoded()
    ab, cd, _, ef = map(content_digest, FILES)
    assert np.array_equal(array.rows([ef, ab])[:], [[*b"ef"], [*b"ab"]])
    assert array.notes() == {ab: ["of ab"]}
    assert failed == {cd: "no picture"}


def test_equal_files_are_read_once_and_only_those_that_are_missing() -> None:
    asked: list[int] = []
    decoded(asked=asked)
    assert sorted(asked) == [0, 1, 3]
    asked.clear()
    array, failed = decoded(asked=asked)
    assert asked == [1]  # what does not decode is tried again
    assert array.notes() == {content_digest(b"ab"): ["of ab"]}
    assert list(failed.values()) == ["no picture"]


def test_kinds_do_not_share_rows() -> None:
    decoded()
    asked: list[int] = []
    decoded(kind="others", asked=asked)
    assert sorted(asked) == [0, 1, 3]


def test_a_file_that_cannot_be_read_and_one_that_changes() -> None:
    def read(position: int) -> bytes:
        if position == 3:
            raise OSError("a broken disk")
        return b"xx" if position == 0 else FILES[position]

    digests = [content_digest(content) for content in FILES]
    array, failed = decoded_array(Decoder("bytes", (2,), decode, 1), digests, read, Storage())
    assert "changed" in failed.pop(digests[0])
    assert failed == {digests[1]: "no picture", digests[3]: "a broken disk"}
    assert array.missing(digests) == [0, 1, 3]


def test_what_does_not_fit_the_limit_is_there_for_this_run() -> None:
    array, _ = decoded(storage=Storage(limit=1e-12))
    assert np.array_equal(array.rows([content_digest(b"ef")])[:], [[*b"ef"]])
    assert open_store(Storage()).contents() == []


def test_a_disk_too_small_is_told_before_reading(refused: Callable[..., None]) -> None:
    asked: list[int] = []

    def attempt() -> None:
        decoder = Decoder("bytes", (10**9, 10**9), decode, 1)
        decoded_array(decoder, [content_digest(b"ab")], asked.append, Storage())

    refused(MachineError, "1,000,000,000,000.0 MB", attempt)
    assert asked == []
