"""Fine-tune a pretrained network to tell which of several labels a picture has, any number of them.

1. Read the pictures with their labels and split them; equal pictures stay on one side.
2. Put a new head on a frozen backbone of `keras.applications`, a sigmoid for each label, and train it (phase `head`).
3. Unfreeze the top stages and train them with a smaller rate (phase `tune`); BatchNorm stays frozen.
   What is frozen is computed once for each picture and view, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, choose a threshold for each label on validation, score every split, write
   the report, `model.keras` and `thresholds.json`.

Commands:

    python -m recipes.image_multilabel
    python -m recipes.image_multilabel --data list.csv --columns.tags labels --columns.separator "|"
    python -m recipes.image_multilabel --data chest.csv --columns.tags edema mass nodule --balance weights --no-flip
    python -m recipes.image_multilabel --data cards/ --views 8 --no-flip

Results: in the README.

References: Lin, Chen and Yan 2014, "Network in network", arXiv:1312.4400 (pooling); Lipton, Elkan and Narayanaswamy
2014, "Thresholding classifiers to maximize F1 score", arXiv:1402.1892.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.data import Balance, TagColumns
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

    data: str = "demo:tags"
    """A .csv or .tsv file, a folder with boxes whose classes are the labels, or demo:tags."""
    columns: TagColumns = TagColumns()
    """Columns of the table."""
    pooling: Literal["avg", "max", "avg+max"] = "avg+max"
    """Mean or maximum over the places of the last feature map, or both: small objects stand out in the maximum."""
    hidden: tuple[int, ...] = ()
    """Units of Dense layers between pooling and the last layer."""
    dropout: float = 0.2
    """Fraction of the features dropped before the last layer."""
    balance: Balance = "none"
    """For rare classes: weights gives them more weight in the loss, sample shows their pictures more often."""
    focal: float = 0.0
    """Exponent of the focal loss, which passes over what is easy; 0 for plain cross-entropy, 2 is usual."""
    batch_size: int = 16
    """Pictures in a training batch; small, so that few pictures make many steps."""
    head: Phase = Phase(epochs=5, learning_rate=1e-3)
    """First phase: the backbone is frozen."""
    tune: Phase = Phase(epochs=30, learning_rate=4e-4, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top stages of the backbone are trained too."""


DEMO = Config(
    **pictures.DEMO,
    image_size=(128, 128),
    flip=False,
    views=4,
    head=Phase(epochs=5, learning_rate=3e-3),
    tune=Phase(epochs=15, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Without `--data`: scenes of handwritten digits, which of them are there, and tfft's own demo weights."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def load_data(config: Config, backbone: keras.Model | None = None) -> Splits:
    """Pictures of every split, and which labels each has, 1 or 0."""
    found = data.find_tagged(config.data, config.columns)
    return pictures.load_data(config, found, balanced=config.balance == "sample")


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: Pictures | None = None
) -> tuple[keras.Model, Task]:
    """A sigmoid head on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, labels)."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    x = models.pooled(backbone.output, config.pooling)
    x = models.hidden_layers(x, config.hidden)
    x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    outputs = keras.layers.Dense(len(labels), activation="sigmoid", dtype="float32", name="head_predictions")(x)
    model = keras.Model(backbone.inputs[0], outputs, name=backbone.name)
    weights = data.label_weights(train, config.balance)
    return model, models.multi_label(labels, weights=weights, focal=config.focal)


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> Evaluation:
    """Average precision and F1 of every split, with the thresholds that are best on validation."""
    predictions = training.predict(model, splits, plan)
    thresholds = evaluation.best_thresholds(splits.val.targets, predictions["val"])
    return evaluation.score_splits(
        splits,
        predictions,
        lambda examples, found: evaluation.multi_label_scores(examples.targets, found, splits.labels, thresholds),
        thresholds,
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """Precision and recall of each label, the worst and some right pictures."""
    return reporting.tag_figures(splits, evaluation)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
