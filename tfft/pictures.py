"""What all recipes for pictures share: settings, backbone, reading and saving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tfft import data, evaluation, models, serving, training
from tfft.data import Balance, Level, Views
from tfft.fields import JsonObject, Size, check_fields, documented
from tfft.store import Storage
from tfft.tracking import TrackFields
from tfft.training import AdviceFields, Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Record, Splits
    from tfft.data.augmentation.changes import Augment
    from tfft.training import Plan

    Backbone = str | keras.Model
else:
    Backbone = str  # on the command line; TensorFlow is not imported to answer --help


TUNE = Phase(
    epochs="auto",
    learning_rate=4e-4,
    optimizer="adamw",
    schedule="cosine",
    head_rate=0.1,
    average=1.0,
    unfreeze=2,
    patience="auto",
)
"""The second phase after a head that is solved."""


@dataclass(frozen=True)
class Config(AdviceFields, models.PrecisionFields, evaluation.AcceptFields, TrackFields):
    """Settings of every recipe for pictures."""

    data: str = "demo"
    """Path of the pictures."""
    val_fraction: float = 0.15
    """Fraction for validation, if the data have no val split."""
    test_fraction: float = 0.15
    """Fraction for testing, if the data have no splits."""
    bad_files: Literal["auto", "skip", "stop"] = "auto"
    """Unreadable pictures and annotations: auto skips and lists up to 1 in 100, and stops at more."""
    leaks: Literal["drop", "stop", "accept"] = "drop"
    """Pictures that are in two of the data's own splits: drop them from training, stop the run, or accept it."""
    image_size: Size = (224, 224)
    """Height and width in pixels; one number means both. Unless you change it, a network that takes only one size gets
    that size."""
    augment: Level = "light"
    """Augmentation of training pictures: flip, rotation, zoom, colour; strong adds RandAugment."""
    flip: bool = True
    """Whether augmentation may mirror pictures; not for text, or if left and right matter."""
    views: Views = "auto"
    """Augmented views of each training picture to store; fresh makes new ones every epoch; auto stores at most 12."""
    store: Storage = Storage()
    """Where results of frozen layers are stored."""
    backbone: Backbone = "MobileNetV2"
    """Network of keras.applications, or a .keras file that takes pixels in [0, 255]; in Python also a keras.Model."""
    backbone_options: JsonObject = field(default_factory=dict)
    """More arguments of the network, such as '{"alpha": 0.35}'."""
    weights: str = "imagenet"
    """imagenet, demo (comes with tfft, for trying things out), none (random), or a weights file without top layers."""
    batch_size: int = 32
    """Pictures in a training batch."""
    head: Phase = Phase(epochs=10, learning_rate=1e-3, optimizer="auto", views=1)
    """First phase: the backbone is frozen, the head is solved or trained."""
    tune: Phase = TUNE
    """Second phase: the top stages of the backbone are trained too."""
    seed: int = 0
    """Random seed of the split, the initial weights, the order and the augmentation."""
    changed_data: Literal["stop", "accept"] = "stop"
    """What to do if the data have changed when a run is resumed: stop, or accept them as they are now."""
    out: str | None = None
    """New folder for the results; by default a new one in runs/."""

    def __post_init__(self) -> None:
        if isinstance(self.image_size, int):  # one number means both, in Python too
            object.__setattr__(self, "image_size", (self.image_size, self.image_size))
        check_fields(self)

    def __init_subclass__(cls) -> None:
        documented(cls)


DEMO: dict[str, Any] = {"backbone_options": {"alpha": 0.35}, "weights": "demo"}
"""Settings of the backbone that comes with tfft."""
SCENES: dict[str, Any] = {**DEMO, "image_size": (128, 128), "flip": False, "views": 4}
"""Settings for scenes of handwritten digits."""
SUMS: dict[str, Any] = {
    **DEMO, "image_size": (192, 192), "augment": "strong", "flip": False, "views": 10, "batch_size": 32,
}  # fmt: skip
"""Settings for sums of handwritten digits."""
ONCE = Phase(epochs=1, optimizer="sgd")  # the quickest to trace
SMOKE: dict[str, Any] = {
    "image_size": (32, 32),
    "augment": "none",
    "head": ONCE,
    "tune": Phase(epochs=1, optimizer="sgd", unfreeze=1),
}
"""The smallest run, for tests."""
SHALLOW: dict[str, Any] = {**SMOKE, "backbone": "MobileNet", "weights": "none"}
"""The smallest run with a shallow network, which is quick to trace."""


def size_of(config: Config) -> tuple[int, int]:
    """Height and width of the pictures: `image_size`, or if it is the default, the only size that the network takes."""
    changed = config.image_size != type(config).image_size
    return tuple(config.image_size) if changed else models.own_size(config.backbone) or tuple(config.image_size)


def load_data(
    config: Config, records: Sequence[Record], *, balance: Balance = "none", augment: Augment | None = None
) -> Splits:
    """Assigns the pictures to splits and decodes them.

    Args:
        config: The settings.
        records: From a finder, such as `tfft.data.find_pictures`.
        balance: `"oversample"` shows rare classes more often, `"undersample"` common ones less often.
        augment: Your own augmentation of training pictures, `(picture, rng) -> picture`, applied after that of
            `config.augment`. Pictures are (height, width, 3), uint8; draw random numbers from the NumPy generator `rng`
            only. With boxes or masks, nothing in the picture may move.
    """
    augmentation = data.Augmentation(config.augment, config.flip, config.views, own=augment)
    marked = data.mark_near_duplicates(records, config.store)
    splits = data.read_pictures(
        data.assign_splits(
            marked,
            val_fraction=config.val_fraction,
            test_fraction=config.test_fraction,
            seed=config.seed,
            leaks=config.leaks,
        ),
        image_size=size_of(config),
        bad_files=config.bad_files,
        storage=config.store,
        augmentation=augmentation,
        sampling=data.sampling_of(balance),
        labels=getattr(config.data, "order", None),
    )
    notes = [*data.near_duplicates_note(marked), *([augmentation.note] if augmentation.note else [])]
    return replace(
        splits, notes=[*splits.notes, *notes], findings=data.audit_pictures(marked, config.store, size_of(config))
    )


def build_backbone(config: Config) -> keras.Model:
    """The frozen backbone, (batch, height, width, 3) in [0, 255] to feature maps; checks that the phases fit it."""
    backbone = models.load_backbone(
        config.backbone, image_size=size_of(config), weights=config.weights, options=config.backbone_options
    )
    training.check_phases(backbone, {"head": config.head, "tune": config.tune})
    return backbone


def save(config: Config, backbone: keras.Model, plan: Plan, folder: Path) -> serving.Contract:
    """Writes `model.keras`, which takes pictures, (batch, height, width, 3) in [0, 255], and `serving.json`."""
    model = plan.task.saved(plan.answering)
    column = getattr(getattr(config, "columns", None), "image", "path")
    takes = serving.PictureInput(size_of(config), config.flip, column)
    contract = serving.Contract(tuple(plan.splits.labels), takes)
    return serving.save_model(model, contract, folder, sample=plan.splits.val.inputs[:8])
