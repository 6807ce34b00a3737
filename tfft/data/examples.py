"""The examples of a run, pictures or texts, and the list of labels that all splits share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfft.data.augmentation.changes import Augmentation, augmented
from tfft.data.batching.layout import Layout
from tfft.data.batching.order import epoch_order, shown_per_epoch
from tfft.data.batching.widths import ByWidth, Tokens, positions_by_width
from tfft.data.choices import Sampling
from tfft.data.findings import Finding
from tfft.data.indexing import Indexable
from tfft.errors import ConfigError
from tfft.store import Rows


class Part(NamedTuple):
    """Examples of one split that pass through a network in one shape: all pictures, or the texts of one width."""

    width: int | None
    """Number of tokens that each text is padded to; None for pictures."""
    positions: np.ndarray | slice
    """Positions of the examples in their split."""

    def of(self, keys: Sequence[str]) -> Sequence[str]:
        """The keys of the examples in this part, from the keys of all examples."""
        if isinstance(self.positions, slice):
            return keys[self.positions]
        return [keys[position] for position in self.positions]


@dataclass(frozen=True)
class Pictures:
    """The pictures of one split, in one fixed order."""

    inputs: np.ndarray | Rows = field(repr=False)
    """(examples, height, width, 3), uint8, in [0, 255]: an array, or rows of the store, which are read on access."""
    targets: np.ndarray | Indexable = field(repr=False)
    """Targets, (examples, ...); see `tfft.data.truths` for each task."""
    ids: list[str] = field(repr=False)
    """Content digest of each example, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Origin of each example."""
    counts: list[int] = field(default_factory=list)
    """How often each of `Splits.labels` occurs; empty, or zeros, if the task has no classes."""
    rarity: np.ndarray | None = field(default=None, repr=False)
    """(examples,), float: one over the count of the rarest class in each example; None if the task has no classes."""

    noun: ClassVar[str] = "pictures"
    packages: ClassVar[tuple[str, ...]] = ()
    """Further packages that affect the last bits of a network's output."""
    one_shape: ClassVar[bool] = True
    """Whether all batches have the same shape, so that one compiled graph fits them all."""
    usual_width: ClassVar[None] = None
    longest: ClassVar[None] = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def layout(self) -> Layout:
        """Layout of the inputs."""
        return Layout((tuple(self.inputs.shape[1:]),), np.dtype(self.inputs.dtype).name)

    @property
    def rows(self) -> Indexable:
        """The inputs, indexable by an array of positions."""
        return self.inputs

    @property
    def order(self) -> np.ndarray:
        """Order of evaluation, (examples,): unchanged."""
        return np.arange(len(self))

    @property
    def parts(self) -> list[Part]:
        """A single part with all pictures."""
        return [Part(None, slice(None))]

    def epoch_order(self, seed: int, epoch: int, *, group: int, sampling: Sampling) -> np.ndarray:
        """The order of the examples in one epoch, see `epoch_order`."""
        return epoch_order(len(self), seed, epoch, rarity=self.rarity, sampling=sampling)

    def seen(self, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs after a view is applied."""
        return view(self.inputs)

    def part_seen(self, part: Part, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs of a part after a view is applied."""
        return view(self.inputs)

    def joined(self, rows: Mapping[int | None, Indexable], layout: Layout) -> Indexable:
        """The results of all parts, indexable by the positions of the examples."""
        return rows[None]

    def store_key(self, part: Part) -> dict[str, Any]:
        """How the pictures were decoded: it determines the inputs together with their content."""
        return {"pictures": self.inputs.name if isinstance(self.inputs, Rows) else f"arrays {self.inputs.shape[1:]}"}

    def contents(self) -> Iterator[np.ndarray]:
        """The content of each example, for its digest."""
        return iter(self.inputs)

    def check(self, augmentation: Augmentation) -> None:
        """Raises `ConfigError` unless the pictures are uint8 and one of them can be augmented."""
        if self.inputs.dtype != "uint8":
            raise ConfigError(
                f"Pictures must be uint8 in [0, 255] (got {self.inputs.dtype})",
                fix="Convert them: `.astype('uint8')`",
            )
        if augmentation.own is not None and len(self):
            augmented(self.inputs[np.arange(1)][0], augmentation, np.random.default_rng(0))


@dataclass(frozen=True)
class Texts:
    """The texts of one split as tokens, in one fixed order."""

    inputs: np.ndarray = field(repr=False)
    """Tokens, (examples, most), int32, padded."""
    targets: np.ndarray | Indexable = field(repr=False)
    """Targets, (examples, ...): the index of a class, or the tokens of the first reference."""
    ids: list[str] = field(repr=False)
    """Content digest of each example, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Origin of each example."""
    widths: np.ndarray = field(repr=False)
    """(examples,), int: number of tokens that each text is padded to, see `tfft.data.batching.widths`."""
    counts: list[int] = field(default_factory=list)
    """How often each of `Splits.labels` occurs; empty if the task has no classes."""
    rarity: np.ndarray | None = field(default=None, repr=False)
    """(examples,), float: one over the count of the class of each example; None if the task has no classes."""
    texts: np.ndarray | None = field(default=None, repr=False)
    """(examples,), the original texts."""
    references: Sequence[Sequence[str]] | None = field(default=None, repr=False)
    """One or several reference texts for each example; None if the target is a class."""
    pieces: Any = field(default=None, repr=False)
    """The tokenizer of the references (`tfft.models.Subwords`); None if the target is a class."""

    noun: ClassVar[str] = "texts"
    packages: ClassVar[tuple[str, ...]] = ("keras-hub",)
    """Further packages that affect the last bits of a network's output."""
    one_shape: ClassVar[bool] = False
    """Whether all batches have the same shape, so that one compiled graph fits them all."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def layout(self) -> Layout:
        """Layout of the inputs."""
        return Layout(((None,),), np.dtype(self.inputs.dtype).name)

    @property
    def rows(self) -> Indexable:
        """The inputs, indexable by an array of positions; each result is as wide as its longest text."""
        return Tokens(self.inputs, self.widths)

    @property
    def order(self) -> np.ndarray:
        """Order of evaluation, (examples,): from the shortest to the longest."""
        return np.argsort(self.widths, kind="stable")

    @property
    def parts(self) -> list[Part]:
        """A part for each width, the shortest first."""
        return [Part(width, positions) for width, positions in positions_by_width(self.widths)]

    @property
    def usual_width(self) -> int:
        """The mean width."""
        return round(float(self.widths.mean()))

    @property
    def longest(self) -> int:
        """The greatest width that a text of any split can have."""
        return self.inputs.shape[1]

    def epoch_order(self, seed: int, epoch: int, *, group: int, sampling: Sampling) -> np.ndarray:
        """The order of the examples in one epoch, see `epoch_order`."""
        options = {"rarity": self.rarity, "sampling": sampling, "widths": self.widths, "group": group}
        return epoch_order(len(self), seed, epoch, **options)

    def seen(self, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs; texts have no views."""
        return self.rows

    def part_seen(self, part: Part, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs of a part, cut to its width."""
        return self.inputs[part.positions, : part.width]

    def joined(self, rows: Mapping[int | None, Indexable], layout: Layout) -> Indexable:
        """The results of all parts, indexable by the positions of the examples."""
        return ByWidth(self.widths, rows, layout)

    def store_key(self, part: Part) -> dict[str, Any]:
        """How far the texts are padded: it determines the inputs together with their content."""
        return {"width": part.width}

    def contents(self) -> Iterator[np.ndarray]:
        """The content of each example, for its digest."""
        return (row[:width] for row, width in zip(self.inputs, self.widths, strict=True))

    def check(self, augmentation: Augmentation) -> None:
        """Raises `ConfigError` if the texts are to be augmented."""
        if augmentation.active:
            raise ConfigError("Texts cannot be augmented", fix="Leave out `augmentation`")


Examples = Pictures | Texts
"""The examples of one split."""


@dataclass(frozen=True)
class Splits:
    """The examples of a run and the list of labels that all splits share."""

    train: Examples
    val: Examples
    test: Examples | None
    labels: list[str]
    notes: list[str] = field(default_factory=list)
    """Observations about the data, one sentence each."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Skipped examples, each with the reason."""
    augmentation: Augmentation = Augmentation()
    """How the views of training pictures are made, and how targets follow them."""
    sampling: Sampling = "all"
    """Whether an epoch shows every training example once. Validation and test always do."""
    original_size: tuple[int, int] | None = None
    """Median height and width of the pictures as they were, of a sample; None for texts."""
    truncated: float = 0.0
    """Share of the texts that are longer than what is read of them."""
    findings: list[Finding] = field(default_factory=list, repr=False)
    """What is odd about the examples, the most serious first."""

    @property
    def per_epoch(self) -> int:
        """Number of training examples that an epoch shows."""
        return shown_per_epoch(len(self.train), self.train.rarity, self.sampling)

    @property
    def class_shares(self) -> np.ndarray | None:
        """Mean number of training examples of each class that an epoch shows, (labels,); None if it shows every example
        once, or if an example has several classes."""
        rarity, classes = self.train.rarity, self.train.targets
        if self.sampling == "all" or rarity is None or not isinstance(classes, np.ndarray) or classes.ndim != 1:
            return None
        return self.per_epoch * np.bincount(classes, rarity, len(self.labels)) / rarity.sum()

    def items(self) -> Iterator[tuple[str, Examples]]:
        """The splits by name: train, val and, if it exists, test."""
        for name in ("train", "val", "test"):
            if (examples := getattr(self, name)) is not None:
                yield name, examples

    def counts(self) -> dict[str, list[int]]:
        """How often each label occurs in each split, in the order of `labels`."""
        return {name: examples.counts for name, examples in self.items()}
