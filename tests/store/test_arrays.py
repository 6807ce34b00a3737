from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tfft.store import StoredArray
from tfft.store.arrays import CHUNK_BYTES, fingerprint


def array(folder: Path) -> StoredArray:
    return StoredArray(folder, {"kind": "test"}, (3,), "float32")


def rows(*values: float) -> np.ndarray:
    return np.array([[value] * 3 for value in values], np.float32)


def test_a_fingerprint_is_of_the_value_not_of_its_order() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert len({fingerprint({"a": value}) for value in (1, 2, "1", None, [1])}) == 5


def test_what_is_appended_is_there_and_after_reopening_too(tmp_path: Path) -> None:
    first = array(tmp_path / "x")
    assert first.missing(["a", "b", "a", "c"]) == [0, 1, 3]
    first.append(["a", "b"], rows(1, 2), {"b": ["grey"]})
    for found in (first, array(tmp_path / "x")):
        assert found.missing(["c", "b", "a", "d", "c"]) == [0, 3]
        assert np.array_equal(found.rows(["b", "a", "b"])[:], rows(2, 1, 2))
        assert found.notes() == {"b": ["grey"]}
    assert json.loads((tmp_path / "x" / "array.json").read_text()) == {"kind": "test"}


def test_two_that_grow_at_once_find_each_other(tmp_path: Path) -> None:
    one, two = array(tmp_path), array(tmp_path)
    one.append(["a", "b"], rows(1, 2))
    two.append(["a", "b"], rows(1, 2))  # the same work, done twice
    two.append(["c"], rows(3))
    assert len(list(tmp_path.glob("*.chunk"))) == 2
    assert np.array_equal(one.rows(["a"])[:], rows(1))
    assert array(tmp_path).missing(["a", "b", "c"]) == []


def test_a_damaged_chunk_is_said_and_its_rows_are_missing_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = array(tmp_path)
    first.append(["a", "b"], rows(1, 2))
    first.append(["c"], rows(3))
    damaged = min(tmp_path.glob("*.chunk"), key=lambda path: path.stat().st_size)
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\1")
    again = array(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert again.missing(["a", "b", "c"]) == [2]
    assert str(damaged) in caplog.text
    assert not damaged.exists()
    again.append(["c"], rows(3))
    assert np.array_equal(again.rows(["c", "a"])[:], rows(3, 1))


def test_a_chunk_without_a_header_is_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "x.chunk").write_bytes(b"\0" * 50)
    with caplog.at_level(logging.WARNING):
        assert array(tmp_path).missing(["a"]) == [0]
    assert "no header" in caplog.text
    assert list(tmp_path.glob("*.chunk")) == []


def test_parts_fill_chunks(tmp_path: Path) -> None:
    large = StoredArray(tmp_path, {}, (CHUNK_BYTES // 4 // 70,), "float32")
    parts = list(large.parts_of(range(150)))
    assert [len(part) for part in parts] == [48, 48, 48, 6]
    assert [position for part in parts for position in part] == list(range(150))
    huge = StoredArray(tmp_path, {}, (CHUNK_BYTES,), "float32")
    assert [len(part) for part in huge.parts_of(range(3))] == [1, 1, 1]
    assert len(list(huge.parts_of(range(5000)))) < 300


def test_rows_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"2.*1, 3"):
        array(tmp_path).append(["a", "b"], rows(1))


def test_a_chunk_that_is_removed_at_once_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tfft.store.arrays.write_chunk", lambda *args: None)
    with pytest.raises(OSError, match="chunk"):
        array(tmp_path).append(["a"], rows(1))


def test_a_chunk_that_another_run_removes_is_missing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    array(tmp_path).append(["a"], rows(1))
    late = array(tmp_path)
    early = array(tmp_path)
    assert early.missing(["a"]) == []
    next(tmp_path.glob("*.chunk")).unlink()
    assert late.missing(["a"]) == [0]
    assert caplog.text == ""  # that is no damage
    assert np.array_equal(early.rows(["a"])[:], rows(1))


def test_only_damage_removes_a_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    array(tmp_path).append(["a"], rows(1))
    whole = next(tmp_path.glob("*.chunk"))
    (tmp_path / ".writing-1.chunk").write_bytes(b"half")  # of another run
    (tmp_path / "loop.chunk").symlink_to("loop.chunk")  # cannot be opened
    (tmp_path / "folder.chunk").mkdir()  # nor can this one be read
    assert array(tmp_path).missing(["a"]) == []
    assert "cannot be read" in caplog.text
    assert {path.name for path in tmp_path.glob("*.chunk")} == {
        *(whole.name, ".writing-1.chunk", "loop.chunk", "folder.chunk")
    }


MANY = """
import resource, sys
from pathlib import Path
import numpy as np
from tfft.store import StoredArray
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
array = StoredArray(Path(sys.argv[1]), {}, (1,), "float32")
keys = [str(key) for key in range(60)]
for key in keys:
    array.append([key], np.full((1, 1), int(key), np.float32))
array = StoredArray(Path(sys.argv[1]), {}, (1,), "float32")
assert array.missing(keys) == []
rows = array.rows(keys)
for _ in range(2):
    assert (rows[:].ravel() == np.arange(60)).all()
"""


@pytest.mark.skipif(os.name != "posix", reason="limits the number of open files")
def test_more_chunks_than_a_process_may_have_open(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MANY, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list(tmp_path.glob("*.chunk"))) == 60


def test_of_two_runs_one_fills_an_array_and_the_other_reads_it(tmp_path: Path) -> None:
    computed: list[int] = []

    def run() -> np.ndarray:
        array = StoredArray(tmp_path / ("a" * 32), {}, (2,), "float32")
        keys = [str(number) for number in range(3)]
        together.wait()
        with array.filling(keys):
            for position in array.missing(keys):
                computed.append(position)
                array.append([keys[position]], np.full((1, 2), position, np.float32))
        return array.rows(keys)[:]

    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        one, other = (run.result() for run in [pool.submit(run), pool.submit(run)])
    assert sorted(computed) == [0, 1, 2]
    assert one.tolist() == other.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert [path.name for path in tmp_path.iterdir()] == ["a" * 32]
