"""Classify pictures: one class for each picture.

Phase `head` solves a softmax layer on the features of all blocks of a frozen backbone of `keras.applications`. Phase
`tune` trains the top stages of the backbone too; BatchNormalization stays frozen. The weights with the best validation
accuracy of both phases are saved.

Commands:

    python -m recipes.image_classification
    python -m recipes.image_classification --data pictures/ --backbone MobileNetV2 --out runs/mine
    python -m recipes.image_classification --data list.csv --columns.group patient --backbone EfficientNetB0
    python -m recipes.image_classification --data tfds:beans --tune.unfreeze 3 --augment strong

Results: handwritten digits with the demo weights (first command): accuracy 0.994 (0.985 to 1.000, three seeds).

References: Yosinski et al. 2014, "How transferable are features in deep neural networks?", arXiv:1411.1792; Kornblith,
Shlens and Le 2019, "Do better ImageNet models transfer better?", arXiv:1805.08974.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.data import Columns
from tfft.models import BalanceFields, HeadFields, SmoothingFields
from tfft.training import Phase

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Config(HeadFields, SmoothingFields, BalanceFields, evaluation.PriorFields, pictures.Config):
    data: str = "demo"
    """Folder with one sub-folder per class, table (.csv, .tsv), or `tfds:NAME`."""
    columns: Columns = Columns()
    """Columns of the table."""


DEMO = Config(
    **pictures.DEMO,
    image_size=(96, 96),
    augment="none",
    tune=Phase(epochs=10, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Runs without `--data`: handwritten digits and weights that come with tfft; nothing is downloaded."""

SMOKE = replace(DEMO, **pictures.SMOKE)


def find_data(config: Config) -> list[data.Record]:
    """The pictures with their classes."""
    return data.find_pictures(config.data, config.columns)


def load_data(config: Config, backbone: keras.Model | None = None) -> data.Splits:
    """Pictures of every split, and the index of the class of each."""
    return pictures.load_data(config, find_data(config), balance=config.balance)


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: data.Pictures | None = None
) -> tuple[keras.Model, models.Task]:
    """A softmax head on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, labels)."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    x = models.features(backbone, config.features)  # of every block, pooled, side by side
    x = models.hidden_layers(x, config.hidden)
    x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    outputs = keras.layers.Dense(len(labels), activation="softmax", dtype="float32", name="head_predictions")(x)
    model = keras.Model(backbone.inputs[0], outputs, name=backbone.name)
    balance = data.class_balance(train, config.balance)
    return model, models.single_label(labels, **balance, smoothing=config.smoothing)


def evaluate(model: keras.Model, splits: data.Splits, plan: training.Plan | None = None) -> evaluation.Evaluation:
    """Accuracy, macro F1 and a confusion matrix of every split."""
    return evaluation.classification(splits, training.predict(model, splits, plan))


def figures(model: keras.Model, splits: data.Splits, scored: evaluation.Evaluation) -> list[reporting.Figure]:
    """Confusion matrix, most confident mistakes with heat maps, correct predictions."""
    return reporting.class_figures(splits, scored, model)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save, find_data)


def run(config: Config) -> workflow.Result:
    """Trains, evaluates and saves a model in a run folder."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
