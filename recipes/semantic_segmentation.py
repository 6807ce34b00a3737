"""Fine-tune a pretrained network to give a class to each pixel of a picture.

1. Read the pictures with their masks and split them; equal pictures stay on one side.
2. Put a light decoder on four scales of a frozen backbone of `keras.applications` and train it (phase `head`).
3. Unfreeze the top stages and train them with a smaller rate (phase `tune`); BatchNorm stays frozen.
   What is frozen is computed once for each picture and view, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, score every split, write the report and `model.keras`, which takes pictures
   of any size and answers at that size.

Commands:

    python -m recipes.semantic_segmentation
    python -m recipes.semantic_segmentation --data streets/ --classes '{"0": "road", "1": "car", "2": "sky"}'
    python -m recipes.semantic_segmentation --data pets/ --masks trimaps --table list.csv
    python -m recipes.semantic_segmentation --data wounds/ --dice 1 --augment strong

Results: in the README.

References: Ronneberger, Fischer and Brox 2015, "U-Net", arXiv:1505.04597; Long, Shelhamer and Darrell 2015, "Fully
convolutional networks for semantic segmentation", arXiv:1411.4038.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.data import Balance
from tfft.fields import JsonObject
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

    data: str = "demo:masks"
    """Folder with images/ and masks/, directly or under train/, val/ and test/; or demo:masks."""
    masks: str = "masks"
    """Name of the folder with the masks: PNG files, a number for each pixel, named as their pictures."""
    table: str | None = None
    """A .csv file in the folder with the columns name and, perhaps, split and group."""
    classes: JsonObject = field(default_factory=dict)
    """Names of the numbers in the masks, such as '{"1": "road"}'; by default those found, named by themselves."""
    ignore: tuple[int, ...] | None = None
    """Numbers of pixels that count for nothing; by default 255, where there are two other numbers."""
    bad_files: Literal["stop", "skip"] = "stop"
    """What to do with files that do not decode, and masks that do not fit their picture."""
    image_size: tuple[int, int] = (288, 288)
    """Height and width in pixels."""
    balance: Balance = "none"
    """For rare classes: weights gives them more weight in the loss, sample shows their pictures more often."""
    dice: float = 0.0
    """How much of the Dice loss is added, which looks at the overlap of each class, however small; 1 is usual."""
    focal: float = 0.0
    """Exponent of the focal loss, which passes over what is easy; 0 for plain cross-entropy, 2 is usual."""
    batch_size: int = 8
    """Pictures in a training batch; small, so that few pictures make many steps."""
    head: Phase = Phase(epochs=3, learning_rate=1e-3)
    """First phase: the backbone is frozen."""
    tune: Phase = Phase(epochs=12, learning_rate=4e-4, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top stages of the backbone are trained too."""


DEMO = Config(
    **pictures.DEMO,
    image_size=(128, 128),
    flip=False,
    views=4,
    head=Phase(epochs=3, learning_rate=3e-3),
    tune=Phase(epochs=12, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Without `--data`: scenes of handwritten digits, the class of each pixel, and tfft's own demo weights."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def load_data(config: Config, backbone: keras.Model | None = None) -> Splits:
    """Pictures of every split, and the index of the class of each pixel."""
    names = {"masks": config.masks, "table": config.table, "classes": config.classes, "ignore": config.ignore}
    found = data.find_masks(config.data, **names)
    return pictures.load_data(config, found, balanced=config.balance == "sample")


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: Pictures | None = None
) -> tuple[keras.Model, Task]:
    """A decoder on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, height, width, labels)."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    model = keras.Model(backbone.inputs[0], models.pixel_maps(backbone, labels), name=backbone.name)
    options = {"weights": data.pixel_weights(train, config.balance), "focal": config.focal, "dice": config.dice}
    return model, models.pixel_labels(labels, config.image_size, **options)


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> Evaluation:
    """Pixel accuracy and mean IoU of every split, with the confusion matrices of the pictures behind them."""
    return evaluation.score_splits(
        splits,
        training.predict(model, splits, plan, keep=evaluation.confusions),
        lambda examples, found: evaluation.segmentation_scores(found, splits.labels),
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """The worst, some typical and the best pictures, beside truth and answer."""
    return reporting.mask_figures(splits, evaluation, model)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
