"""Whether the fast tests notice: plants small mistakes in a copy of the project, one at a time, and runs them.

The mistakes stand in planted_mistakes.toml. Each is found by its text, wherever in `tfft/` or `recipes/` that stands
now; one that can no longer be planted stops the script before the first test. Prints which test failed first, and
after how many seconds.

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
"""It fails whenever one is planted."""
FAILED = re.compile(r"(?:FAILED|ERROR) (tests/\S+)")
"""In the output of pytest, with the workers of pytest-xdist or without."""


@dataclass(frozen=True)
class Settings:
    """What is planted, and what has to notice."""

    only: tuple[str, ...] = ()
    """Names of mistakes; by default all."""
    tree: Path = MISTAKES.parent.parent
    """The project that they are planted in a copy of."""
    tests: tuple[str, ...] = ()
    """Arguments for pytest; by default the fast suite, the tests of the mistake's own room first."""


@dataclass(frozen=True)
class Mistake:
    """A text of the code, which stands there once, and what takes its place."""

    name: str
    breaks: str
    """The rule that it breaks."""
    old: str
    new: str

    def place(self, tree: Path) -> Path:
        """The file that holds the text.

        Raises:
            ValueError: If none does, or the text stands in several places.
        """
        files = [path for folder in PLANTED_IN for path in sorted((tree / folder).rglob("*.py"))]
        places = [path for path in files for _ in range(path.read_text(encoding="utf-8").count(self.old))]
        if len(places) != 1:
            where = ", ".join(path.relative_to(tree).as_posix() for path in places) or "nowhere"
            raise ValueError(f"{self.name} cannot be planted: its text must stand once (it stands {where})\n{self.old}")
        return places[0]

    def planted(self, tree: Path) -> str:
        """The content of that file with the mistake in it."""
        return self.place(tree).read_text(encoding="utf-8").replace(self.old, self.new)


def mistakes() -> list[Mistake]:
    """All of them, in the order of their file."""
    return [Mistake(name, **texts) for name, texts in tomllib.loads(MISTAKES.read_text(encoding="utf-8")).items()]


def main(settings: Settings) -> None:
    """Prints a row for each mistake; exits with 1 if one was not noticed."""
    chosen = [mistake for mistake in mistakes() if not settings.only or mistake.name in settings.only]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(settings.tree, copy, ignore=shutil.ignore_patterns(".venv*", "__pycache__", "runs", "build"))
        for mistake in chosen:
            mistake.place(copy)  # so that one that cannot be planted stops the script before the first test
        print("| mistake | breaks | first test to fail | seconds |\n| --- | --- | --- | ---: |")
        unnoticed = 0
        for mistake in chosen:
            path = mistake.place(copy)
            before = path.read_text(encoding="utf-8")
            path.write_text(mistake.planted(copy), encoding="utf-8")
            failed, seconds = first_failure(copy, settings.tests or rooms(copy, path))
            path.write_text(before, encoding="utf-8")
            unnoticed += failed is None
            shown = f"`{failed}`" if failed else "**none**"
            print(f"| {mistake.name} | {mistake.breaks} | {shown} | {seconds:.0f} |", flush=True)
    print(f"\n{len(chosen) - unnoticed} of {len(chosen)} were noticed")
    raise SystemExit(unnoticed > 0)


def rooms(tree: Path, path: Path) -> list[str]:
    """All tests: those of the room of a file, then the others, those of the recipes last, since they train."""
    folder, *below = path.relative_to(tree).parts
    own = folder if folder == "recipes" else below[0] if len(below) > 1 else f"test_{below[0]}"
    names = [entry.name for entry in (tree / "tests").iterdir() if re.fullmatch(r"[a-z]+|test_.*\.py", entry.name)]
    names.sort(key=lambda name: (name != own, name == "recipes", name))
    return [f"tests/{name}" for name in names]


def first_failure(tree: Path, tests: Sequence[str]) -> tuple[str | None, float]:
    """The first test that fails and the seconds until then; None and all seconds if none does."""
    with tempfile.TemporaryDirectory() as temporary:
        # a line for each test, as it ends
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
