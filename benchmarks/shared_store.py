"""Start two runs that share a store at the same moment, kill one of them, again and again, and compare the results.

Both runs then go on to their end. They must end with exit code 0 and leave the same as a run alone, bit by bit, and the
store must have all chunks that a run alone stores.

    python benchmarks/shared_store.py --times 50
"""

from __future__ import annotations

import json
import random
import signal
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tyro
from kill_test import differences, left_by, start

from tfft.store import Storage, open_store

AIMS = ("decode", "trunk", "trunk", "trunk", "head", "tune", "")
"""Stages in which one of the runs is killed; empty for neither."""


@dataclass(frozen=True)
class Settings:
    """How often to start two runs of which recipe."""

    times: int = 50
    """Pairs of runs."""
    recipe: str = "image_classification"
    """The recipe."""
    seed: int = 0
    """Of the random times."""


def main(settings: Settings) -> int:
    """Prints what went wrong; returns how much did."""
    rng, wrong, landed = random.Random(settings.seed), [], 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        work = Path(name)
        start(settings.recipe, work / "alone")
        alone, chunks = left_by(work / "alone" / "run"), stored(work / "alone" / "store")
        for turn in range(settings.times):
            store, aim = work / f"store-{turn}", AIMS[turn % len(AIMS)]
            folders = [work / f"{turn}-{side}" for side in "ab"]
            killed = pool.submit(start, settings.recipe, folders[0], signal.SIGKILL, aim, rng.random(), store=store)
            other = pool.submit(start, settings.recipe, folders[1], store=store)
            (code, _), (other_code, _) = killed.result(), other.result()
            if code == 128 + signal.SIGKILL and aim:
                landed += 1
                code, _ = start(settings.recipe, folders[0], store=store)
            for ended, folder in ((code, folders[0]), (other_code, folders[1])):
                found = [f"exit code {ended}"] if ended else differences(alone, left_by(folder / "run"))
                wrong += [f"{folder.name}: {what}" for what in found]
            if lost := chunks - stored(store):
                wrong.append(f"{turn}: {len(lost)} of {len(chunks)} rows are not in the store")
            print(f"{turn + 1} pairs, {landed} kills, {len(wrong)} wrong", flush=True)
    print("\n".join(wrong) or "All runs left the same as one alone, bit by bit, and no row was lost")
    return len(wrong)


def stored(folder: Path) -> set[tuple[str, str]]:
    """The rows in a store: array and key."""
    store = open_store(Storage(folder=str(folder)))
    return {(path.parent.name, key) for path in store.folder.rglob("*.chunk") for key in keys_in(path)}


def keys_in(path: Path) -> list[str]:
    """The keys of the rows in a chunk."""
    with path.open("rb") as file:
        return json.loads(file.readline())["keys"]


if __name__ == "__main__":
    sys.exit(min(1, main(tyro.cli(Settings, description=__doc__))))
