from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfft.store.chunks import IN_USE, Chunk, DamagedError, find_chunk, write_chunk
from tfft.store.rows import Rows

ROWS = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
KEYS = ["a", "b", "c", "d"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_chunk(tmp_path / "folder" / "x.chunk", KEYS, ROWS, {"b": ["turned"]})
    return tmp_path / "folder" / "x.chunk"


def reopen(path: Path) -> Chunk:
    chunk, _ = find_chunk(path, (2, 3), np.dtype("float32"))
    chunk.open()
    return chunk


def of_chunk(chunk: Chunk, *places: int) -> Rows:
    return Rows("name", {7: chunk}, np.array([(7, place) for place in places]), (2, 3), np.dtype("float32"))


def test_rows_come_back_as_they_were(path: Path) -> None:
    chunk = reopen(path)
    assert (chunk.rows, chunk.notes) == (len(KEYS), {"b": ["turned"]})
    assert find_chunk(path, (2, 3), np.dtype("float32"))[1] == KEYS
    assert chunk in IN_USE
    rows = of_chunk(chunk, 2, 0, 0, 3)
    assert (rows.shape, len(rows), rows.nbytes) == ((4, 2, 3), 4, 96)
    assert np.array_equal(rows[:], ROWS[[2, 0, 0, 3]])
    assert np.array_equal(rows[1], ROWS[0])
    assert np.array_equal(rows[-1], ROWS[3])
    assert np.array_equal(rows[np.array([3, 1])], ROWS[[3, 0]])
    assert np.array_equal(rows[::-1], ROWS[[3, 0, 0, 2]])
    assert np.array_equal(np.asarray(rows), ROWS[[2, 0, 0, 3]])
    with pytest.raises(IndexError):
        rows[4]


def test_they_are_read_after_another_run_has_removed_the_file(path: Path) -> None:
    chunk = reopen(path)
    path.unlink()
    assert np.array_equal(of_chunk(chunk, 1)[0], ROWS[1])


@pytest.mark.parametrize("damage", ["bit", "short", "long", "key"])
def test_every_damage_is_noticed(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "bit":
        content[-5] ^= 1
    elif damage == "short":
        del content[-4:]
    elif damage == "long":
        content += b"more"
    else:
        content = content.replace(b'"c"', b'"x"')
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="checksum"):
        reopen(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"[1, 2]\n", b'{"keys": 3}\n', b'{"shape": [2, 3], "dtype": "float32", "keys": [1]}\n'],
)
def test_what_is_no_chunk_is_told(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedError):
        reopen(path)


def test_a_chunk_of_other_rows_is_told(path: Path) -> None:
    for shape, dtype in (((3, 2), "float32"), ((2, 3), "float16")):
        with pytest.raises(DamagedError, match="chunk"):
            find_chunk(path, shape, np.dtype(dtype))


def test_a_file_that_becomes_shorter_in_use_is_told(path: Path) -> None:
    chunk = reopen(path)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 30)
    with pytest.raises(DamagedError, match="chunk"):
        of_chunk(chunk, 3)[0]
