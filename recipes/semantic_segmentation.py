"""Segment pictures: a class for each pixel.

Phase `head` trains a light U-Net decoder on four scales of a frozen backbone, phase `tune` its top stages too.

Commands:

    python -m recipes.semantic_segmentation
    python -m recipes.semantic_segmentation --data streets/ --classes '{"0": "road", "1": "car", "2": "sky"}'

Results: Oxford pets, three breeds: mean IoU 0.768 (0.766 to 0.769, three seeds), 127 s on two CPU cores.
References: Ronneberger et al. 2015, "U-Net", arXiv:1505.04597; Long et al. 2015, "FCN", arXiv:1411.4038.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.fields import JsonObject, Size
from tfft.models import BalanceFields
from tfft.training import Phase

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Config(BalanceFields, pictures.Config):
    data: str = "demo:masks"
    """Folder with images/ and masks/, with or without train/, val/ and test/."""
    masks: str = "masks"
    """Name of the folder with the masks: PNG files that hold class numbers, named like their pictures."""
    table: str | None = None
    """Table in the folder that selects pictures: columns name and, optionally, split and group."""
    classes: JsonObject = field(default_factory=dict)
    """Names of the class numbers in the masks, such as '{"1": "road"}'; by default the numbers themselves."""
    ignore: tuple[int, ...] | None = None
    """Class numbers to ignore; by default 255, if there are at least two others."""
    image_size: Size = (288, 288)
    dice: float = 1.0
    """Weight of an added Dice loss, which counts small classes as much as large ones; 0 for none."""
    batch_size: int = 8
    head: Phase = Phase(epochs=3, learning_rate=1e-3)
    tune: Phase = Phase(epochs=12, learning_rate=4e-4, optimizer="adamw", schedule="cosine", unfreeze=3)


DEMO = Config(
    **pictures.SCENES,
    head=Phase(epochs=3, learning_rate=3e-3),
    tune=Phase(epochs=12, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Runs without `--data`: scenes of handwritten digits, with the class of each pixel."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def find_data(config: Config) -> list[data.Record]:
    """The pictures with their masks."""
    how = {"masks": config.masks, "table": config.table, "classes": config.classes, "ignore": config.ignore}
    return data.find_masks(config.data, **how)


def load_data(config: Config, backbone: keras.Model | None = None) -> data.Splits:
    """Pictures of every split, and the index of the class of each pixel."""
    return pictures.load_data(config, find_data(config), balance=config.balance)


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: data.Pictures | None = None
) -> tuple[keras.Model, models.Task]:
    """A decoder on a frozen backbone: (batch, height, width, 3) in [0, 255] to (batch, height, width, labels)."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    model = keras.Model(backbone.inputs[0], models.pixel_maps(backbone, labels), name=backbone.name)
    options = {**data.pixel_balance(train, config.balance), "dice": config.dice}
    return model, models.pixel_labels(labels, pictures.size_of(config), **options)


def evaluate(model: keras.Model, splits: data.Splits, plan: training.Plan | None = None) -> evaluation.Evaluation:
    """Pixel accuracy and mean IoU of every split."""
    return evaluation.segmentation(splits, training.predict(model, splits, plan, keep=evaluation.confusions))


def figures(model: keras.Model, splits: data.Splits, scored: evaluation.Evaluation) -> list[reporting.Figure]:
    """Worst, typical and best pictures with true and predicted masks."""
    return reporting.mask_figures(splits, scored, model)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save, find_data)


def run(config: Config) -> workflow.Result:
    """Trains, evaluates and saves a model in a run folder."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
