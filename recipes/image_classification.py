"""Fine-tune a pretrained network to tell classes of pictures apart.

1. Read the pictures and split them; equal pictures stay on one side.
2. Put a new head on a frozen backbone of `keras.applications` and train it (phase `head`).
3. Unfreeze the top stages and train them with a smaller rate (phase `tune`); BatchNorm stays frozen.
4. Keep the best weights of both phases, score every split, write the report and `model.keras`.

Commands:

    python -m recipes.image_classification
    python -m recipes.image_classification --data pictures/ --backbone MobileNetV2 --out runs/mine
    python -m recipes.image_classification --data list.csv --group-column patient --backbone EfficientNetB0
    python -m recipes.image_classification --data tfds:beans --tune.unfreeze 3 --augment strong
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, reporting, runs, serving, training
from tfft.training import Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Splits
    from tfft.models import Task
    from tfft.training import Predictions

    Backbone = str | keras.Model
else:
    Backbone = str  # on the command line; TensorFlow is not imported to answer --help


@dataclass(frozen=True)
class Config:
    """Every choice of this recipe."""

    data: str = "demo"
    """Folder with a sub-folder per class, .csv or .tsv file, `tfds:NAME`, or demo."""
    image_column: str = "path"
    """Column of the table with the picture's path, relative to the table."""
    label_column: str = "label"
    """Column of the table with the class."""
    split_column: str | None = None
    """Column of the table with train, val or test."""
    group_column: str | None = None
    """Column of the table whose equal values (a patient, a scene) stay in one split."""
    val_fraction: float = 0.15
    """Share of the pictures to validate on, where the data have no val split."""
    test_fraction: float = 0.15
    """Share of the pictures to test on, where the data have no splits."""
    bad_files: Literal["stop", "skip"] = "stop"
    """What to do with files that do not decode."""
    leaks: Literal["stop", "accept"] = "stop"
    """What to do when the data's own splits share a picture."""
    image_size: tuple[int, int] = (224, 224)
    """Height and width in pixels."""
    augment: Literal["none", "light", "strong"] = "light"
    """Random changes of training pictures: flip, rotate, zoom, colour; strong adds RandAugment."""
    backbone: Backbone = "MobileNetV2"
    """Network of keras.applications; in Python also a keras.Model that takes pixels in [0, 255]."""
    backbone_options: cli.JsonObject = field(default_factory=dict)
    """Further arguments of the network, such as '{"alpha": 0.35}'."""
    weights: str = "imagenet"
    """imagenet, none (random), or the path of a weights file without top layers."""
    hidden: tuple[int, ...] = ()
    """Units of Dense layers between pooling and the last layer."""
    dropout: float = 0.2
    """Fraction of the features dropped before the last layer."""
    batch_size: int = 32
    """Pictures in a training batch."""
    head: Phase = Phase(epochs=10, learning_rate=1e-3)
    """First phase: the backbone is frozen."""
    tune: Phase = Phase(epochs=15, learning_rate=3e-4, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top stages of the backbone are trained too."""
    seed: int = 0
    """Decides split, first weights, order and augmentation."""
    out: str | None = None
    """New folder for the results; by default one below runs/."""


DEMO = Config(
    backbone="MobileNet",
    backbone_options={"alpha": 0.25},
    weights="none",
    image_size=(64, 64),
    augment="none",
    head=Phase(epochs=0),
    tune=Phase(epochs=15, learning_rate=1e-2, schedule="cosine", unfreeze="all", batch_norm="train"),
)
"""Without `--data`: scikit-learn's handwritten digits, a small network from random weights, no network access."""

SMOKE = replace(DEMO, image_size=(32, 32), head=Phase(epochs=1), tune=replace(DEMO.tune, epochs=1))


def load_data(config: Config) -> Splits:
    """Finds the pictures, gives each its split, decodes them."""
    records = data.find_pictures(
        config.data,
        image_column=config.image_column,
        label_column=config.label_column,
        split_column=config.split_column,
        group_column=config.group_column,
    )
    records = data.assign_splits(
        records,
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        leaks=config.leaks,
    )
    return data.read_pictures(records, image_size=config.image_size, bad_files=config.bad_files)


def build_model(config: Config, labels: list[str]) -> tuple[keras.Model, Task]:
    """A frozen backbone with a new head, (batch, height, width, 3) in [0, 255] to (batch, labels)."""
    backbone = models.load_backbone(
        config.backbone, image_size=config.image_size, weights=config.weights, options=config.backbone_options
    )
    task = models.single_label(labels, hidden=config.hidden, dropout=config.dropout)
    return models.attach_head(backbone, task), task


def evaluate(model: keras.Model, splits: Splits) -> tuple[dict[str, dict], Predictions]:
    """Scores of every split, and the probabilities that they are computed from."""
    predictions = training.predict(model, splits)
    scores = {
        name: evaluation.single_label_scores(examples.targets, predictions[name], splits.labels)
        for name, examples in splits.items()
    }
    return scores, predictions


def run(config: Config) -> dict[str, dict]:
    """The whole way; returns the scores by split."""
    with runs.open_run("image_classification", config, config.out, config.seed) as current:
        models.check_backbone(config.backbone, config.backbone_options, config.weights)
        splits = current.stage("data", load_data, config)
        model, task = current.stage("model", build_model, config, splits.labels)
        phases = {"head": config.head, "tune": config.tune}
        plan = training.plan_phases(model, splits, phases, batch_size=config.batch_size)
        reporting.show_plan(plan, splits, backbone=config.backbone, weights=config.weights)
        history = current.stage(
            "training", training.fine_tune, model, task, splits, plan,
            seed=config.seed, augment=config.augment, log=current.folder / "history.csv",
        )  # fmt: skip
        scores, predictions = current.stage("evaluation", evaluate, model, splits)
        current.stage("saving", serving.save_model, model, splits.labels, current.folder, sample=splits.val.inputs[:8])
        figures = reporting.class_figures(splits, scores, predictions)
        reporting.write_report(current, splits, plan, history, scores, figures)
        reporting.show_scores(scores, current.folder)
    return scores


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
