"""Evaluate the demo weights: the same head, data and epochs with random, demo and ImageNet weights.

Each row is MobileNetV2 (alpha 0.35) at 96 pixels, the size at which the demo weights were trained. `frozen` trains only
the head; `tuned` then trains the top two stages too, with the same settings for all weights; `regression` is
scikit-learn's logistic regression on the frozen features, each scaled to unit variance so that their size does not
matter (random weights give small features). The score is the mean accuracy over the seeds on the test split. Data
without a test split are scored on val, which also selects the epoch, so these scores are slightly optimistic.

ImageNet weights are read from `KERAS_HOME`: those trained at 96 pixels, else those trained at 224, which lose some
accuracy at 96. Without them their column is missing.

    KERAS_HOME=keras_home python benchmarks/demo_weights.py --data hymenoptera trashnet sign_digits
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro

from recipes.image_classification import DEMO, Config, build_model, evaluate, load_data
from tfft import training
from tfft.data import Pictures, Splits
from tfft.pictures import build_backbone
from tfft.store import Storage
from tfft.training import Phase

HEAD = Phase(epochs=40, learning_rate=3e-3, schedule="cosine")
FROZEN, TUNED = Phase(epochs=0), Phase(epochs=20, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2)
IMAGENET = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_{size}_no_top.h5"


@dataclass(frozen=True)
class Settings:
    """Data and seeds of the comparison."""

    data: tuple[Path, ...] = ()
    """Folders of pictures, in addition to the demo digits."""
    per_class: tuple[int, ...] = (10, 50)
    """Numbers of training pictures per demo digit."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Random seeds of the splits, the initial weights and the order."""


def main(settings: Settings) -> None:
    """Prints a Markdown table with a row for each dataset and way of training."""
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
    imagenet = [path for size in (96, 224) if (path := home / IMAGENET.format(size=size)).exists()]
    weights = {"random": "none", "demo": "demo"} | ({"ImageNet": str(imagenet[0])} if imagenet else {})
    print(f"ImageNet: {imagenet[0].name if imagenet else 'no file'}")
    print(f"| data | trained | {' | '.join(weights)} |\n| --- | --- |{' ---: |' * len(weights)}")
    with tempfile.TemporaryDirectory() as folder:
        names = [*(f"demo:{count}" for count in settings.per_class), *map(str, settings.data)]
        for name in names:
            rows = {row: [] for row in ("regression", "frozen", "tuned")}
            for kind in weights.values():
                chosen = replace(DEMO, weights=kind, head=HEAD, tune=FROZEN, store=Storage(folder=folder))
                scores = [scored(replace(chosen, seed=seed), name) for seed in settings.seeds]
                for row, values in zip(rows, zip(*scores, strict=True), strict=True):
                    rows[row].append(statistics.mean(values))
            title = name.replace("demo:", "demo digits, per class ") if name.startswith("demo:") else Path(name).name
            for row, values in rows.items():
                print(f"| {title} | {row} | {' | '.join(f'{value:.3f}' for value in values)} |", flush=True)


def scored(config: Config, name: str) -> tuple[float, float, float]:
    """Accuracies of the regression, of the trained head, and with the top stages tuned."""
    if name.startswith("demo:"):
        splits = load_data(config)
        splits = replace(splits, train=first_of_each(splits.train, int(name.removeprefix("demo:"))))
    else:
        splits = load_data(replace(config, data=name))
    return regression(config, splits), fine_tuned(config, splits), fine_tuned(replace(config, tune=TUNED), splits)


def first_of_each(examples: Pictures, count: int) -> Pictures:
    """The first `count` examples of each class, in their original order."""
    chosen = np.sort(np.concatenate([np.flatnonzero(examples.targets == c)[:count] for c in set(examples.targets)]))
    names = {"ids": [examples.ids[i] for i in chosen], "where": [examples.where[i] for i in chosen]}
    return Pictures(examples.inputs[chosen], examples.targets[chosen], **names)


def fine_tuned(config: Config, splits: Splits) -> float:
    """Accuracy after both phases of the configuration."""
    import keras

    keras.utils.set_random_seed(config.seed)
    model, task = build_model(config, splits.labels)
    phases = {"head": config.head, "tune": config.tune}
    options = {"batch_size": config.batch_size, "seed": config.seed, "storage": config.store}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        plan = training.plan_phases(model, task, splits, phases, **options)
        training.fine_tune(plan)
        scores = evaluate(model, splits, plan).scores
    return scores["test" if "test" in scores else "val"]["accuracy"]


def regression(config: Config, splits: Splits) -> float:
    """Accuracy of a logistic regression on the pooled features of the frozen backbone."""
    import keras
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    keras.utils.set_random_seed(config.seed)
    backbone = build_backbone(config)
    network = keras.Model(backbone.inputs, keras.layers.GlobalAveragePooling2D()(backbone.output))
    scored_split = splits.test or splits.val
    features = [network.predict(part.inputs[np.arange(len(part))], verbose=0) for part in (splits.train, scored_split)]
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    return float(classifier.fit(features[0], splits.train.targets).score(features[1], scored_split.targets))


if __name__ == "__main__":
    main(tyro.cli(Settings))
