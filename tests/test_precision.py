"""`--precision bfloat16`: layers compute in bfloat16, and what is kept is float32."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

import tfft
from tfft import training
from tfft.models import compute_in_bfloat16, in_float32, single_label
from tfft.store import Storage
from tfft.training import Phase


def test_a_run_in_bfloat16_keeps_a_model_in_float32(pyramid: keras.Model, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kinds = np.arange(42) % 2
    pictures = (rng.integers(0, 60, (42, 64, 64, 3)) + 150 * kinds[:, None, None, None]).astype(np.uint8)
    data = {"train": (pictures[:30], kinds[:30]), "val": (pictures[30:], kinds[30:])}
    options = {"image_size": 64, "augment": "none", "head": {"epochs": 1, "optimizer": "adam"}, "tune": {"epochs": 1}}
    result = tfft.run(
        "image_classification",
        data=data,
        backbone=pyramid,
        labels=["night", "day"],
        precision="bfloat16",
        out=str(tmp_path / "run"),
        **options,
    )
    kinds_of = {layer.name: layer.compute_dtype for layer in result.model.layers}
    assert set(kinds_of.values()) == {"bfloat16", "float32"}
    assert kinds_of[result.model.layers[-1].name] == "float32"
    assert {weight.dtype for weight in result.model.weights} == {"float32"}
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert sum("computed in bfloat16" in note for note in report["notes"]) == 1
    with zipfile.ZipFile(tmp_path / "run" / "model.keras") as parts:
        assert b"bfloat16" not in parts.read("config.json")
    saved = keras.saving.load_model(tmp_path / "run" / "model.keras")
    with in_float32(result.model):
        exact = result.model(pictures, training=False)
    assert np.array_equal(saved(pictures, training=False), exact)
    assert np.abs(result.model(pictures, training=False) - exact).max() > 1e-5


def test_stored_or_streamed_the_bits_are_the_same(
    network: keras.Model, splits: tfft.data.Splits, tmp_path: Path
) -> None:
    phases = {"head": Phase(1, 0.05), "tune": Phase(2, 0.01, "adamw", unfreeze=1)}
    compute_in_bfloat16(network)
    start = [variable.numpy() for variable in network.variables]  # with the seeds of dropout
    trained = []
    for storage in (Storage(str(tmp_path)), Storage(str(tmp_path / "none"), limit=1e-9)):
        for variable, value in zip(network.variables, start, strict=True):
            variable.assign(value)
        plan = training.plan_phases(network, single_label(splits.labels), splits, phases, batch_size=8, storage=storage)
        rows = training.fine_tune(plan).rows
        trained.append(([{**row, "seconds": 0} for row in rows], network.get_weights()))
    assert trained[0][0] == trained[1][0]
    assert all(map(np.array_equal, trained[0][1], trained[1][1]))
    assert "computed in bfloat16" in plan.notes[0]
