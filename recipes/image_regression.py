"""Fine-tune a pretrained network to answer with one or several numbers for a picture.

1. Read the pictures with their numbers and split them; equal pictures stay on one side.
2. Put a new head on a frozen backbone of `keras.applications` and train it (phase `head`). It answers in the units of
   the data: the mean and the spread of the training split are part of the model.
3. Unfreeze the top stages and train them with a smaller rate (phase `tune`); BatchNorm stays frozen.
   What is frozen is computed once for each picture and view, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, score every split, write the report and `model.keras`.

Commands:

    python -m recipes.image_regression
    python -m recipes.image_regression --data ages.csv --columns.image file --columns.values age
    python -m recipes.image_regression --data leaves.csv --columns.values width height --error huber
    python -m recipes.image_regression --data counts/ --views 3

Results: in the README.

References: Lathuiliere et al. 2018, "A comprehensive analysis of deep regression", arXiv:1803.08450.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, reporting, runs, serving, training
from tfft.data import NumberColumns
from tfft.errors import check_range
from tfft.store import Storage
from tfft.training import Phase, Views, check_views

if TYPE_CHECKING:
    import keras

    from tfft.data import Examples, Splits
    from tfft.evaluation import Scores
    from tfft.models import Task
    from tfft.training import Plan, Predictions

    Backbone = str | keras.Model
else:
    Backbone = str  # on the command line; TensorFlow is not imported to answer --help


@dataclass(frozen=True)
class Config:
    """Every choice of this recipe."""

    data: str = "demo:count"
    """A .csv or .tsv file, a folder whose sub-folders are named by a number, or demo:count."""
    columns: NumberColumns = NumberColumns()
    """Columns of the table."""
    val_fraction: float = 0.15
    """Share of the pictures to validate on, where the data have no val split."""
    test_fraction: float = 0.15
    """Share of the pictures to test on, where the data have no splits."""
    bad_files: Literal["stop", "skip"] = "stop"
    """What to do with files that do not decode."""
    leaks: Literal["stop", "drop", "accept"] = "stop"
    """What to do when the data's own splits share a picture; drop leaves it out where it is trained on."""
    image_size: tuple[int, int] = (224, 224)
    """Height and width in pixels."""
    augment: Literal["none", "light", "strong"] = "light"
    """Random changes of training pictures: flip, rotate, zoom, colour; strong adds RandAugment."""
    flip: bool = True
    """Whether augmentation may make left right; not for text, or where sides matter."""
    views: Views = "auto"
    """Views of each training picture that are stored; fresh makes new ones every epoch; auto: at most 6."""
    store: Storage = Storage()
    """The store of what is frozen."""
    backbone: Backbone = "MobileNetV2"
    """Network of keras.applications; in Python also a keras.Model that takes pixels in [0, 255]."""
    backbone_options: cli.JsonObject = field(default_factory=dict)
    """Further arguments of the network, such as '{"alpha": 0.35}'."""
    weights: str = "imagenet"
    """imagenet, demo (tfft's own, to try things with), none (random), or a weights file without top layers."""
    hidden: tuple[int, ...] = ()
    """Units of Dense layers between pooling and the last layer."""
    dropout: float = 0.2
    """Fraction of the features dropped before the last layer."""
    pooling: Literal["avg", "max", "avg+max"] = "avg"
    """Mean or maximum over the places of the last feature map, or both: small objects stand out in the maximum."""
    error: Literal["squared", "absolute", "huber"] = "squared"
    """What is made small: squared errors; absolute ones, which outliers pull less; or huber, between the two."""
    batch_size: int = 16
    """Pictures in a training batch; small, so that few pictures make many steps."""
    head: Phase = Phase(epochs=3, learning_rate=1e-3)
    """First phase: the backbone is frozen."""
    tune: Phase = Phase(epochs=10, learning_rate=4e-4, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top stages of the backbone are trained too."""
    seed: int = 0
    """Decides split, first weights, order and augmentation."""
    out: str | None = None
    """New folder for the results; by default one below runs/."""

    def __post_init__(self) -> None:
        check_range("image_size", min(self.image_size), least=1)
        check_range("image_size", max(self.image_size), most=4096)
        check_range("batch_size", self.batch_size, least=1, most=1_000_000)
        check_range("dropout", self.dropout, least=0, below=1)
        check_range("hidden", min(self.hidden, default=1), least=1)
        check_views(self.views)


DEMO = Config(
    backbone_options={"alpha": 0.35},
    weights="demo",
    image_size=(192, 192),
    augment="strong",
    flip=False,
    views=10,
    batch_size=32,
    head=Phase(epochs=3, learning_rate=3e-3),
    tune=Phase(epochs=40, learning_rate=2e-3, optimizer="adamw", schedule="cosine", unfreeze=3),
)
"""Without `--data`: scenes of handwritten digits, the sum of which is asked, and tfft's own demo weights."""

ONCE = Phase(epochs=1, optimizer="sgd")  # the quickest to trace
SHALLOW = replace(DEMO, backbone="MobileNet", weights="none", image_size=(32, 32))  # half as many layers to trace
SMOKE = replace(SHALLOW, augment="none", head=ONCE, tune=replace(ONCE, unfreeze=1))


def load_data(config: Config) -> Splits:
    """Finds the pictures, gives each its split, decodes them."""
    found = data.find_numbers(config.data, config.columns)
    options = {"val_fraction": config.val_fraction, "test_fraction": config.test_fraction, "leaks": config.leaks}
    records = data.assign_splits(found, **options, seed=config.seed)
    return data.read_pictures(records, image_size=config.image_size, bad_files=config.bad_files, storage=config.store)


def build_backbone(config: Config) -> keras.Model:
    """The frozen backbone, (batch, height, width, 3) in [0, 255] to features."""
    return models.load_backbone(
        config.backbone, image_size=config.image_size, weights=config.weights, options=config.backbone_options
    )


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: Examples | None = None
) -> tuple[keras.Model, Task]:
    """A new head on a frozen backbone, (batch, height, width, 3) in [0, 255] to (batch, labels) in their units."""
    mean, deviation = data.statistics(train, labels)
    options = {"hidden": config.hidden, "dropout": config.dropout, "pooling": config.pooling, "error": config.error}
    task = models.regression(labels, mean=mean, deviation=deviation, **options)
    return models.attach_head(backbone or build_backbone(config), task), task


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> tuple[Scores, Predictions]:
    """Scores of every split, and the answers that they are computed from."""
    predictions = training.predict(model, splits, plan)
    scores = {
        name: evaluation.regression_scores(examples.targets, predictions[name], splits.labels)
        for name, examples in splits.items()
    }
    return scores, predictions


def prepare(config: Config, current: runs.Run) -> tuple[keras.Model, Task, Plan]:
    """Everything before the first epoch; shows what each phase will train, store and cost."""
    phases = {"head": config.head, "tune": config.tune}
    backbone = current.stage("backbone", build_backbone, config)
    training.check_phases(backbone, phases)
    splits = current.stage("data", load_data, config)
    model, task = build_model(config, splits.labels, backbone, splits.train)
    options = {"batch_size": config.batch_size, "seed": config.seed}
    options |= {"augment": config.augment, "flip": config.flip, "views": config.views, "storage": config.store}
    options["backbone"] = models.describe_backbone(config.backbone, config.weights, config.backbone_options)
    plan = current.stage("plan", training.plan_phases, model, splits, phases, **options)
    reporting.show_plan(plan)
    return model, task, plan


def run(config: Config) -> Scores:
    """The whole way; returns the scores by split."""
    with runs.open_run("image_regression", config) as current:
        model, task, plan = prepare(config, current)
        splits = plan.splits
        current.stage("storing", training.store_activations, plan)
        history = current.stage("training", training.fine_tune, model, task, plan, log=current.folder / "history.csv")
        current.stage("saving", serving.save_model, model, splits.labels, current.folder, sample=splits.val.inputs[:8])
        scores, predictions = current.stage("evaluation", evaluate, model, splits, plan)
        reporting.write_report(current, plan, history, scores, reporting.number_figures(splits, predictions))
        reporting.show_scores(scores, current.folder)
    return scores


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
