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

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.data import NumberColumns
from tfft.training import Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Pictures, Splits
    from tfft.evaluation import Evaluation
    from tfft.models import Task
    from tfft.reporting import Figure
    from tfft.training import Plan


@dataclass(frozen=True)
class Config(pictures.Config):
    """Every choice of this recipe."""

    data: str = "demo:count"
    """A .csv or .tsv file, a folder whose sub-folders are named by a number, or demo:count."""
    columns: NumberColumns = NumberColumns()
    """Columns of the table."""
    pooling: Literal["avg", "max", "avg+max"] = "avg"
    """Mean or maximum over the places of the last feature map, or both: small objects stand out in the maximum."""
    hidden: tuple[int, ...] = ()
    """Units of Dense layers between pooling and the last layer."""
    dropout: float = 0.2
    """Fraction of the features dropped before the last layer."""
    error: Literal["squared", "absolute", "huber"] = "squared"
    """What is made small: squared errors; absolute ones, which outliers pull less; or huber, between the two."""
    batch_size: int = 16
    """Pictures in a training batch; small, so that few pictures make many steps."""
    head: Phase = Phase(epochs=3, learning_rate=1e-3)
    """First phase: the backbone is frozen."""
    tune: Phase = Phase(epochs=10, learning_rate=4e-4, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top stages of the backbone are trained too."""


DEMO = Config(
    **pictures.DEMO,
    image_size=(192, 192),
    augment="strong",
    flip=False,
    views=10,
    batch_size=32,
    head=Phase(epochs=3, learning_rate=3e-3),
    tune=Phase(epochs=40, learning_rate=2e-3, optimizer="adamw", schedule="cosine", unfreeze=3),
)
"""Without `--data`: scenes of handwritten digits, the sum of which is asked, and tfft's own demo weights."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def load_data(config: Config, backbone: keras.Model | None = None) -> Splits:
    """Pictures of every split, and the numbers of each."""
    return pictures.load_data(config, data.find_numbers(config.data, config.columns))


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: Pictures | None = None
) -> tuple[keras.Model, Task]:
    """A linear head on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, labels) in their units."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    x = models.pooled(backbone.output, config.pooling)
    x = models.hidden_layers(x, config.hidden)
    x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    # the network answers in deviations from the mean of the training split, which the last layer turns into units
    x = keras.layers.Dense(len(labels), dtype="float32", name="head_deviations")(x)
    mean, deviation = data.statistics(train, labels)
    units = keras.layers.Rescaling(deviation, offset=mean, dtype="float32", name="head_predictions")
    model = keras.Model(backbone.inputs[0], units(x), name=backbone.name)
    return model, models.regression(labels, deviation=deviation, error=config.error)


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> Evaluation:
    """R2 and errors of every split, with the answers behind them."""
    return evaluation.score_splits(
        splits,
        training.predict(model, splits, plan),
        lambda examples, found: evaluation.regression_scores(examples.targets, found, splits.labels),
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """Truth against answer, the worst and the best pictures."""
    return reporting.number_figures(splits, evaluation)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
