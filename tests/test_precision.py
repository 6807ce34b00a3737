"""`--precision bfloat16`: layers compute in bfloat16, and what is kept is float32."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

import tfft
from tfft import training
from tfft.models import box_maps, compute_in, in_float32, single_label
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
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert sum("computed in bfloat16" in note for note in report["notes"]) == 1
    with zipfile.ZipFile(tmp_path / "run" / "model.keras") as parts:
        assert b"bfloat16" not in parts.read("config.json")
    assert {layer.compute_dtype for layer in result.model.layers} == {"float32"}  # as it was saved
    exact = result.model(pictures, training=False)
    assert np.array_equal(keras.saving.load_model(tmp_path / "run" / "model.keras")(pictures, training=False), exact)
    compute_in(result.model, "bfloat16")
    rounded = result.model(pictures, training=False)
    assert 1e-5 < np.abs(rounded - exact).max() < 0.1
    with in_float32(result.model):
        assert np.array_equal(result.model(pictures, training=False), exact)


def test_from_the_last_weights_on_outputs_are_exact_and_policies_of_others_stay() -> None:
    inputs = keras.Input((64, 64, 3))
    x = inputs
    for name in ("one", "own", "two", "three", "four"):
        policy = "mixed_bfloat16" if name == "own" else None
        x = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name=name, dtype=policy)(x)
    inner = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(2)])
    pooled = keras.layers.GlobalAveragePooling2D()(x)
    models = {
        "scaled": keras.Model(inputs, keras.layers.Rescaling(2.0)(keras.layers.Dense(2, name="last")(pooled))),
        "operation": keras.Model(inputs, keras.ops.exp(keras.layers.Dense(2, name="last")(pooled))),
        "nested": keras.Model(inputs, inner(pooled)),
        "boxes": keras.Model(inputs, box_maps(keras.Model(inputs, x), ["ant", "bee"], stride=8)),
    }
    for name, model in models.items():
        compute_in(model, "bfloat16")
        kinds = {layer.name: layer.compute_dtype for layer in model._flatten_layers()}
        assert (kinds["one"], kinds["own"], kinds["two"]) == ("bfloat16",) * 3, name
        assert model(np.zeros((1, 64, 64, 3), np.float32)).dtype == "float32", name
        if name != "nested":
            assert all(kinds[last] == "float32" for last in kinds if last in ("last", "head_centres", "head_sides"))
        with in_float32(model):
            assert model.get_layer("own").compute_dtype == "bfloat16"
        compute_in(model, "float32")
        kinds = {layer.name: layer.compute_dtype for layer in model._flatten_layers()}
        assert [layer for layer, kind in kinds.items() if kind == "bfloat16"] == ["own"], name


def test_stored_or_streamed_the_bits_are_the_same(
    network: keras.Model, splits: tfft.data.Splits, tmp_path: Path
) -> None:
    phases = {"head": Phase(1, 0.05), "tune": Phase(2, 0.01, "adamw", unfreeze=1)}
    compute_in(network, "bfloat16")
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
