"""Mutation test: plant small mistakes in a copy of the project, one at a time, and check that the fast tests fail.

The mistakes are listed in planted_mistakes.toml. Each is located by its text, anywhere in `tfft/` or `recipes/`. If one
cannot be planted any more, the script stops before the first test. It prints the first test that fails, and the seconds
until then.

    python benchmarks/planted_mistakes.py
    python benchmarks/planted_mistakes.py --only damage-accepted boxes-a-pixel-off
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

MISTAKES = Path(__file__).with_suffix(".toml")
PLANTED_IN = ("tfft", "recipes")
UNFAIR = "tests/test_benchmarks.py::test_every_mistake_can_be_planted"
"""This test fails with every planted mistake."""
FAILED = re.compile(r"(?:FAILED|ERROR) (tests/\S+)")
"""A failed test in the output of pytest, with or without pytest-xdist."""


@dataclass(frozen=True)
class Settings:
    """The mistakes to plant, and the tests to run."""

    only: tuple[str, ...] = ()
    """Names of the mistakes; by default all."""
    tree: Path = MISTAKES.parent.parent
    """Folder of the project; the mistakes are planted in a copy of it."""
    tests: tuple[str, ...] = ()
    """Arguments of pytest; by default the fast tests, those of the changed package first."""


@dataclass(frozen=True)
class Mistake:
    """A piece of code that occurs exactly once, and its faulty replacement."""

    name: str
    breaks: str
    """The rule that the mistake breaks."""
    old: str
    new: str

    def place(self, tree: Path) -> Path:
        """The file that contains the code.

        Raises:
            ValueError: If the code does not occur exactly once.
        """
        files = [path for folder in PLANTED_IN for path in sorted((tree / folder).rglob("*.py"))]
        places = [path for path in files for _ in range(path.read_text(encoding="utf-8").count(self.old))]
        if len(places) != 1:
            where = ", ".join(path.relative_to(tree).as_posix() for path in places) or "nowhere"
            raise ValueError(f"{self.name} cannot be planted: its text must occur once (found: {where})\n{self.old}")
        return places[0]

    def planted(self, tree: Path) -> str:
        """The content of this file with the mistake."""
        return self.place(tree).read_text(encoding="utf-8").replace(self.old, self.new)


def mistakes() -> list[Mistake]:
    """All mistakes, in the order of planted_mistakes.toml."""
    return [Mistake(name, **texts) for name, texts in tomllib.loads(MISTAKES.read_text(encoding="utf-8")).items()]


def main(settings: Settings) -> None:
    """Prints a row for each mistake; exits with code 1 if the tests miss one."""
    chosen = [mistake for mistake in mistakes() if not settings.only or mistake.name in settings.only]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(settings.tree, copy, ignore=shutil.ignore_patterns(".venv*", "__pycache__", "build"))
        for mistake in chosen:
            mistake.place(copy)  # raises before the first test if one cannot be planted
        print("| mistake | breaks | first test to fail | seconds |\n| --- | --- | --- | ---: |")
        missed = 0
        for mistake in chosen:
            path = mistake.place(copy)
            before = path.read_text(encoding="utf-8")
            path.write_text(mistake.planted(copy), encoding="utf-8")
            failed, seconds = first_failure(copy, settings.tests or rooms(copy, path))
            path.write_text(before, encoding="utf-8")
            missed += failed is None
            shown = f"`{failed}`" if failed else "**none**"
            print(f"| {mistake.name} | {mistake.breaks} | {shown} | {seconds:.0f} |", flush=True)
    print(f"\n{len(chosen) - missed} of {len(chosen)} mistakes were noticed")
    raise SystemExit(missed > 0)


def rooms(tree: Path, path: Path) -> list[str]:
    """All tests: first those of the package of a file, and last those of the recipes, which train."""
    folder, *below = path.relative_to(tree).parts
    own = folder if folder == "recipes" else below[0] if len(below) > 1 else f"test_{below[0]}"
    names = [entry.name for entry in (tree / "tests").iterdir() if re.fullmatch(r"[a-z]+|test_.*\.py", entry.name)]
    names.sort(key=lambda name: (name != own, name == "recipes", name))
    return [f"tests/{name}" for name in names]


def first_failure(tree: Path, tests: Sequence[str]) -> tuple[str | None, float]:
    """The first failing test and the seconds until then; None and the total seconds if all pass."""
    with tempfile.TemporaryDirectory() as temporary:
        # prints a line as soon as a test ends
        words = ["-u", "-m", "pytest", "-vv", "--tb=no", "-p", "no:cacheprovider", "--basetemp", f"{temporary}/tests"]
        words += ["--deselect", UNFAIR, *tests]
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "400"}
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, *words], cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip
        try:
            for line in process.stdout:
                if failed := FAILED.search(line):
                    return failed[1], time.monotonic() - start
            if process.wait() == 0:
                return None, time.monotonic() - start
            return "(pytest itself)", time.monotonic() - start
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    main(tyro.cli(Settings))
