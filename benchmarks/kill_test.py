"""Stop runs at chosen places, again and again, and compare what they leave with a run that was never stopped.

Each run is a process of its own. A thread in it watches where the main thread is, and sends the signal when the stage
that it aims at has been reached and a random time has passed. A stopped run is started again with the same command, and
stopped again, up to four times; then it may finish. Weights, history (but seconds), labels and report must then be
equal in every bit to those of the uninterrupted run. States are written more often than usual, so that kills hit their
writing.

    python benchmarks/kill_test.py --kills 100
    python benchmarks/kill_test.py --kills 30 --signal SIGTERM
"""

from __future__ import annotations

import csv
import dataclasses
import importlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import tyro

RECIPES = ("image_classification", "text_classification", "object_detection")
IN_A_ROW = 4
"""Most kills of one run."""
STAGES = (
    *("start", "scan", "decode", "plan", "trunk", "head", "tune"),
    *("validation", "state", "save", "evaluation", "report"),
)
FOLDERS = {"sources": "scan", "demo": "scan", "splitting": "scan", "reading": "decode"}
"""Stages by the folder of tfft that a function on the stack stands in."""
FUNCTIONS = {
    "write_state": "state",
    "_fill": "trunk",
    "plan_phases": "plan",
    "build_model": "plan",
    "show_plan": "plan",
    "write_report": "report",
    "save_model": "save",
    "start_keras": "start",
}
"""Stages by a function on the stack."""
VARYING = {"seconds", "date", "command", "store"}
"""Entries of a report that differ between two runs: a command names its folders, and what was stored before a run was
stopped is not timed."""


@dataclass(frozen=True)
class Settings:
    """How often to stop which runs."""

    kills: int = 100
    """Kills that must land."""
    signal: Literal["SIGKILL", "SIGTERM", "SIGINT"] = "SIGKILL"
    """SIGTERM and SIGINT must end a run with exit code 143 and 130."""
    recipes: tuple[str, ...] = RECIPES
    """Recipes to run, in turn."""
    stages: tuple[str, ...] = STAGES
    """Stages to aim at, in turn."""
    seed: int = 0
    """Of the random times."""


def main(settings: Settings) -> int:
    """Prints what was hit; returns the number of differences and wrong exit codes."""
    number, rng = getattr(signal, settings.signal), random.Random(settings.seed)
    code = 128 + number
    hit: Counter[str] = Counter()
    wrong, missed, turn = [], 0, 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        whole = {}
        for recipe in settings.recipes:
            start(recipe, work / f"{recipe}-whole")
            whole[recipe] = left_by(work / f"{recipe}-whole" / "run")
        while sum(hit.values()) < settings.kills:
            recipe = settings.recipes[turn % len(settings.recipes)]
            folder = work / f"{recipe}-{turn}"
            turn += 1
            for _ in range(min(IN_A_ROW, settings.kills - sum(hit.values()))):
                aim = settings.stages[(sum(hit.values()) + missed) % len(settings.stages)]
                ended, where = start(recipe, folder, number, aim, rng.random())
                if ended == 0:
                    missed += 1  # the stage was over, or not reached again
                    break
                hit[where] += 1
                if ended != code:
                    wrong.append(f"{recipe}: exit code {ended} in {where}")
            else:
                ended, _ = start(recipe, folder)
                if ended:
                    wrong.append(f"{recipe}: exit code {ended} at the end")
                    continue
            wrong += [f"{recipe}: {what}" for what in differences(whole[recipe], left_by(folder / "run"))]
            print(f"{sum(hit.values())} kills, {turn} runs, {len(wrong)} wrong", flush=True)
    print(f"\n{settings.signal}: {sum(hit.values())} kills landed, {missed} did not")
    for stage in [*STAGES, *sorted(set(hit) - set(STAGES))]:
        print(f"  {stage:12}{hit[stage]:4}")
    print("\n".join(wrong) or f"{turn} runs left the same as those that were never stopped, bit by bit")
    return len(wrong)


def left_by(folder: Path) -> dict[str, Any]:
    """What a finished run has left: weights, history, serving.json, splits and report, without times."""
    with zipfile.ZipFile(folder / "model.keras") as archive:
        weights = archive.read("model.weights.h5")
    with (folder / "history.csv").open(newline="") as file:
        history = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    report = json.loads((folder / "report.json").read_text())
    report["best_epoch"].pop("seconds")
    return {
        "files": sorted(path.name for path in folder.iterdir()),
        "weights": _arrays(weights),
        "history": history,
        "serving": (folder / "serving.json").read_bytes(),
        "splits": (folder / "splits.csv").read_bytes(),
        "report": {name: value for name, value in report.items() if name not in VARYING},
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of the entries that differ."""
    return [f"other {name}" for name in one if one[name] != other[name]]


def _arrays(content: bytes) -> dict[str, bytes]:
    import h5py

    arrays: dict[str, bytes] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].tobytes()

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(keep)
    return arrays


def start(
    recipe: str, folder: Path, number: int = 0, aim: str = "", share: float = 0.0, *, store: Path | None = None
) -> tuple[int, str]:
    """Starts a run, which stops itself in the stage `aim`; its exit code, and where the signal was sent."""
    folder.mkdir(exist_ok=True)
    (folder / "hit").unlink(missing_ok=True)
    words = json.dumps([recipe, str(folder), number, aim, share])
    code = "import sys, json, kill_test; kill_test.child(*json.loads(sys.argv[1]))"
    here = Path(__file__).parent
    path = os.pathsep.join(filter(None, [str(here), str(here.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", code, words],
        env={**os.environ, "TFFT_STORE": str(store or folder / "store"), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    hit = (folder / "hit").read_text() if (folder / "hit").exists() else ""
    ended = done.returncode if done.returncode >= 0 else 128 - done.returncode  # as a shell shows it
    if ended not in (0, 128 + number):
        print(done.stdout[-1000:], done.stderr[-3000:])
    return ended, hit


def child(recipe: str, folder: str, number: int, aim: str, share: float) -> None:
    """The run itself, in a process of its own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background
    if aim:
        threading.Thread(target=_watch, args=(Path(folder) / "hit", number, aim, share), daemon=True).start()
    from tfft import cli
    from tfft.training import Phase, resuming

    resuming.BETWEEN_EPOCHS, resuming.WITHIN_EPOCHS, resuming.SHARE = 0.0, 0.0, 1.0
    page = importlib.import_module(f"recipes.{recipe}")
    config = dataclasses.replace(
        page.SMOKE,
        head=Phase(epochs=3, learning_rate=0.01),
        tune=Phase(epochs=3, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=1, batch_norm="train"),
        out=f"{folder}/run",
        **({"augment": "light", "views": 2} if hasattr(page.SMOKE, "augment") else {}),
    )
    with cli.one_sentence():
        page.run(config)


def _watch(path: Path, number: int, aim: str, share: float) -> None:
    """Sends the signal once the stage has been reached, up to a second later."""
    main_thread = threading.main_thread().ident
    while _stage(sys._current_frames()[main_thread]) != aim:
        time.sleep(0.0005)
    # most stages last milliseconds: short times are more frequent
    time.sleep(share**4)
    path.write_text(_stage(sys._current_frames()[main_thread]))
    os.kill(os.getpid(), number)


def _stage(frame: FrameType | None) -> str:
    """The stage that a frame of the main thread belongs to: that of its innermost function which has one."""
    trained = ""
    while frame is not None:
        name, path = frame.f_code.co_name, frame.f_code.co_filename
        if "/tfft/" in path or "/recipes/" in path:
            if name in FUNCTIONS and not trained:
                return FUNCTIONS[name]
            if name == "_run_phase":
                return trained or frame.f_locals["planned"].name
            parts = path.split("/")
            if parts[-2] in FOLDERS and not trained:
                return FOLDERS[parts[-2]]
            if name == "scored":
                trained = "validation"
            if parts[-1] == "workflow.py" or parts[-2] == "recipes":
                return trained or {"evaluate": "evaluation", "save": "save", "figures": "report"}.get(name, "between")
        elif name == "evaluate":
            trained = "validation"
        frame = frame.f_back
    return "start"


if __name__ == "__main__":
    sys.exit(min(1, main(tyro.cli(Settings, description=__doc__))))
