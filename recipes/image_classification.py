"""Fine-tune a pretrained network to tell classes of pictures apart.

1. Read the pictures and split them; equal pictures stay on one side.
2. Put a new head on a frozen backbone of `keras.applications` and train it (phase `head`).
3. Unfreeze the top stages and train them with a smaller rate (phase `tune`); BatchNorm stays frozen.
   What is frozen is computed once for each picture and view, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, score every split, write the report and `model.keras`.

Commands:

    python -m recipes.image_classification
    python -m recipes.image_classification --data pictures/ --backbone MobileNetV2 --out runs/mine
    python -m recipes.image_classification --data list.csv --columns.group patient --backbone EfficientNetB0
    python -m recipes.image_classification --data tfds:beans --tune.unfreeze 3 --augment strong

Results: the first command (digits, demo weights): test accuracy 0.993, 30 s on two CPU cores; more in the README.

References: Yosinski et al. 2014, "How transferable are features in deep neural networks?", arXiv:1411.1792;
Kornblith, Shlens and Le 2019, "Do better ImageNet models transfer better?", arXiv:1805.08974.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.data import Balance, Columns
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

    data: str = "demo"
    """Folder with a sub-folder per class, .csv or .tsv file, `tfds:NAME`, or demo."""
    columns: Columns = Columns()
    """Columns of the table."""
    hidden: tuple[int, ...] = ()
    """Units of Dense layers between pooling and the last layer."""
    dropout: float = 0.2
    """Fraction of the features dropped before the last layer."""
    balance: Balance = "none"
    """For rare classes: weights gives them more weight in the loss, sample shows their pictures more often."""
    focal: float = 0.0
    """Exponent of the focal loss, which passes over what is easy; 0 for plain cross-entropy, 2 is usual."""


DEMO = Config(
    **pictures.DEMO,
    image_size=(96, 96),
    augment="none",
    head=Phase(epochs=10, learning_rate=3e-3, schedule="cosine"),
    tune=Phase(epochs=10, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Without `--data`: scikit-learn's handwritten digits and tfft's own demo weights, no network access."""

SMOKE = replace(DEMO, **pictures.SMOKE)


def load_data(config: Config, backbone: keras.Model | None = None) -> Splits:
    """Pictures of every split, and the index of the class of each."""
    found = data.find_pictures(config.data, config.columns)
    return pictures.load_data(config, found, balanced=config.balance == "sample")


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: Pictures | None = None
) -> tuple[keras.Model, Task]:
    """A softmax head on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, labels)."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    x = keras.layers.GlobalAveragePooling2D(name="head_pool")(backbone.output)
    x = models.hidden_layers(x, config.hidden)
    x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    # float32, for half precision would round small probabilities away
    outputs = keras.layers.Dense(len(labels), activation="softmax", dtype="float32", name="head_predictions")(x)
    model = keras.Model(backbone.inputs[0], outputs, name=backbone.name)
    weights = data.class_weights(train, config.balance)
    return model, models.single_label(labels, weights=weights, focal=config.focal)


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> Evaluation:
    """Accuracy, macro F1 and a confusion matrix of every split, with the probabilities behind them."""
    return evaluation.score_splits(
        splits,
        training.predict(model, splits, plan),
        lambda examples, found: evaluation.single_label_scores(examples.targets, found, splits.labels),
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """The confusion matrix, mistakes and right answers."""
    return reporting.class_figures(splits, evaluation)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
