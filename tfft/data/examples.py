"""The examples of a run, pictures or texts, and the one list of labels that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tfft.data.augmentation.changes import Augmentation
from tfft.data.batching.layout import Layout
from tfft.data.batching.order import epoch_order
from tfft.data.batching.widths import ByWidth, Tokens, positions_by_width
from tfft.data.indexing import Indexable
from tfft.errors import ConfigError
from tfft.store import Rows


class Part(NamedTuple):
    """Examples of one split that go through a network in one shape: all pictures, or the texts of one width."""

    width: int | None
    """Tokens that each text is padded to; None for pictures."""
    positions: np.ndarray | slice
    """Of the examples."""

    def of(self, keys: Sequence[str]) -> Sequence[str]:
        """Those of all keys that are of this part."""
        return keys[self.positions] if isinstance(self.positions, slice) else [keys[place] for place in self.positions]


@dataclass(frozen=True)
class Pictures:
    """The pictures of one split, in one fixed order."""

    inputs: np.ndarray | Rows = field(repr=False)
    """(examples, height, width, 3), uint8, in [0, 255]: an array, or rows of the store, read when asked for."""
    targets: np.ndarray | Indexable = field(repr=False)
    """What a model should answer, (examples, ...); see `tfft.data.truths` for each task."""
    ids: list[str] = field(repr=False)
    """Content digest of each example, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Where each came from."""
    counts: list[int] = field(default_factory=list)
    """How often each of `Splits.labels` is shown; empty, or zeros, where nothing is counted."""
    rarity: np.ndarray | None = field(default=None, repr=False)
    """(examples,), float: one over the count of the rarest class of each; None where nothing is counted."""

    noun: ClassVar[str] = "pictures"
    packages: ClassVar[tuple[str, ...]] = ()
    """Further packages that decide the last bits of what a network makes of them."""
    one_shape: ClassVar[bool] = True
    """Whether all batches have one shape, which a compiler likes."""
    usual_width: ClassVar[None] = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def layout(self) -> Layout:
        """Of the inputs."""
        return Layout((tuple(self.inputs.shape[1:]),), np.dtype(self.inputs.dtype).name)

    @property
    def rows(self) -> Indexable:
        """The inputs, indexable by an array of positions."""
        return self.inputs

    @property
    def order(self) -> np.ndarray:
        """The order in which they are evaluated, (examples,): their own."""
        return np.arange(len(self))

    @property
    def parts(self) -> list[Part]:
        """One, of all pictures."""
        return [Part(None, slice(None))]

    def epoch_order(self, seed: int, epoch: int, *, group: int, balanced: bool) -> np.ndarray:
        """The order of the examples in one epoch, see `epoch_order`."""
        return epoch_order(len(self), seed, epoch, self.rarity if balanced else None)

    def seen(self, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs as a view shows them."""
        return view(self.inputs)

    def part_seen(self, part: Part, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs of a part, as a view shows them."""
        return view(self.inputs)

    def joined(self, rows: Mapping[int | None, Indexable], layout: Layout) -> Indexable:
        """What was made of all parts, indexable by the positions of the examples."""
        return rows[None]

    def store_key(self, part: Part) -> dict[str, Any]:
        """What decides the inputs beside their content: how they were decoded."""
        return {"pictures": self.inputs.name if isinstance(self.inputs, Rows) else f"arrays {self.inputs.shape[1:]}"}

    def contents(self) -> Iterator[np.ndarray]:
        """What each example holds, to be digested."""
        return iter(self.inputs)

    def check(self) -> None:
        """Raises `ConfigError` unless they are uint8."""
        if self.inputs.dtype != "uint8":
            raise ConfigError(
                "Pictures are uint8, in [0, 255]", received=self.inputs.dtype, fix="Convert them: `.astype('uint8')`"
            )


@dataclass(frozen=True)
class Texts:
    """The texts of one split as tokens, in one fixed order."""

    inputs: np.ndarray = field(repr=False)
    """Tokens, (examples, most), int32, padded."""
    targets: np.ndarray | Indexable = field(repr=False)
    """What a model should answer, (examples, ...): the index of a class, or the tokens of the first reference."""
    ids: list[str] = field(repr=False)
    """Content digest of each example, 32 hexadecimal digits."""
    where: list[str] = field(repr=False)
    """Where each came from."""
    widths: np.ndarray = field(repr=False)
    """(examples,), int: tokens that each text is padded to, see `tfft.data.batching.widths`."""
    counts: list[int] = field(default_factory=list)
    """How often each of `Splits.labels` is shown; empty where nothing is counted."""
    rarity: np.ndarray | None = field(default=None, repr=False)
    """(examples,), float: one over the count of the class of each; None where nothing is counted."""
    texts: np.ndarray | None = field(default=None, repr=False)
    """(examples,), the texts as they were written."""
    references: Sequence[Sequence[str]] | None = field(default=None, repr=False)
    """What may be made of each text, one or several; None where the target is a class."""
    pieces: Any = field(default=None, repr=False)
    """The tokenizer of the references (`tfft.models.Subwords`); None where the target is a class."""

    noun: ClassVar[str] = "texts"
    packages: ClassVar[tuple[str, ...]] = ("keras-hub",)
    """Further packages that decide the last bits of what a network makes of them."""
    one_shape: ClassVar[bool] = False
    """Whether all batches have one shape, which a compiler likes."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def layout(self) -> Layout:
        """Of the inputs."""
        return Layout(((None,),), np.dtype(self.inputs.dtype).name)

    @property
    def rows(self) -> Indexable:
        """The inputs, indexable by an array of positions, cut to the longest that is asked for."""
        return Tokens(self.inputs, self.widths)

    @property
    def order(self) -> np.ndarray:
        """The order in which they are evaluated, (examples,): from the shortest to the longest."""
        return np.argsort(self.widths, kind="stable")

    @property
    def parts(self) -> list[Part]:
        """One for each width, the shortest first."""
        return [Part(width, positions) for width, positions in positions_by_width(self.widths)]

    @property
    def usual_width(self) -> int:
        """The mean width."""
        return round(float(self.widths.mean()))

    def epoch_order(self, seed: int, epoch: int, *, group: int, balanced: bool) -> np.ndarray:
        """The order of the examples in one epoch, see `epoch_order`."""
        return epoch_order(len(self), seed, epoch, self.rarity if balanced else None, widths=self.widths, group=group)

    def seen(self, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs; texts have no views."""
        return self.rows

    def part_seen(self, part: Part, view: Callable[[Indexable], Indexable]) -> Indexable:
        """The inputs of a part."""
        return self.inputs[part.positions, : part.width]

    def joined(self, rows: Mapping[int | None, Indexable], layout: Layout) -> Indexable:
        """What was made of all parts, indexable by the positions of the examples."""
        return ByWidth(self.widths, rows, layout)

    def store_key(self, part: Part) -> dict[str, Any]:
        """What decides the inputs beside their content: how far they are padded."""
        return {"width": part.width}

    def contents(self) -> Iterator[np.ndarray]:
        """What each example holds, to be digested."""
        return (row[:width] for row, width in zip(self.inputs, self.widths, strict=True))

    def check(self) -> None:
        """Texts that were read can be trained on."""


Examples = Pictures | Texts
"""The examples of one split."""


@dataclass(frozen=True)
class Splits:
    """The examples of a run and the one list of labels that all of them share."""

    train: Examples
    val: Examples
    test: Examples | None
    labels: list[str]
    notes: list[str] = field(default_factory=list)
    """What a person should know of the data, one sentence each."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Examples left out, with the reason."""
    augmentation: Augmentation = Augmentation()
    """How the views of training pictures differ from them, and how their targets follow."""
    balanced: bool = False
    """Whether an epoch draws examples by how rare their classes are, so that some come several times and some not at
    all."""

    def items(self) -> Iterator[tuple[str, Examples]]:
        """The splits there are, by name: train, val and perhaps test."""
        for name in ("train", "val", "test"):
            if (examples := getattr(self, name)) is not None:
                yield name, examples

    def counts(self) -> dict[str, list[int]]:
        """How often each label is shown in each split, in the order of `labels`."""
        return {name: examples.counts for name, examples in self.items()}
