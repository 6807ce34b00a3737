from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfft.errors import DataError
from tfft.serving.asked import Read
from tfft.serving.text_reader import TextReader

READER = TextReader("text")


def texts(inputs: object, reader: TextReader = READER) -> list[str]:
    reads = [reader.read(item) for item in reader.items(inputs)]
    return [read.row if isinstance(read, Read) else f"! {read.error}" for read in reads]


def test_texts_come_from_strings_files_folders_and_tables(tmp_path: Path) -> None:
    (tmp_path / "mails").mkdir()
    (tmp_path / "mails/a.txt").write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    (tmp_path / "mails/b.txt").write_bytes(b"\xff\xfe")
    (tmp_path / "list.csv").write_text('text,more\n"a, b",1\n  ,2\n')
    (tmp_path / "list.jsonl").write_text('{"text": "c"}\n{"text": null}\n')
    assert texts("a word") == texts(b"a word") == texts(["a word"]) == texts(np.array(["a word"])) == ["a word"]
    assert texts(tmp_path / "mails/a.txt") == texts(str(tmp_path / "mails/a.txt")) == ["one\ntwo\n"]
    assert texts([str(tmp_path / "mails/a.txt")]) == [str(tmp_path / "mails/a.txt")]  # in a list only a Path is a file
    assert texts(tmp_path / "mails/a.txt", TextReader("text", lines=True)) == ["one", "two"]
    assert texts(tmp_path / "mails") == ["one\ntwo\n", "! not UTF-8 at byte 0"]
    assert texts(tmp_path / "list.csv") == ["a, b", "! empty"]
    assert texts([tmp_path / "list.jsonl", None, 3, " ", "half \ud800"]) == [
        "c", "! empty", "! not a text but a value of type NoneType", "! not a text but a value of type int", "! empty",
        "half ?",
    ]  # fmt: skip
    assert [READER.is_one(one) for one in ("a", b"a", ["a"], tmp_path, tmp_path / "list.csv")] == [1, 1, 0, 0, 0]


def test_a_table_without_the_column(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("body\nx\n")
    (tmp_path / "list.jsonl").write_text('{"body": "c"}\n')
    for name in ("list.csv", "list.jsonl"):
        with pytest.raises(DataError, match=r"'text'.*`--column`; nearest: 'body'"):
            texts(tmp_path / name)
    assert texts(tmp_path / "list.csv", TextReader("body")) == ["x"]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"No \.txt files"):
        texts(tmp_path / "none")
