from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfft.store.code import code_digest, is_own

STRENGTH = 2


def scaled(x: np.ndarray) -> np.ndarray:
    return np.clip(x * STRENGTH, 0, 255)


def through(x: np.ndarray) -> np.ndarray:
    return scaled(x)


def closing_over(value: Any) -> Callable[[Any], Any]:
    return lambda x: (x, value)


class Base:
    def change(self, x: int) -> int:
        return x


class Derived(Base):
    """Inherits what it does."""


def test_the_same_code_has_the_same_digest() -> None:
    for thing in (
        scaled,
        through,
        Derived,
        Base().change,
        functools.partial(scaled, 3),
        np.add,
        np.clip,
        closing_over(3),
    ):
        assert code_digest(thing) == code_digest(thing), thing
    assert code_digest(closing_over([1, "a"])) == code_digest(closing_over([1, "a"]))


def test_all_that_is_reached_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    things = {"global": scaled, "called": through, "class": Derived}
    before = {name: code_digest(thing) for name, thing in things.items()}
    assert len({*before.values()}) == 3
    monkeypatch.setattr(sys.modules[__name__], "STRENGTH", 3)
    monkeypatch.setattr(Base, "change", lambda self, x: -x)
    for name, thing in things.items():
        assert code_digest(thing) != before[name], name
    values = [0, 1.0, "1", (1,), [1], {1}, np.ones(2), np.ones(3), len, Base(), scaled, through]
    assert len({code_digest(closing_over(value)) for value in values}) == len(values)
    for one, other in ((lambda p: p // 2, lambda p: p // 4), (lambda p, by=2: p, lambda p, by=4: p)):
        assert code_digest(one) != code_digest(other)


def test_what_cannot_be_digested_is_never_the_same(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        for value in (file, np.random.default_rng(0), iter([1]), np.array([object()]), np.vectorize(scaled)):
            assert code_digest(closing_over(value)) != code_digest(closing_over(value)), value


def test_modules_of_yours_count_and_installed_ones_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    lower, upper, page = (tmp_path / f"tfft_test_{name}.py" for name in ("lower", "upper", "page"))
    lower.write_text("def half(x):\n    return x // 2\n")
    upper.write_text("from tfft_test_lower import half\n\ndef change(x):\n    return half(x)\n")
    page.write_text(
        "import tfft_test_upper\n\ndef above(x):\n    return tfft_test_upper.change(x)\n\n"
        "def inside(x):\n    from tfft_test_upper import change\n    return change(x)\n"
    )

    def digests() -> list[str]:
        for file in (lower, upper, page):
            sys.modules.pop(file.stem, None)
        importlib.invalidate_caches()
        module = importlib.import_module(page.stem)
        assert is_own(module.above)
        return [code_digest(module.above), code_digest(module.inside)]

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = digests()
    assert digests() == before
    lower.write_text("def half(x):\n    return x // 3\n")
    assert not {*digests()} & {*before}
    assert not is_own(np.clip)
    assert not is_own(code_digest)
