"""Fine-tune a pretrained network to find objects in pictures: a box, a class and a score for each.

1. Read the pictures with their boxes and split them; equal pictures stay on one side.
2. Put a feature pyramid and a head without anchors on a frozen backbone of `keras.applications` and train them
   (phase `head`): a heat map of centres for each class, and the distances to the sides.
3. Unfreeze the top stages and train them with a smaller rate (phase `tune`); BatchNorm stays frozen.
   What is frozen is computed once for each picture and view, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, score every split, write the report and `model.keras`, which takes pictures
   of any size and answers with boxes in their pixels.

Commands:

    python -m recipes.object_detection
    python -m recipes.object_detection --data cards/ --no-flip
    python -m recipes.object_detection --data faces/ --image-size 384 384 --backbone ResNet50
    python -m recipes.object_detection --data annotations.json --balance sample

Results: in the README.

References: Zhou, Wang and Kraehenbuehl 2019, "Objects as points", arXiv:1904.07850; Liu et al. 2019, "Training-time-
friendly network for real-time object detection", arXiv:1909.00700.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, pictures, reporting, training, workflow
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

    data: str = "demo:boxes"
    """Folder in Pascal VOC, YOLO or COCO form, directly or under train/, val/ and test/; a COCO .json; demo:boxes."""
    bad_files: Literal["stop", "skip"] = "stop"
    """What to do with files that do not decode, and boxes that do not fit their picture."""
    image_size: tuple[int, int] = (320, 320)
    """Height and width in pixels."""
    stride: Literal["auto", 4, 8, 16] = "auto"
    """Pixels between two places where a centre may be; auto: so fine that nearly all boxes span three of them."""
    balance: Literal["none", "sample"] = "none"
    """For rare classes: sample shows their pictures more often."""
    batch_size: int = 8
    """Pictures in a training batch; small, so that few pictures make many steps."""
    head: Phase = Phase(epochs=4, learning_rate=1e-3)
    """First phase: the backbone is frozen."""
    tune: Phase = Phase(epochs=32, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top stages of the backbone are trained too."""


DEMO = Config(
    **pictures.DEMO,
    image_size=(128, 128),
    flip=False,
    views=4,
    head=Phase(epochs=3, learning_rate=1e-3),
    tune=Phase(epochs=16, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze=2),
)
"""Without `--data`: scenes of handwritten digits, a box around each, and tfft's own demo weights."""

SMOKE = replace(DEMO, **pictures.SHALLOW)


def load_data(config: Config, backbone: keras.Model | None = None) -> Splits:
    """Pictures of every split, and the boxes of each in pixels, with the index of their class."""
    return pictures.load_data(config, data.find_boxes(config.data), balanced=config.balance == "sample")


def build_model(
    config: Config, labels: list[str], backbone: keras.Model | None = None, train: Pictures | None = None
) -> tuple[keras.Model, Task]:
    """A feature pyramid on a frozen backbone, (batch, height, width, 3) in [0, 255] to maps, see `models.box_maps`."""
    import keras

    backbone = backbone or pictures.build_backbone(config)
    fitting = models.fitting_stride(train.targets if train else None)
    stride = fitting if config.stride == "auto" else config.stride
    model = keras.Model(backbone.inputs[0], models.box_maps(backbone, labels, stride), name=backbone.name)
    score = evaluation.mean_average_precisions
    return model, models.object_boxes(labels, config.image_size, stride=stride, score=score)


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> Evaluation:
    """Mean average precision of every split, with the thresholds that are best on validation."""
    predictions = training.predict(model, splits, plan)
    thresholds = evaluation.best_box_thresholds(splits.val.targets, predictions["val"], splits.labels)
    return evaluation.score_splits(
        splits,
        predictions,
        lambda examples, found: evaluation.detection_scores(examples.targets, found, splits.labels, thresholds),
        thresholds,
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """The worst, some typical and the best pictures, truth and answer drawn."""
    return reporting.box_figures(splits, evaluation)


RECIPE = workflow.Recipe(load_data, pictures.build_backbone, build_model, evaluate, figures, pictures.save)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
