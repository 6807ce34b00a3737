"""Detect objects in pictures: a box, a class and a score for each object.

Phase `head` trains a feature pyramid with an anchor-free head on a frozen backbone of `keras.applications`: a heat map
of centres for each class, and the distances to the four sides. Phase `tune` trains the top stages of the backbone too.
The saved model takes pictures of any size and predicts boxes in their pixels.

Commands:

    python -m recipes.object_detection
    python -m recipes.object_detection --data cards/ --no-flip
    python -m recipes.object_detection --data faces/ --image-size 384 --backbone ResNet50
    python -m recipes.object_detection --data annotations.json --balance oversample

Results: playing cards: mAP50 0.966 (0.957 to 0.971, three seeds), mAP75 0.870, 174 s on two CPU cores.
References: Zhou et al. 2019, "Objects as points", arXiv:1904.07850; Liu et al. 2019, "TTFNet", arXiv:1909.00700.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
from tfft.fields import Size
from tfft.training import Phase

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Config(pictures.Config):
    data: str = "demo:boxes"
    """Folder in Pascal VOC, YOLO or COCO format, with or without train/, val/ and test/; or a COCO .json file."""
    image_size: Size = (320, 320)
    stride: Literal["auto", 4, 8, 16] = "auto"
    """Pixels between two possible box centres; auto lets nearly all boxes span three of them."""
    balance: Literal["none", "oversample", "undersample"] = "none"
    """Rare classes: show pictures of rare ones more often (oversample), or of common ones less often (undersample)."""
    batch_size: int = 8
    head: Phase = Phase(epochs=4, learning_rate=1e-3)
    tune: Phase = Phase(epochs=32, learning_rate=1e-3, optimizer="adamw", schedule="cosine", average=1.0, unfreeze=3)


DEMO = Config(
    **pictures.SCENES,
    head=Phase(epochs=3, learning_rate=1e-3),
    tune=Phase(epochs=16, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Runs without `--data`: scenes of handwritten digits, with a box around each."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def find_data(config: Config) -> list[data.Record]:
    """The pictures with their boxes."""
    return data.find_boxes(config.data)


def load_data(config: Config, backbone: keras.Model | None = None) -> data.Splits:
    """Pictures of every split, and the boxes of each in pixels, with the index of their class."""
    return pictures.load_data(config, find_data(config), balance=config.balance)


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: data.Pictures | None = None
) -> tuple[keras.Model, models.Task]:
    """A feature pyramid on a frozen backbone, (batch, height, width, 3) in [0, 255] to maps, see `models.box_maps`."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    fitting = models.fitting_stride(train.targets if train else None)
    stride = fitting if config.stride == "auto" else config.stride
    model = keras.Model(backbone.inputs[0], models.box_maps(backbone, labels, stride), name=backbone.name)
    score = evaluation.mean_average_precisions
    return model, models.object_boxes(labels, pictures.size_of(config), stride=stride, score=score)


def evaluate(model: keras.Model, splits: data.Splits, plan: training.Plan | None = None) -> evaluation.Evaluation:
    """Mean average precision of every split, with the best thresholds on validation."""
    return evaluation.detection(splits, training.predict(model, splits, plan))


def figures(model: keras.Model, splits: data.Splits, scored: evaluation.Evaluation) -> list[reporting.Figure]:
    """Worst, typical and best pictures with true and predicted boxes."""
    return reporting.box_figures(splits, scored)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save, find_data)


def run(config: Config) -> workflow.Result:
    """Trains, evaluates and saves a model in a run folder."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
