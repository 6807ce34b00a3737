from __future__ import annotations

from tfft.data import Label, Record, audit_texts
from tfft.data.records import digested


def test_odd_texts_are_found_and_no_others() -> None:
    usual = [f"This is review number {n}, and it is about as long as the others are." for n in range(30)]
    odd = {
        "empty": b" \n",
        "unreadable": b"\xff\xfe\x00",
        "short": b"ok",
        "long": b"word " * 600,
        "other script": "Это совсем другой язык, и буквы другие.".encode(),
        "duplicate": usual[3].encode(),
    }
    records = [Record(text.encode(), Label("good"), f"row {n}") for n, text in enumerate(usual)]
    records += [Record(content, Label("good"), name) for name, content in odd.items()]
    records.append(Record(usual[4].encode(), Label("bad"), "contradiction"))
    found = audit_texts(digested(records))
    assert {(one.check, one.where) for one in found} == {
        *((name, name) for name in [*odd, "contradiction"]),
        ("rare class", "bad"),
    }
    script = next(one for one in found if one.check == "other script")
    assert script.detail == "Cyrillic, the others Latin"


def test_texts_that_all_end_at_one_length_were_cut() -> None:
    whole = [f"{'A sentence of some words. ' * (2 + n % 4)}{n} is the end" for n in range(20)]
    cut = [f"{n} {'and this one goes on ' * 20}"[:200] for n in range(10, 16)]
    ends = f"This one is as long, but it {'really ' * 40}"[:199] + "."
    records = [Record(text.encode(), Label("good"), text[:3]) for text in [*whole, *cut, ends]]
    found = audit_texts(digested(records))
    assert [(one.check, one.where) for one in found] == [("cut", text[:3]) for text in cut]
    assert found[0].detail == "at 200 characters"
    assert not [one for one in audit_texts(digested(records[:-4])) if one.check == "cut"]  # too few to be sure
    assert not [one for one in audit_texts(digested(records[-7:-1])) if one.check == "cut"]  # all of one length


def test_texts_of_another_script_alone_are_not_odd() -> None:
    records = [Record(f"Отзыв номер {n}, такой же как другие".encode(), Label("good"), f"row {n}") for n in range(5)]
    assert audit_texts(digested(records)) == []
    assert audit_texts([]) == []
