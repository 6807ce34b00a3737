"""What all recipes for texts share: settings, encoder, reading and saving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tfft import data, evaluation, models, serving, training
from tfft.data import Balance, Length, PairColumns
from tfft.errors import ConfigError
from tfft.fields import check_fields, documented
from tfft.models import DecoderSize, Search
from tfft.store import Storage
from tfft.tracking import TrackFields
from tfft.training import AdviceFields, Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Record, Splits, Texts
    from tfft.models import Encoder, Task
    from tfft.training import Plan

    Backbone = str | Encoder
else:
    Backbone = str  # on the command line; TensorFlow is not imported to answer --help


@dataclass(frozen=True)
class Config(AdviceFields, models.PrecisionFields, evaluation.AcceptFields, TrackFields):
    """Settings of every recipe for texts."""

    data: str = "demo:text"
    """Path of the texts."""
    val_fraction: float = 0.15
    """Fraction for validation, if the data have no val split."""
    test_fraction: float = 0.15
    """Fraction for testing, if the data have no splits."""
    bad_texts: Literal["auto", "skip", "stop"] = "auto"
    """Texts that are empty or not UTF-8: auto skips and lists up to 1 in 100, and stops at more."""
    leaks: Literal["drop", "stop", "accept"] = "drop"
    """Texts that are in two of the data's own splits: drop them from training, stop the run, or accept it."""
    length: Length = "auto"
    """Tokens that texts are cut to; auto keeps 99 of 100 texts whole, up to the maximum of the network."""
    store: Storage = Storage()
    """Where results of frozen layers are stored."""
    backbone: Backbone = "bert_small_en_uncased"
    """Network: a KerasHub preset, a folder in KerasHub or Hugging Face format, or demo; in Python also an Encoder."""
    batch_size: int = 32
    """Texts in a training batch."""
    head: Phase = Phase(epochs=10, learning_rate=3e-3, optimizer="auto")
    """First phase: the encoder is frozen, the head is solved or trained."""
    tune: Phase = Phase(
        epochs=5,
        learning_rate=5e-4,
        optimizer="adamw",
        schedule="cosine",
        head_rate=0.1,
        average=1.0,
        unfreeze="most",
        patience="auto",
    )
    """Second phase: the top blocks of the encoder are trained too. The rate suits small encoders; for one of the width
    of BERT-base (768), start at 5e-5."""
    seed: int = 0
    """Random seed of the split, the initial weights and the order."""
    changed_data: Literal["stop", "accept"] = "stop"
    """What to do if the data have changed when a run is resumed: stop, or accept them as they are now."""
    out: str | None = None
    """New folder for the results; by default a new one in runs/."""

    def __post_init__(self) -> None:
        check_fields(self)

    def __init_subclass__(cls) -> None:
        documented(cls)


@dataclass(frozen=True)
class SequenceConfig(Config):
    """Settings of every recipe that generates texts."""

    columns: PairColumns = PairColumns()
    """Columns of the table, keys of the JSON lines, or endings of line-by-line files."""
    val_fraction: float = 0.05
    test_fraction: float = 0.05
    bad_texts: Literal["auto", "skip", "stop"] = "auto"
    """Texts that are empty, not UTF-8 or without a target: auto skips and lists up to 1 in 100, and stops at more."""
    target_length: Length = "auto"
    """Tokens that targets are cut to, and the most that are generated."""
    backbone: Backbone = "bert_small_en_uncased"
    """Encoder, BART or T5: a KerasHub preset, a folder in KerasHub or Hugging Face format, or demo."""
    decoder: DecoderSize = DecoderSize()
    """Size of a new decoder."""
    smoothing: float = 0.1
    """Label smoothing."""
    search: Search = Search()
    """How texts are generated."""
    head: Phase = Phase(epochs=6, learning_rate=1e-3, optimizer="adamw", schedule="noam", clip_norm=1.0)
    """First phase: the encoder is frozen, the decoder is trained; a pretrained one needs a smaller learning rate."""
    tune: Phase = Phase(epochs=4, learning_rate=3e-4, optimizer="adamw", schedule="cosine", clip_norm=1.0, unfreeze=2)


DEMO: dict[str, Any] = {"backbone": "demo"}
"""A small encoder with random weights."""
SEQUENCE_DEMO: dict[str, Any] = {
    **DEMO,
    "decoder": DecoderSize(layers=2, width=128, feedforward=256, vocabulary=400),
    "head": Phase(epochs=1, learning_rate=1e-3),
    "tune": Phase(epochs=20, learning_rate=2e-3, optimizer="adamw", schedule="cosine", clip_norm=1.0, unfreeze="all"),
}
"""A small encoder with random weights, and a small decoder."""
ONCE = Phase(epochs=1, optimizer="sgd")  # the quickest to trace
SMOKE: dict[str, Any] = {"head": ONCE, "tune": Phase(epochs=1, optimizer="sgd", unfreeze=1)}
"""The smallest run, for tests."""
SEQUENCE_SMOKE: dict[str, Any] = {
    **SMOKE,
    "decoder": DecoderSize(layers=1, width=16, heads=2, feedforward=16, vocabulary=60),
    "search": Search(beams=2),
}
"""The smallest run with a decoder, for tests."""

Find = Callable[[Any], Sequence["Record"]]
"""From the settings of a recipe to the records of its data."""


def deal(config: Config, records: Sequence[Record]) -> list[Record]:
    """Assigns the texts to splits."""
    return data.assign_splits(
        records,
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        leaks=config.leaks,
    )


def build_backbone(config: Config, find_data: Find) -> Encoder:
    """The frozen encoder with its tokenizer; checks that the phases fit it.

    Args:
        config: The settings.
        find_data: Finds the data of the recipe; the vocabulary of the demo encoder is made from its training texts.
    """
    trained = []
    if config.backbone == "demo":
        trained = [one for one in deal(config, find_data(config)) if one.split == "train"]
    # a new decoder needs features that have seen the whole text
    causal = not isinstance(config, SequenceConfig)
    encoder = models.load_encoder(config.backbone, texts=data.usable_texts(trained), causal=causal)
    if encoder.causal and getattr(config, "pooling", None) == "first":
        raise ConfigError(
            f"`--pooling first` sees no text: in {encoder.model.name} a token sees only those before it",
            fix="Set `--pooling last`",
        )
    usual_rate = encoder.decoder and encoder.decoder.usual_rate
    training.check_phases(encoder.model, {"head": config.head, "tune": config.tune}, usual_rate=usual_rate)
    return encoder


def load_data(config: Config, records: Sequence[Record], encoder: Encoder, *, balance: Balance = "none") -> Splits:
    """Assigns texts with classes to splits and tokenizes them."""
    records = deal(config, records)
    splits = data.read_texts(
        records,
        encoder,
        length=config.length,
        bad_texts=config.bad_texts,
        sampling=data.sampling_of(balance),
        form=data.Form(labels=getattr(config.data, "order", None)),
    )
    return replace(splits, findings=data.audit_texts(records))


def load_pairs(config: SequenceConfig, records: Sequence[Record], encoder: Encoder) -> Splits:
    """Assigns texts with references to splits and tokenizes them.

    References are tokenized for the decoder: with the tokenizer of a pretrained one, or for a new decoder with
    subwords learned from the training split.
    """
    records = deal(config, records)
    firsts = (text for record in records if record.split == "train" for text in record.truth.texts[:1])
    pieces = models.subwords_for(encoder, firsts, config.decoder.vocabulary)
    splits = data.read_texts(
        records,
        encoder,
        length=config.length,
        bad_texts=config.bad_texts,
        form=data.Form(pieces=pieces, length=config.target_length),
    )
    return replace(splits, findings=data.audit_texts(records))


def build_sequence_model(config: SequenceConfig, encoder: Encoder, train: Texts) -> tuple[keras.Model, Task]:
    """A decoder on a frozen encoder: tokens, and the beginning of the output, to logits of its next tokens."""
    longest = train.targets.shape[1]
    model = models.attach_decoder(encoder, config.decoder, train.pieces, longest=longest)
    task = models.sequence(train.pieces, longest=longest, smoothing=config.smoothing, search=config.search)
    return model, task


def save(config: Config, encoder: Encoder, plan: Plan, folder: Path) -> serving.Contract:
    """Writes `model.keras`, which takes strings, and `serving.json`."""
    return _save(config, encoder, plan, folder, column=config.columns.text)


def save_sequence(config: SequenceConfig, encoder: Encoder, plan: Plan, folder: Path) -> serving.Contract:
    """Writes the files of `save`; `serving.json` then has the search and the subwords of a new decoder, too."""
    train = plan.splits.train
    generation = serving.Generation(train.targets.shape[1], config.search, train.pieces.learned_file)
    return _save(config, encoder, plan, folder, column=config.columns.source, generation=generation)


def _save(
    config: Config,
    encoder: Encoder,
    plan: Plan,
    folder: Path,
    *,
    column: str,
    generation: serving.Generation | None = None,
) -> serving.Contract:
    val, given = plan.splits.val, []
    if plan.task.given is not None:
        given = [val.targets[:8]]
    length = plan.splits.train.inputs.shape[1]
    whole = models.from_strings(plan.model, encoder, length)

    def expected() -> Any:
        return plan.model.predict([val.inputs[:8], *given] if given else val.inputs[:8], verbose=0)

    sample = [val.texts[:8], *given] if given else val.texts[:8]
    contract = serving.Contract(tuple(plan.splits.labels), serving.TextInput(length, column), generation)
    return serving.save_model(whole, contract, folder, sample=sample, expected=expected)
