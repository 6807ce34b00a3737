"""Measure the time saved by computing frozen layers once.

Every mode trains with the same data, network, epochs, batch size and seed, in its own process, one after the other:

- `plain`: the script of the Keras guide to transfer learning; every epoch decodes the pictures and runs the whole
  network.
- `cached`: the same with `cache()` after decoding.
- `whole`: pictures are decoded once; `fit` runs the whole network, its frozen part in inference mode, in tfft's order.
- `empty`: tfft with an empty store.
- `filled`: tfft again, with the store that `empty` filled.

Training seconds include decoding, frozen layers, compiling and `fit`, but not imports, building the network or saving.
Losses are compared with those of `whole`. Seconds of the process are those of the script, which saves nothing, and of
the recipe with the same settings on the command line, from its start to the report.

    KERAS_HOME=keras_home python benchmarks/frozen_once.py --data hymenoptera
    python benchmarks/frozen_once.py --data hymenoptera --backbone ResNet50 --weights none --modes plain empty filled

`--data` is a folder with train/ and val/, each with a sub-folder per class, or a folder with only the classes. In the
second case the plain script and tfft split the data differently, and scores differ a little.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import tyro

from recipes import image_classification
from tfft.data import Views
from tfft.store import Storage
from tfft.training import Phase

Mode = Literal["plain", "cached", "whole", "empty", "filled"]


@dataclass(frozen=True)
class Settings:
    """Data, network and modes of the comparison."""

    data: Path
    """Folder of pictures."""
    backbone: str = "MobileNetV2"
    """Name of a network in keras.applications."""
    weights: str = "imagenet"
    """imagenet, none, or a weights file."""
    image_size: tuple[int, int] = (224, 224)
    """Height and width in pixels."""
    head_epochs: int = 10
    """Epochs with a frozen backbone."""
    tune_epochs: int = 10
    """Epochs with the top stages unfrozen."""
    tune_rate: float = 1e-4
    """Learning rate of the second phase."""
    unfreeze: int = 1
    """Stages unfrozen in the second phase."""
    augment: Literal["none", "light"] = "none"
    """light: flip, rotation, zoom, brightness and contrast; the plain script uses Keras layers."""
    views: Views = "auto"
    """Augmented views of each training picture that tfft stores."""
    hold_batch_norm: bool = False
    """Whether the plain script freezes BatchNorm too, unlike the guide."""
    batch_size: int = 32
    """Pictures in a batch."""
    seed: int = 0
    """Random seed."""
    modes: tuple[Mode, ...] = ("plain", "cached", "whole", "empty", "filled")
    """Modes to run, in this order."""
    child: Path | None = None
    """Internal: the file for the results of a single mode."""
    store: Path | None = None
    """Internal: the store of the tfft modes."""


def main(settings: Settings) -> None:
    """Runs every mode in its own process and prints a Markdown table."""
    results: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for mode in settings.modes:
            file = Path(folder, f"{mode}.json")
            start = time.monotonic()
            words = [*sys.argv[1:], "--modes", mode, "--child", str(file), "--store", str(Path(folder, "store"))]
            subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.DEVNULL)
            results[mode] = json.loads(file.read_text())
            results[mode]["process"] = time.monotonic() - start
            if mode in ("empty", "filled"):
                results[mode]["process"] = seconds_of_run(settings, Path(folder), mode)
            print(mode, json.dumps({k: v for k, v in results[mode].items() if k != "losses"}), file=sys.stderr)
    print(table(settings, results))


def seconds_of_run(settings: Settings, folder: Path, mode: Mode) -> float:
    """Seconds of the recipe on the command line; the store is filled by the run before it."""
    words = (
        f"--data {settings.data} --backbone {settings.backbone} --weights {settings.weights} --image-size "
        f"{settings.image_size[0]} {settings.image_size[1]} --augment {settings.augment} --views {settings.views} "
        f"--batch-size {settings.batch_size} --features 1 --smoothing 0 --test-fraction 0 --seed {settings.seed} "
        f"--head.epochs {settings.head_epochs} --head.learning-rate 1e-3 --head.optimizer adam "
        f"--tune.epochs {settings.tune_epochs} --tune.learning-rate {settings.tune_rate} --tune.optimizer adam "
        f"--tune.schedule constant --tune.head-rate 1 --tune.average 0 --tune.patience 0 --tune.unfreeze "
        f"{settings.unfreeze} --store.folder {folder}/store-of-runs --out {folder}/run-{mode}"
    ).split()
    start = time.monotonic()
    command = [sys.executable, "-m", "recipes.image_classification", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def table(settings: Settings, results: dict[str, dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    first = next(iter(results.values()))
    size = "x".join(map(str, settings.image_size))
    lines = [
        f"{settings.data.name}, {settings.backbone}, {size} pixels, "
        f"{settings.head_epochs}+{settings.tune_epochs} epochs, batch {settings.batch_size}, "
        f"last {settings.unfreeze} stage(s) unfrozen, augmentation {settings.augment}",
        "",
        "| mode | reading s | frozen layers s | fit s | training s | times faster | process s | times faster | peak MB "
        "| val accuracy | losses |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for mode, result in results.items():
        same = result["losses"] == results["whole"]["losses"] if "whole" in results else None
        lines.append(
            f"| {mode} | {result['reading']:.1f} | {result['storing']:.1f} | {result['fit']:.1f} | "
            f"{result['total']:.1f} | "
            f"{first['total'] / result['total']:.1f} | {result['process']:.1f} | "
            f"{first['process'] / result['process']:.1f} | {result['peak']:.0f} | {result['accuracy']:.4f} | "
            f"{ {None: 'not run', True: 'bit-identical', False: 'different'}[same] } |"
        )
    return "\n".join(lines)


def run_mode(mode: Mode, settings: Settings) -> dict[str, Any]:
    """Trains in one mode; returns seconds of each step, peak resident memory in MB, accuracy and losses."""
    import keras

    keras.utils.set_random_seed(settings.seed)
    result = plain(settings, cache=mode == "cached") if mode in ("plain", "cached") else tfft_modes(mode, settings)
    result["total"] = result["reading"] + result["storing"] + result["fit"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result["peak"] = peak / (1 << 20 if sys.platform == "darwin" else 1024)
    return result


def plain(settings: Settings, *, cache: bool) -> dict[str, Any]:
    """Trains like https://keras.io/guides/transfer_learning."""
    import keras

    def read(split: str, **options: Any) -> Any:
        folder = settings.data / split
        if not folder.is_dir():
            folder, options = settings.data, {**options, "validation_split": 0.15}
            options["subset"] = "training" if split == "train" else "validation"
        return keras.utils.image_dataset_from_directory(
            folder, image_size=settings.image_size, batch_size=settings.batch_size, seed=settings.seed, **options
        )

    train, val = read("train"), read("val")
    classes = len(train.class_names)
    if cache:
        train, val = train.cache(), val.cache()
    if settings.augment == "light":
        layers = keras.layers
        changes = [
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.03),
            layers.RandomZoom(0.1),
            layers.RandomBrightness(0.1),
            layers.RandomContrast(0.1),
        ]

        def augment(images: Any, targets: Any) -> Any:
            for change in changes:
                images = change(images, training=True)
            return images, targets

        train = train.map(augment)
    train, val = train.prefetch(2), val.prefetch(2)

    constructor = getattr(keras.applications, settings.backbone)
    preprocess = sys.modules[constructor.__module__].preprocess_input
    weights = None if settings.weights == "none" else settings.weights
    base = constructor(include_top=False, weights=weights, input_shape=(*settings.image_size, 3))
    base.trainable = False
    inputs = keras.Input((*settings.image_size, 3))
    x = base(preprocess(inputs), training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))

    start = time.monotonic()
    losses = []
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(train, epochs=settings.head_epochs, validation_data=val, verbose=2).history
    losses += history["loss"]
    from tfft.models import backbone_stages

    unfrozen = {id(layer) for stage in backbone_stages(base)[-settings.unfreeze :] for layer in stage}
    base.trainable = True  # BatchNorm layers too: the guide relies on `training=False` above to keep their statistics
    for layer in base.layers:
        held = settings.hold_batch_norm and isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = id(layer) in unfrozen and not held
    model.compile(keras.optimizers.Adam(settings.tune_rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    tuned = model.fit(train, epochs=settings.tune_epochs, validation_data=val, verbose=2).history
    seconds = time.monotonic() - start
    best = max(history["val_accuracy"] + tuned["val_accuracy"])
    return {"reading": 0.0, "storing": 0.0, "fit": seconds, "accuracy": best, "losses": losses + tuned["loss"]}


def tfft_modes(mode: Mode, settings: Settings) -> dict[str, Any]:
    """Trains with the parts of the tfft recipe; `whole` uses only its decoded pictures and its order."""
    from tfft import pictures, training

    config = image_classification.Config(
        data=str(settings.data),
        backbone=settings.backbone,
        weights=settings.weights,
        image_size=settings.image_size,
        augment=settings.augment,
        views=settings.views,
        batch_size=settings.batch_size,
        features=1,
        smoothing=0.0,
        head=Phase(epochs=settings.head_epochs, learning_rate=1e-3),
        tune=Phase(epochs=settings.tune_epochs, learning_rate=settings.tune_rate, unfreeze=settings.unfreeze),
        seed=settings.seed,
        test_fraction=0.0,
        store=Storage(folder=str(settings.store)),
    )
    if mode == "whole":
        config = replace(config, store=Storage(folder=str(settings.store.parent / "whole")))
    backbone = pictures.build_backbone(config)
    start = time.monotonic()
    splits = image_classification.load_data(config)
    reading = time.monotonic() - start
    model, task = image_classification.build_model(config, splits.labels, backbone)
    start = time.monotonic()
    phases = {"head": config.head, "tune": config.tune}
    plan = training.plan_phases(
        model, task, splits, phases, batch_size=config.batch_size, seed=config.seed, storage=config.store
    )
    if mode == "whole":
        rows, storing = whole(plan), 0.0
    else:
        training.store_activations(plan)
        storing, start = time.monotonic() - start, time.monotonic()
        rows = training.fine_tune(plan).rows
    fit = time.monotonic() - start
    return {
        "reading": reading,
        "storing": storing,
        "fit": fit,
        "accuracy": max(row["val_accuracy"] for row in rows),
        "losses": [row["loss"] for row in rows],
    }


def whole(plan: Any) -> list[dict[str, float]]:
    """Trains the phases of a plan on pictures, with the whole network in `fit`."""
    import keras

    from tfft.data import Feed, evaluation_batches, fetched_together, training_batches
    from tfft.models import unfrozen
    from tfft.models.folding import folded
    from tfft.training import build_optimizer

    class Frozen(keras.layers.Layer):
        """A network that always runs in inference mode."""

        def __init__(self, inner: keras.Model):
            super().__init__(trainable=False)
            self.inner = inner

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs, training=False)

    rows: list[dict[str, float]] = []
    model, task, splits = plan.model, plan.task, plan.splits
    best, best_score = model.get_weights(), (-1.0, 0.0)
    order = partial(splits.train.epoch_order, plan.seed, group=fetched_together(plan.batch_size), sampling="all")
    for planned in plan.phases:
        model.set_weights(best)
        trunk = folded(plan.activations.levels[planned.depth].cut.trunk)
        inputs = keras.Input(trunk.inputs[0].shape[1:])
        fitted = keras.Model(inputs, planned.top(Frozen(trunk)(inputs)))
        feed = Feed(
            lambda epoch, planned=planned: plan.activations.rows(None, planned.shown(epoch)),
            lambda epoch: splits.train.targets,
            order,
            plan.layout(None),
            plan.batch_size,
        )
        batches = training_batches(feed, count=len(splits.train), epochs=planned.epoch_numbers)
        val = evaluation_batches(
            splits.val.inputs,
            splits.val.targets,
            plan.layout(None),
            order=splits.val.order,
            batch_size=plan.batch_size,
        )

        def keep(epoch: int, logs: dict[str, float]) -> None:
            nonlocal best, best_score
            rows.append(dict(logs))
            if (score := (logs["val_accuracy"], -logs["val_loss"])) > best_score:
                best, best_score = model.get_weights(), score

        with unfrozen(model, planned.phase.unfreeze, batch_norm="frozen"):
            fitted.compile(build_optimizer(planned.phase, plan.steps_per_epoch), task.loss, metrics=list(task.metrics))
            fitted.fit(
                batches,
                epochs=planned.phase.epochs,
                steps_per_epoch=plan.steps_per_epoch,
                validation_data=val,
                callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep)],
                shuffle=False,
                verbose=2,
            )
    return rows


if __name__ == "__main__":
    chosen = tyro.cli(Settings)
    if chosen.child is None:
        main(chosen)
    else:
        chosen.child.write_text(json.dumps(run_mode(chosen.modes[0], chosen)))
