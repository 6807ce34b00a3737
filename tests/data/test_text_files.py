from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from tfft.data.text_files import is_rows, split_files, text_rows
from tfft.errors import DataError


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_files_named_after_splits(tmp_path: Path) -> None:
    for name in ("train.tsv", "dev.tsv", "test.jsonl", "notes.csv", "readme.txt"):
        write(tmp_path / name, "")
    assert {path.name: split for path, split in split_files(tmp_path).items()} == {
        "train.tsv": "train",
        "dev.tsv": "val",
        "test.jsonl": "test",
    }
    assert is_rows(tmp_path)
    assert not is_rows(tmp_path / "readme.txt")


def test_rows_of_a_folder_know_their_split(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", "text,label\nhello,a\n")
    write(tmp_path / "valid.jsonl", '{"text": "bye", "label": 1}\n\n')
    assert list(text_rows(tmp_path, ["text", "label"])) == [
        ("train.csv row 2", "train", {"text": "hello", "label": "a"}),
        ("valid.jsonl row 1", "val", {"text": "bye", "label": 1}),
    ]


def test_a_text_may_be_longer_than_the_csv_module_likes(tmp_path: Path) -> None:
    table = write(tmp_path / "long.csv", f"text,label\n{'word ' * 60_000},a\n")
    ((_, _, row),) = text_rows(table, ["text", "label"])
    assert len(row["text"]) == 300_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"text": "a"}', r"Every line has a key 'label'.*row 1.*nearest"),
        ('{"text": "a", "label": "b"}\n{"text": ', r"Every line is a JSON object.*row 2"),
        ("[1]", "Every line is a JSON object.*without brackets around all"),
        ('{"text": "a", "label": "b", "text": "c"}', r"two keys 'text' in data\.jsonl row 1"),
        ("[" * 100_000, "Every line is a JSON object"),
    ],
)
def test_lines_that_are_no_rows_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "data.jsonl", text)
    with pytest.raises(DataError, match=message):
        list(text_rows(path, ["text", "label"]))


def test_the_limit_of_the_csv_module_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit(1000)
    list(text_rows(write(tmp_path / "a.csv", "text,label\nhello,a\n"), ["text"]))
    assert csv.field_size_limit(before) == 1000


@pytest.mark.parametrize("name", ["data.csv", "data.jsonl"])
def test_what_is_no_file_is_never_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    os.mkfifo(path)
    with pytest.raises(DataError, match=r"Rows stand in a file.*a pipe or device, .*data.*--data"):
        list(text_rows(path, ["text"]))
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(DataError, match="no file"):
        list(text_rows(path, ["text"]))
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError, match="the folder"):
        list(text_rows(path, ["text"]))


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('text\tlabel\n"open\tx\nb\ty\nclose"\tx\n', ['"open', "b", 'close"']),
        ('text\tlabel\n"open\tx\nb "c"\ty\n', ['"open', 'b "c"']),
        ('text\tlabel\n"say ""a"""\tx\n"b"\ty\n', ['say "a"', "b"]),
        ('text\tlabel\n"two\nlines"\tx\nb\ty\n', ["two\nlines", "b"]),
        ('text\tlabel\n"a\tb"\tx\n', ["a\tb"]),
        ('text\tlabel\r\n"one\u2028two\x0cthree\tx\r\nb\ty\r\n', ['"one\u2028two\x0cthree', "b"]),
    ],
)
def test_quotes_between_tabs_are_part_of_a_text_unless_they_quote(tmp_path: Path, text: str, texts: list[str]) -> None:
    assert [row["text"] for _, _, row in text_rows(write(tmp_path / "data.tsv", text), ["text"])] == texts


def test_other_faults_of_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        list(text_rows(tmp_path / "gone.jsonl", ["text"]))
    (tmp_path / "latin.jsonl").write_bytes(json.dumps({"text": "ä"}, ensure_ascii=False).encode("latin-1"))
    with pytest.raises(DataError, match=r"UTF-8.*\(row 1\)"):
        list(text_rows(tmp_path / "latin.jsonl", ["text"]))
    write(tmp_path / "dev.csv", "text\na\n")
    write(tmp_path / "valid.csv", "text\nb\n")
    with pytest.raises(DataError, match=r"One file holds the val split.*dev\.csv, valid\.csv"):
        list(text_rows(tmp_path, ["text"]))
