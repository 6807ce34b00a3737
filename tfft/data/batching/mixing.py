"""Mixed examples: each example of a batch with a share of another one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tfft.data.batching.layout import Layout

MIXED = 77
"""Last part of the seed of a batch, so that what it draws is not what the order of the epoch draws."""


@dataclass(frozen=True)
class Mixing:
    """Mixup (Zhang et al. 2018, arXiv:1710.09412) and CutMix (Yun et al. 2019, arXiv:1905.04899).

    Where the tensors are outputs of frozen layers, this is manifold mixup (Verma et al. 2019, arXiv:1806.05236). Who is
    mixed with whom, and by which share, is a pure function of the seed, the epoch and the batch.
    """

    seed: int
    mixup: float
    """Shares are from Beta(mixup, mixup); 0 for none."""
    cutmix: float
    """The same for CutMix. If neither is 0, each batch draws one of both."""
    targets: Literal["pairs", "sums"]
    """Whether targets become `pairs`, or sums weighted by the shares."""
    layout: Layout
    """Of the tensors. Where texts have a mask, one number for each token, it is the union of both."""

    def __call__(
        self, epoch: int, step: int, tensors: Sequence[np.ndarray], targets: np.ndarray
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """The tensors of a batch, (batch, ...) each, and its targets, mixed; float32."""
        rng = np.random.default_rng((self.seed, epoch, step, MIXED))
        count, partners = len(targets), rng.permutation(len(targets))
        cuts = self.cutmix > 0 and (self.mixup == 0 or rng.random() < 0.5)
        shares = rng.beta(self.cutmix, self.cutmix, count) if cuts else rng.beta(self.mixup, self.mixup, count)
        patches = Patches.drawn(shares, rng) if cuts else None
        if patches is not None:
            # the finest map decides, since a patch covers whole places of each
            shares = patches.left(max((t.shape[1:3] for t in tensors if t.ndim == 4), key=math.prod))
        shares = shares.astype(np.float32)
        tensors = self._known(tensors)
        mixed = [
            np.maximum(tensor, tensor[partners])
            if shape == (None,)
            else _sum(tensor, partners, shares)
            if patches is None or tensor.ndim != 4
            else patches.pasted(tensor, tensor[partners])
            for tensor, shape in zip(tensors, self.layout.shapes, strict=True)
        ]
        return mixed, (pairs if self.targets == "pairs" else _sum)(targets, partners, shares)

    def _known(self, tensors: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The tensors as float32, those of texts with 0 where the mask hides them."""
        tensors = [tensor.astype(np.float32, copy=False) for tensor in tensors]
        masks = [t for t, shape in zip(tensors, self.layout.shapes, strict=True) if shape == (None,)]
        if not masks:
            return tensors
        return [tensor * masks[0][..., None] if tensor.ndim == 3 else tensor for tensor in tensors]


@dataclass(frozen=True)
class Patches:
    """A rectangle for each example, in fractions of the height and the width."""

    low: np.ndarray
    """Top and left, (2, batch)."""
    high: np.ndarray
    """Bottom and right, (2, batch)."""

    @classmethod
    def drawn(cls, shares: np.ndarray, rng: np.random.Generator) -> Patches:
        """Rectangles as wide and high as the picture that leave these shares of it, more where they cross its edge."""
        middle, half = rng.random((2, len(shares))), np.sqrt(1 - shares) / 2
        return cls(np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1))

    def places(self, sides: tuple[int, int]) -> np.ndarray:
        """Top, left, bottom and right on maps of a height and width, (4, batch), whole numbers."""
        return np.rint(np.concatenate([self.low, self.high]) * np.tile(sides, 2)[:, None]).astype(int)

    def left(self, sides: tuple[int, int]) -> np.ndarray:
        """The share of each map that the rectangle leaves, (batch,)."""
        top, left, bottom, right = self.places(sides)
        return 1 - (bottom - top) * (right - left) / math.prod(sides)

    def pasted(self, maps: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Maps, (batch, height, width, channels), with the rectangle of others."""
        maps = maps.copy()
        for number, (top, left, bottom, right) in enumerate(self.places(maps.shape[1:3]).T):
            maps[number, top:bottom, left:right] = others[number, top:bottom, left:right]
        return maps


def pairs(targets: np.ndarray, partners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Targets of each example and of its partner, and the share of the example: (batch, 2 * numbers + 1), float32.

    The loss of a pair is the mixture of its two losses.
    """
    flat = targets.reshape(len(targets), -1).astype(np.float32)
    return np.concatenate([flat, flat[partners], shares[:, None]], axis=1)


def _sum(tensor: np.ndarray, partners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    tensor, shares = tensor.astype(np.float32, copy=False), shares.reshape(-1, *[1] * (tensor.ndim - 1))
    return shares * tensor + (1 - shares) * tensor[partners]
