from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tfft.data.sources.text_files import is_rows, split_files, text_rows
from tfft.errors import DataError

Check = Callable[..., None]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(path: Path, names: Sequence[str] = ("text",)) -> list[tuple[str, str | None, dict[str, Any]]]:
    return list(text_rows(path, list(names)))


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


def test_lines_that_are_no_rows_are_named(tmp_path: Path, refused: Check) -> None:
    for text, *named in (
        ('{"text": "a"}', "'label'", "row 1", "'text'"),
        ('{"text": "a", "label": "b"}\n{"text": ', "row 2"),
        ("[1]", "row 1"),
        ('{"text": "a", "label": "b", "text": "c"}', "'text'", "row 1"),
        ("[" * 100_000, "row 1"),
    ):
        path = write(tmp_path / "data.jsonl", text)
        refused(DataError, ("data.jsonl", *named), rows_of, path, ["text", "label"])


def test_the_limit_of_the_csv_module_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit(1000)
    list(text_rows(write(tmp_path / "a.csv", "text,label\nhello,a\n"), ["text"]))
    assert csv.field_size_limit(before) == 1000


def test_what_is_no_file_is_never_opened(tmp_path: Path, refused: Check) -> None:
    for name in ("data.csv", "data.jsonl"):
        path = tmp_path / name
        os.mkfifo(path)
        refused(DataError, (str(path), "--data"), rows_of, path)
        path.unlink()
        path.symlink_to(path)
        refused(DataError, str(path), rows_of, path)
        path.unlink()
        path.mkdir()
        refused(DataError, str(path), rows_of, path)


def test_quotes_between_tabs_are_part_of_a_text_unless_they_quote(tmp_path: Path) -> None:
    for text, texts in (
        ('text\tlabel\n"open\tx\nb\ty\nclose"\tx\n', ['"open', "b", 'close"']),
        ('text\tlabel\n"open\tx\nb "c"\ty\n', ['"open', 'b "c"']),
        ('text\tlabel\n"say ""a"""\tx\n"b"\ty\n', ['say "a"', "b"]),
        ('text\tlabel\n"two\nlines"\tx\nb\ty\n', ["two\nlines", "b"]),
        ('text\tlabel\n"a\tb"\tx\n', ["a\tb"]),
        ('text\tlabel\r\n"one\u2028two\x0cthree\tx\r\nb\ty\r\n', ['"one\u2028two\x0cthree', "b"]),
    ):
        path = write(tmp_path / "data.tsv", text)
        assert [row["text"] for _, _, row in text_rows(path, ["text"])] == texts


def test_other_faults_of_files_are_named(tmp_path: Path, refused: Check) -> None:
    refused(DataError, "gone.jsonl", rows_of, tmp_path / "gone.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(json.dumps({"text": "ä"}, ensure_ascii=False).encode("latin-1"))
    refused(DataError, ("latin.jsonl", "row 1", "UTF-8"), rows_of, tmp_path / "latin.jsonl")
    write(tmp_path / "dev.csv", "text\na\n")
    write(tmp_path / "valid.csv", "text\nb\n")
    refused(DataError, ("val", "dev.csv", "valid.csv"), rows_of, tmp_path)
