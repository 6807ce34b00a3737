from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tfft.data import Label, Record, TextColumns, assign_splits, find_texts
from tfft.data.sources.text_files import text_digested
from tfft.errors import ConfigError, DataError

Check = Callable[..., None]


def table(tmp_path: Path, text: str, name: str = "texts.csv") -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


def test_a_table_a_tsv_and_json_lines_say_the_same(tmp_path: Path) -> None:
    columns = TextColumns(text="body", label="kind", split="side")
    csv = table(tmp_path, 'body,kind,side\n"Hello, you",a,train\nbye,b,train\n')
    tsv = table(tmp_path, "kind\tbody\tside\na\tHello, you\ttrain\nb\tbye\ttrain\n", "texts.tsv")
    lines = table(
        tmp_path,
        '{"body": "Hello, you", "kind": "a", "side": "train"}\n{"body": "bye", "kind": "b", "side": "train"}\n',
        "texts.jsonl",
    )
    found = [[(r.read(), r.truth.name, r.split) for r in find_texts(source, columns)] for source in (csv, tsv, lines)]
    assert found[0] == found[1] == found[2] == [(b"Hello, you", "a", "train"), (b"bye", "b", "train")]


def test_a_folder_with_a_folder_for_each_class(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("neg", "pos"):
            folder = tmp_path / split / label
            folder.mkdir(parents=True)
            for number in range(2):
                (folder / f"{number}.txt").write_text(f"{split} {label} {number}")
    found = find_texts(str(tmp_path))
    assert len(found) == 8
    assert {(r.truth.name, r.split) for r in found} == {(c, s) for c in ("neg", "pos") for s in ("train", "test")}
    assert found[0].where == "train/neg/0.txt" or found[0].where == "test/neg/0.txt"


def test_texts_that_differ_in_case_and_spaces_are_equal_and_stay_on_one_side() -> None:
    texts = ["Win  a prize", "win a PRIZE", "win a prize\n", "another"]
    records = text_digested([Record(t.encode(), Label("spam"), where=t) for t in texts])
    assert len({r.digest for r in records}) == 2
    many = [Record(f"text {n // 2}".encode(), Label("ab"[n // 2 % 2]), where=str(n)) for n in range(80)]
    dealt = assign_splits(text_digested(many), val_fraction=0.2, test_fraction=0.2, seed=0)
    assert all(dealt[n].split == dealt[n + 1].split for n in range(0, 80, 2))


def test_a_text_in_two_splits_is_a_leak(tmp_path: Path, refused: Check) -> None:
    source = table(tmp_path, "text,label,split\na,x,train\nb,y,train\nA,x,test\n")
    records = find_texts(source, TextColumns(split="split"))
    named = ("row 2", "train", "row 4", "test", "--leaks")
    refused(DataError, named, lambda: assign_splits(records, val_fraction=0.2, test_fraction=0, seed=0, leaks="stop"))


def test_faults_of_a_table_are_named(tmp_path: Path, refused: Check) -> None:
    for text, *named in (
        ("text,label\na,x\nb,\n", "'label'", "row 3"),
        ("text,label\na,x\nb,x\n", "'x'"),
        ("text,label,split\na,x,train\nb,y,train\nc,z,test\n", "'z'", "test", "row 4"),
        ("text,label\n",),
        ("text,kind\na,b\n", "'label'", "'kind'"),
        ("text,label\na,x\nb,\u200b\n", "'label'", "row 3"),
        ("text,label,split\na,x,train\nb,y,\n", "'split'", "row 3"),
    ):
        columns = TextColumns(split="split") if "split" in text else None
        refused(DataError, ("texts.csv", *named), find_texts, table(tmp_path, text), columns)


def test_names_that_are_none_are_named_with_their_row(tmp_path: Path, refused: Check) -> None:
    for line, column in (
        ('{"text": "c", "label": NaN, "group": 1}', "'label'"),
        ('{"text": "c", "label": "\\ud800", "group": 1}', "'label'"),
        ('{"text": "c", "label": "x", "group": "\\udc00"}', "'group'"),
        ('{"text": "c", "label": "x", "group": " "}', "'group'"),
        ('{"text": "c", "label": "x", "group": null}', "'group'"),
    ):
        rows = ['{"text": "a", "label": "x", "group": 1}', '{"text": "b", "label": "y", "group": 2}', line]
        source = table(tmp_path, "\n".join(rows), "t.jsonl")
        refused(DataError, (column, "t.jsonl", "row 3"), find_texts, source, TextColumns(group="group"))


def test_one_column_is_not_text_and_label(tmp_path: Path, refused: Check) -> None:
    source = table(tmp_path, "text,label\na,x\nb,y\n")
    refused(ConfigError, ("'label'", "--columns"), find_texts, source, TextColumns(text="label"))


def test_texts_that_cannot_be_used_equal_nothing(tmp_path: Path) -> None:
    texts = [b"", b" \n", b"\xe2\x80\x8b", b"\xff", b"\xff", tmp_path / "gone.txt"]
    records = text_digested([Record(t, Label("a"), where=str(n)) for n, t in enumerate(texts)])
    assert len({record.digest for record in records}) == len(texts)


def folder(top: Path, *files: str) -> str:
    for file in files:
        (top / file).parent.mkdir(parents=True, exist_ok=True)
        (top / file).write_text(f"text of {file}")
    return str(top)


def test_what_systems_leave_in_a_folder_is_no_text_and_a_broken_link_is_kept_to_be_named(tmp_path: Path) -> None:
    left = ("a/._0.txt", "a/.ipynb_checkpoints/0.txt", "a/SOURCE.txt", ".git/x.txt")
    source = folder(tmp_path, "a/0.txt", "a/UPPER.TXT", "b/0.txt", *left)
    (tmp_path / "b/gone.txt").symlink_to(tmp_path / "nowhere")
    assert [r.where for r in find_texts(source)] == ["a/0.txt", "a/UPPER.TXT", "b/0.txt", "b/gone.txt"]


def test_names_of_folders_that_look_alike_are_one(tmp_path: Path) -> None:
    source = folder(tmp_path, "train/caf\u00e9/0.txt", "train/b/0.txt", "test/cafe\u0301/1.txt", "test/b/1.txt")
    assert {r.truth.name for r in find_texts(source)} == {"caf\u00e9", "b"}


def test_started_inside_a_folder_of_splits(tmp_path: Path) -> None:
    assert len(find_texts(folder(tmp_path, "train/a/0.txt", "train/b/0.txt", "runs/x/history.csv"))) == 2


def test_folders_that_are_not_clear(tmp_path: Path, refused: Check) -> None:
    for number, (files, *named) in enumerate(
        (
            (["val/a/0.txt", "val/b/0.txt", "test/a/1.txt", "test/b/1.txt"], "train", "test, val"),
            (["train/a/0.txt", "train/b/0.txt", "c/0.txt"], " c"),
            (["a/0.txt", "b/0.txt", "train.csv"], "train.csv", "a, b"),
            (["a/0.md", "b/0.txt"], " a ", "*.txt"),
        )
    ):
        source = folder(tmp_path / str(number), *files)
        refused(DataError, (source, *named), find_texts, source)


def test_other_sources_are_named(tmp_path: Path, refused: Check) -> None:
    refused(ConfigError, ("'demo:count'", "demo:text"), find_texts, "demo:count")
    refused(ConfigError, ("--columns", "demo:text"), find_texts, "demo:text", TextColumns(text="body"))
    refused(DataError, str(tmp_path / "gone"), find_texts, str(tmp_path / "gone"))
    lines = table(tmp_path, '{"text": ["a"], "label": "b"}\n', "t.jsonl")
    refused(DataError, ("'text'", "t.jsonl", "row 1"), find_texts, lines)
