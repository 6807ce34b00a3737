from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from tfft.data import Label, Record, assign_splits
from tfft.data.truths.tags import Tags
from tfft.errors import ConfigError, DataError

Maker = Callable[[dict[str, int]], list[Record]]
Check = Callable[..., None]
SHARES = {"val_fraction": 0.2, "test_fraction": 0.1, "seed": 0}


def dealt(records: list[Record], **change: object) -> list[Record]:
    return assign_splits(records, **{**SHARES, **change})


def sides(records: list[Record]) -> dict[str, str]:
    return {record.where: record.split for record in records}


def test_stratified_shares(records: Maker) -> None:
    found = Counter((r.truth.name, r.split) for r in dealt(records({"a": 50, "b": 10})))
    assert found == {
        ("a", "train"): 35,
        ("a", "val"): 10,
        ("a", "test"): 5,
        ("b", "train"): 7,
        ("b", "val"): 2,
        ("b", "test"): 1,
    }


def test_a_split_depends_on_content_not_on_order_or_name(records: Maker) -> None:
    first = records({"a": 20, "b": 20})
    renamed = [replace(r, where=f"other/{r.where}") for r in reversed(first)]
    by_content = {r.digest: r.split for r in dealt(renamed)}
    assert by_content == {r.digest: r.split for r in dealt(first)}


def test_adding_pictures_moves_few_others(records: Maker) -> None:
    before = sides(dealt(records({"a": 40, "b": 40})))
    after = sides(dealt(records({"a": 42, "b": 40})))
    assert sum(before[where] != after[where] for where in before) <= 4


def test_another_seed_another_split(records: Maker) -> None:
    found = records({"a": 20, "b": 20})
    assert sides(dealt(found)) != sides(dealt(found, seed=1))


def test_equal_examples_stay_on_one_side_even_under_two_labels(records: Maker) -> None:
    found = records({"a": 30, "b": 30})
    copies = [replace(r, where=f"copy/{r.where}", truth=Label("b")) for r in found[:25]]
    where = defaultdict(set)
    for record in dealt(found + copies):
        where[record.digest].add(record.split)
    assert all(len(splits) == 1 for splits in where.values())


def test_groups_never_straddle_even_through_an_equal_picture(records: Maker) -> None:
    found = [replace(r, group=f"{r.truth.name}{i % 10}") for i, r in enumerate(records({"a": 40, "b": 40}))]
    # a0 and b0 share a picture, so all of both groups must stay together
    bridge = next(r for r in found if r.group == "a0")
    found.append(replace(bridge, where="bridge", truth=Label("b"), group="b0"))
    where = defaultdict(set)
    for record in dealt(found):
        where["ab0" if record.group in ("a0", "b0") else record.group].add(record.split)
    assert all(len(splits) == 1 for splits in where.values())
    assert {split for splits in where.values() for split in splits} == {"train", "val", "test"}


def test_a_given_split_is_kept_and_val_is_taken_from_train(records: Maker) -> None:
    found = records({"a": 20, "b": 20})
    given = [replace(r, split="test" if i % 4 == 0 else "train") for i, r in enumerate(found)]
    after = dealt(given)
    assert {r.where for r in after if r.split == "test"} == {r.where for r in given if r.split == "test"}
    assert Counter(r.truth.name for r in after if r.split == "val") == {"a": 3, "b": 3}


def test_a_leak_in_a_given_split_stops_unless_accepted(records: Maker, refused: Check) -> None:
    found = [replace(r, split="train") for r in records({"a": 4, "b": 4})]
    found += [replace(found[0], split="val", where="leak"), replace(found[5], split="val", where="leak 2")]
    refused(DataError, ("leak", "leak 2", "--leaks"), lambda: dealt(found, leaks="stop"))
    assert dealt(found, leaks="accept") == found


def test_a_class_too_small_for_its_splits(records: Maker, refused: Check) -> None:
    refused(DataError, ("3", "'b'", "2"), dealt, records({"a": 10, "b": 2}))
    assert dealt(records({"a": 10, "b": 2}), test_fraction=0)


def test_the_smallest_class_is_on_every_side(records: Maker) -> None:
    found = dealt(records({"a": 10, "b": 3}), val_fraction=0.4, test_fraction=0.4)
    assert Counter(r.split for r in found if r.truth.name == "b") == {"train": 1, "val": 1, "test": 1}


def test_a_dominant_group_is_not_dealt_to_a_small_split(records: Maker) -> None:
    found = records({"a": 60, "b": 60})
    grouped = [replace(r, group=f"{r.truth.name}{0 if i % 60 < 30 else i % 10}") for i, r in enumerate(found)]
    for seed in range(8):
        sizes = Counter(r.split for r in dealt(grouped, seed=seed))
        assert sizes["train"] >= 70


def test_many_classes_take_no_time_to_speak_of(records: Maker) -> None:
    one = records({"a": 1})[0]
    many = [replace(one, truth=Label(f"c{i % 3000}"), digest=f"{i:032x}", where=str(i)) for i in range(12000)]
    assert Counter(r.split for r in dealt(many)) == {"train": 6000, "val": 3000, "test": 3000}


def test_groups_of_several_classes(records: Maker) -> None:
    found = [replace(r, group=r.where.partition("/")[2]) for r in records({"a": 20, "b": 20})]
    after = dealt(found)
    assert Counter(r.split for r in after) == {"train": 28, "val": 8, "test": 4}
    assert all(len({r.split for r in after if r.group == group}) == 1 for group in {r.group for r in after})


def test_groups_that_leave_a_class_nowhere_to_go(records: Maker, refused: Check) -> None:
    # three groups, each with a picture of both classes: one for each split
    found = [replace(r, group=f"g{i % 3}") for i, r in enumerate(records({"a": 3, "b": 3}))]
    assert {r.split for r in dealt(found)} == {"train", "val", "test"}
    lopsided = [replace(r, group="g0" if r.truth.name == "b" and int(r.where[2:]) else r.group) for r in found]
    refused(DataError, "'b'", dealt, lopsided)


def tagged(records: Maker, counts: dict[str, int]) -> list[Record]:
    """Records of the tags in each name: `{"a+b": 20, "": 10}`."""
    found = records(counts)
    return [replace(r, truth=Tags(tuple(filter(None, r.truth.name.split("+"))))) for r in found]


def test_nothing_left_to_validate_on(records: Maker, refused: Check) -> None:
    for counts in ({"": 1}, {"a": 1, "b": 1}, {"a": 9}):
        one_group = [replace(r, group="g" if len(counts) == 1 else None) for r in tagged(records, counts)]
        refused(DataError, (str(len(counts)), "val/"), dealt, one_group)
        refused(DataError, (str(len(counts)), "val/"), dealt, [replace(r, split="train") for r in one_group])


def test_each_of_several_labels_has_its_share_in_each_split(records: Maker) -> None:
    found = tagged(records, {"a": 40, "a+b": 20, "b+c": 10, "a+b+c": 10, "": 20})
    for seed in range(5):
        names = Counter((r.split, name) for r in dealt(found, seed=seed) for name in r.truth.names or ("none",))
        for name, count in (("a", 70), ("b", 40), ("c", 20), ("none", 20)):
            assert names["val", name] == pytest.approx(0.2 * count, abs=0.05 * count + 1), seed
            assert names["test", name] == pytest.approx(0.1 * count, abs=0.05 * count + 1), seed


def test_a_label_of_one_picture_stops_nothing_and_is_trained_on(records: Maker) -> None:
    after = dealt(tagged(records, {"a": 20, "a+b": 1}))
    assert next(r.split for r in after if "b" in r.truth.names) == "train"
    assert {r.split for r in after} == {"train", "val", "test"}


def test_pictures_without_labels_are_dealt_like_a_class(records: Maker) -> None:
    after = dealt(tagged(records, {"": 40}))
    assert Counter(r.split for r in after) == {"train": 28, "val": 8, "test": 4}


def test_groups_of_several_labels_do_not_straddle(records: Maker) -> None:
    found = tagged(records, {"a": 30, "a+b": 30, "": 30})
    after = dealt([replace(r, group=f"g{i % 15}") for i, r in enumerate(found)])
    assert all(len({r.split for r in after if r.group == group}) == 1 for group in {r.group for r in after})
    assert {r.split for r in after} == {"train", "val", "test"}


def test_shares_that_cannot_be(records: Maker, refused: Check) -> None:
    found = records({"a": 10, "b": 10})
    for val, test, *named in (
        (0, 0.1, "val_fraction", "0"),
        (0.5, 0.5, "val_fraction", "test_fraction", "1"),
        (1.2, 0, "val_fraction", "1.2"),
        (0.2, -0.1, "test_fraction", "-0.1"),
    ):
        refused(ConfigError, named, partial(dealt, found, val_fraction=val, test_fraction=test))


def test_no_train_split(records: Maker, refused: Check) -> None:
    found = [replace(r, split="test") for r in records({"a": 2, "b": 2})]
    refused(DataError, ("train", "test"), dealt, found)


def test_a_split_or_a_class_that_consists_of_leaks(records: Maker, refused: Check) -> None:
    some = records({"a": 6, "b": 6})
    train = [replace(r, split="train") for r in some]
    refused(DataError, ("train", "--leaks accept"), dealt, [*train, *(replace(r, split="test") for r in some)])
    val, test = ([replace(r, split=split) for r in some[:8:2]] for split in ("val", "test"))
    refused(DataError, ("val", "test", "--leaks accept"), dealt, [*train, *val, *test])
    refused(DataError, ("'a'", "a/0"), dealt, [*train, *(replace(r, split="test") for r in some[:6])])


def test_leaks_are_left_out_of_what_is_trained_on(records: Maker) -> None:
    """Of an example in several splits the one in test stays, then the one in val; groups likewise."""
    some = records({"a": 6, "b": 6})
    given = [replace(r, split=s) for r, s in zip(some, ["train", "val", "test"] * 4, strict=True)]
    leaking = [*given, replace(given[0], split="test"), replace(given[1], split="train")]
    after = dealt(leaking)
    assert {(r.where, r.split) for r in after if r.split != "leak"} == {(r.where, r.split) for r in leaking[1:-1]}
    assert [r.where for r in after if r.split == "leak"] == ["a/0", "a/1"]
    grouped = [replace(r, group="g") if n in (0, 2) else r for n, r in enumerate(given)]
    assert [r.split for r in dealt(grouped)].count("leak") == 1
