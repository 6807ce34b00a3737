from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfft.data import PairColumns, find_pairs
from tfft.errors import ConfigError, DataError

COLUMNS = PairColumns(source="en", target="de")
Check = Callable[..., None]


def write(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return str(folder)


def test_a_table_and_json_lines_with_several_references(tmp_path: Path) -> None:
    table = write(tmp_path, {"p.tsv": "document\ten\tde\nx\ta dog\tein Hund\ny\ta cat\teine Katze\n"})
    found = find_pairs(f"{table}/p.tsv", PairColumns(source="en", target="de", group="document"))
    assert [(r.read(), r.truth.texts, r.group) for r in found] == [
        (b"a dog", ("ein Hund",), "x"),
        (b"a cat", ("eine Katze",), "y"),
    ]
    lines = write(tmp_path, {"p.jsonl": '{"en": "long", "de": ["one", "", "two"]}\n{"en": "b", "de": null}\n'})
    found = find_pairs(f"{lines}/p.jsonl", COLUMNS)
    assert [r.truth.texts for r in found] == [("one", "two"), ()]


def test_files_of_lines_that_belong_together(tmp_path: Path, refused: Check) -> None:
    files = {f"{stem}.{end}": f"{stem} {end} 1\n{stem} {end} 2\n" for stem in ("train", "val", "test_2016", "test_2017")
             for end in ("en", "de")}  # fmt: skip
    folder = write(tmp_path, files)
    found = find_pairs(folder, PairColumns(source="en", target="de", test="test_2016"))
    assert [(r.read().decode(), r.truth.texts[0], r.split) for r in found if r.split == "test"] == [
        ("test_2016 en 1", "test_2016 de 1", "test"),
        ("test_2016 en 2", "test_2016 de 2", "test"),
    ]
    assert {r.split for r in find_pairs(folder, COLUMNS)} == {"train", "val"}  # which of the two is not said
    columns = PairColumns(source="en", target="de", test="test_2018")
    refused(DataError, ("'test_2018'", "test_2016", "--columns.test"), find_pairs, folder, columns)
    columns = PairColumns(source="en", target="fr", test="test_2016")
    refused(DataError, ("test_2016.en", "test_2016.fr", "--columns.target"), find_pairs, folder, columns)
    refused(ConfigError, ("'en'", "--columns"), find_pairs, folder, PairColumns(source="en", target="en"))
    write(tmp_path, {"val.de": "one\n"})
    refused(DataError, ("2", "val.en", "1", "val.de"), find_pairs, folder, COLUMNS)


def test_other_sources(tmp_path: Path, refused: Check) -> None:
    assert {r.split for r in find_pairs("demo:pairs")} == {"train", "val", "test"}
    refused(ConfigError, ("'demo:text'", "demo:pairs"), find_pairs, "demo:text")
    refused(DataError, str(tmp_path / "gone"), find_pairs, str(tmp_path / "gone"))
    refused(DataError, (str(tmp_path), "--columns.source"), find_pairs, str(tmp_path))
    folder = write(tmp_path, {"p.jsonl": '{"en": "a", "de": {"x": 1}}\n', "book.xlsx": "PK"})
    refused(DataError, ("'de'", "p.jsonl", "row 1"), find_pairs, f"{folder}/p.jsonl", COLUMNS)
    refused(DataError, ("book.xlsx", ".csv"), find_pairs, f"{folder}/book.xlsx", COLUMNS)
