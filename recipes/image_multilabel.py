"""Tag pictures: any number of labels for each picture.

Phase `head` solves a sigmoid layer on the features of all blocks of a frozen backbone of `keras.applications`. Phase
`tune` trains the top stages of the backbone too. For each label the threshold with the best F1 on validation is saved.

Commands:

    python -m recipes.image_multilabel
    python -m recipes.image_multilabel --data list.csv --columns.tags labels --columns.separator "|"
    python -m recipes.image_multilabel --data chest.csv --columns.tags edema mass nodule --balance weights --no-flip
    python -m recipes.image_multilabel --data cards/ --views 8 --no-flip

Results: playing cards, earlier defaults: macro average precision 0.918 (0.858 to 0.950, three seeds), 279 s.
References: Lin, Chen and Yan 2014, "Network in network", arXiv:1312.4400 (pooling); Lipton, Elkan and Narayanaswamy
2014, "Thresholding classifiers to maximize F1 score", arXiv:1402.1892.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.data import TagColumns
from tfft.models import BalanceFields, PoolingFields
from tfft.training import Phase

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Config(PoolingFields, BalanceFields, evaluation.CalibrationFields, pictures.Config):
    data: str = "demo:tags"
    """Table (.csv, .tsv), or folder of pictures with boxes, whose classes become the labels."""
    columns: TagColumns = TagColumns()
    """Columns of the table."""
    pooling: Literal["avg", "max", "avg+max"] = "avg+max"
    batch_size: int = 16
    tune: Phase = replace(pictures.TUNE, epochs=16)


DEMO = Config(
    **pictures.SCENES,
    tune=Phase(epochs=15, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Runs without `--data`: scenes of handwritten digits, tagged with the digits in them."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def find_data(config: Config) -> list[data.Record]:
    """The pictures with their tags."""
    return data.find_tagged(config.data, config.columns)


def load_data(config: Config, backbone: keras.Model | None = None) -> data.Splits:
    """Pictures of every split, and which labels each has, 1 or 0."""
    return pictures.load_data(config, find_data(config), balance=config.balance)


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: data.Pictures | None = None
) -> tuple[keras.Model, models.Task]:
    """A sigmoid head on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, labels)."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    x = models.features(backbone, config.features, config.pooling)  # of every block, side by side
    x = models.hidden_layers(x, config.hidden)
    x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    outputs = keras.layers.Dense(len(labels), activation="sigmoid", dtype="float32", name="head_predictions")(x)
    model = keras.Model(backbone.inputs[0], outputs, name=backbone.name)
    balance = data.label_balance(train, config.balance)
    return model, models.multi_label(labels, **balance, score=evaluation.average_precisions)


def evaluate(model: keras.Model, splits: data.Splits, plan: training.Plan | None = None) -> evaluation.Evaluation:
    """Average precision and F1 of every split, with the best thresholds on validation."""
    return evaluation.multilabel(splits, training.predict(model, splits, plan))


def figures(model: keras.Model, splits: data.Splits, scored: evaluation.Evaluation) -> list[reporting.Figure]:
    """Precision-recall curves, worst and correct predictions."""
    return reporting.tag_figures(splits, scored)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save, find_data)


def run(config: Config) -> workflow.Result:
    """Trains, evaluates and saves a model in a run folder."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
