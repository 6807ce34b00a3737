from __future__ import annotations

from pathlib import Path

import pytest

from tfft.data import PairColumns, find_pairs
from tfft.errors import ConfigError, DataError

COLUMNS = PairColumns(source="en", target="de")


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


def test_files_of_lines_that_belong_together(tmp_path: Path) -> None:
    files = {f"{stem}.{end}": f"{stem} {end} 1\n{stem} {end} 2\n" for stem in ("train", "val", "test_2016", "test_2017")
             for end in ("en", "de")}  # fmt: skip
    folder = write(tmp_path, files)
    found = find_pairs(folder, PairColumns(source="en", target="de", test="test_2016"))
    with pytest.raises(DataError, match=r"begin with 'test_2018'.*test_2016.*Check `--columns\.test`"):
        find_pairs(folder, PairColumns(source="en", target="de", test="test_2018"))
    with pytest.raises(DataError, match=r"test_2016\.en without test_2016\.fr in .*Check `--columns\.target`"):
        find_pairs(folder, PairColumns(source="en", target="fr", test="test_2016"))
    write(tmp_path, {"book.xlsx": "PK"})
    with pytest.raises(DataError, match=r"book\.xlsx \(a file\).*Save a table as \.csv"):
        find_pairs(f"{folder}/book.xlsx", COLUMNS)
    with pytest.raises(ConfigError, match=r"Source and target differ.*'en'"):
        find_pairs(folder, PairColumns(source="en", target="en"))
    assert [(r.read().decode(), r.truth.texts[0], r.split) for r in found if r.split == "test"] == [
        ("test_2016 en 1", "test_2016 de 1", "test"),
        ("test_2016 en 2", "test_2016 de 2", "test"),
    ]
    assert {r.split for r in find_pairs(folder, COLUMNS)} == {"train", "val"}  # which of the two is not said
    write(tmp_path, {"val.de": "one\n"})
    with pytest.raises(DataError, match=r"have as many\. Received: 2 in val\.en, 1 in val\.de"):
        find_pairs(folder, COLUMNS)


def test_other_sources(tmp_path: Path) -> None:
    assert {r.split for r in find_pairs("demo:pairs")} == {"train", "val", "test"}
    assert find_pairs("tfds:tfft_pairs", COLUMNS)[0].truth.texts[0].endswith(".")
    with pytest.raises(ConfigError, match="demo:pairs"):
        find_pairs("demo:text")
    with pytest.raises(DataError, match="no such folder"):
        find_pairs(str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"train, val and test files.*nothing in.*--columns.source en"):
        find_pairs(str(tmp_path))
    with pytest.raises(DataError, match=r"a feature 'fr'.*en, de"):
        find_pairs("tfds:tfft_pairs", PairColumns(source="en", target="fr"))
    lines = write(tmp_path, {"p.jsonl": '{"en": "a", "de": {"x": 1}}\n'})
    with pytest.raises(DataError, match=r"a text, or a list of texts.*row 1"):
        find_pairs(f"{lines}/p.jsonl", COLUMNS)
