"""Advice: which settings suit the data, by what was measured of them, each with its reason.

Nothing here looks at data or models: facts go in, sentences come out. `tfft.planning` measures, and takes the advice
where `recipe` is auto.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tfft.fields import Names
from tfft.models.own_size import own_size

SKEWED = 1.5
"""Ratio of the most to the least frequent class from which on classes are imbalanced."""
FOLDS = 3
"""Of the cross-validation that compares treatments of rare classes."""
SURE = 1.645
"""Standard errors that a gain must have: chance alone reaches them in 1 of 20 cases."""
NEAR_RATE = 3e-5
"""Learning rate of phase `tune` for Adam on pictures near those of the pretraining."""
OTHER_WEIGHTS = ("demo", "none")
"""Weights on which neither was measured."""
STRIDE = 32
"""Pixels of a picture for one place of the last feature map of most networks."""
WHOLE = 0.01
"""Share of texts that `length` auto truncates at most."""


@dataclass(frozen=True)
class AdviceFields:
    """Settings of every recipe that say who chooses the other settings, to be inherited by their `Config`."""

    recipe: Literal["plain", "auto"] = "plain"
    """plain trains with the settings as they are; auto follows the advice of tfft plan, except for what you set."""
    time_budget: str | None = None
    """Time to store and train, such as 90s, 10m or 1h: views, epochs and stages are lowered until the plan fits."""
    kept: Names = None
    """Filled in by tfft: settings that a person has set, which neither changes; None for all that differ from the
    defaults."""


@dataclass(frozen=True)
class Probe:
    """Validation scores of heads that were solved on the frozen features of several depths."""

    monitor: str
    """The score."""
    scores: Sequence[tuple[int, float]]
    """The number of blocks, counted from the top, and the best score on them; the last block alone comes first."""
    neighbours: float | None
    """The score of nearest neighbours on the features of the last block; None if they were not asked."""
    gain: float
    """Mean validation loss on the last block, less that on all blocks."""
    error: float
    """Standard error of `gain`, from its differences by example."""

    @property
    def far(self) -> bool:
        """Whether lower blocks help beyond chance: then the data are far from those of the pretraining."""
        return len(self.scores) > 1 and self.gain > SURE * self.error

    @property
    def near(self) -> bool:
        """Whether lower blocks do not help at all: then the data are near those of the pretraining."""
        return len(self.scores) > 1 and self.gain <= 0

    @property
    def in_words(self) -> str:
        """`"val_accuracy 0.9281 on the last block, 0.9608 on all 9"`."""
        depths = [f"{score:.4f} on {self._depth(blocks)}" for blocks, score in self.scores]
        nearest = [] if self.neighbours is None else [f"{self.neighbours:.4f} by nearest neighbours"]
        return f"{self.monitor} {', '.join([*depths, *nearest])}"

    def _depth(self, blocks: int) -> str:
        every = self.scores[-1][0]
        return "the last block" if blocks == 1 else f"all {blocks}" if blocks == every else f"the last {blocks}"


@dataclass(frozen=True)
class Facts:
    """What is known of a run before it is trained."""

    noun: Literal["pictures", "texts"]
    train: int
    """Training examples."""
    counts: tuple[int, ...] = ()
    """Training examples of each class; empty if the task has none."""
    original_size: tuple[int, int] | None = None
    """Median height and width of the pictures as they were."""
    truncated: float = 0.0
    """Share of the texts that are truncated."""
    labels: tuple[str, ...] = ()
    """The classes."""
    solvable: bool = True
    """Whether the head is solved on frozen features."""
    stages: int | None = None
    """Stages of the backbone; None before it is known."""
    probe: Probe | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """By name, such as `"tune.epochs"`."""


@dataclass(frozen=True)
class Advice:
    """A setting that would suit the data better."""

    setting: str
    value: Any
    reason: str
    """One sentence, with the figure that was measured."""
    source: str
    """Where the rule is from: a benchmark of tfft, a paper, or how tfft works."""
    taken: bool = False
    """Whether the run uses it."""
    free: bool = True
    """Whether `recipe` auto may take it; else only a person can know."""

    @property
    def in_words(self) -> str:
        """`"`--tune.epochs 12`: ... (source)"`."""
        name = self.setting.replace("_", "-")
        value = " ".join(map(str, self.value)) if isinstance(self.value, (tuple, list)) else str(self.value)
        if isinstance(self.value, bool):
            group, dot, last = name.rpartition(".")
            flag = f"--{group}{dot}{'' if self.value else 'no-'}{last}"
        else:
            flag = f"--{name} {value}"
        return f"`{flag}`: {self.reason} ({self.source})"


def advise(facts: Facts) -> list[Advice]:
    """Advice that differs from the settings as they are, and only on settings that there are."""
    given = [advice for rule in RULES for advice in rule(facts)]
    return [one for one in given if one.setting in facts.settings and facts.settings[one.setting] != one.value]


def skewed(counts: Sequence[int]) -> bool:
    """Whether classes are imbalanced, and the rarest has an example for each fold by which treatments are compared."""
    there = [count for count in counts if count]
    return len(there) > 1 and min(there) >= FOLDS and max(there) >= SKEWED * min(there)


def _balance(facts: Facts) -> Iterator[Advice]:
    if facts.solvable and skewed(facts.counts) and facts.settings.get("balance") == "none":
        most, least = max(facts.counts), min(filter(None, facts.counts))
        reason = f"the most frequent class has {most:,} {facts.noun} and the rarest {least:,}; auto compares "
        reason += "treatments of rare classes on stored features"
        yield Advice("balance", "auto", reason, "cross-validation on train; nothing changes without a gain")


def _length(facts: Facts) -> Iterator[Advice]:
    if facts.truncated > WHOLE and isinstance(facts.settings.get("length"), int):
        reason = f"{100 * facts.truncated:.1f} % of the texts are truncated; auto keeps 99 of 100 whole"
        yield Advice("length", "auto", reason, "what is cut is never read", free=False)


def _flip(facts: Facts) -> Iterator[Advice]:
    signs = bool(facts.labels) and all(len(label) == 1 or label.isdecimal() for label in facts.labels)
    if signs and facts.settings.get("augment") in ("light", "strong"):
        reason = "classes are digits or letters; turn mirroring off if left and right matter"
        yield Advice("flip", False, reason, "a mirrored b is a d", free=False)


def _size(facts: Facts) -> Iterator[Advice]:
    if own_size(facts.settings.get("backbone")):
        return  # the network takes no other
    read = facts.settings.get("image_size")
    if facts.original_size is not None and read and max(facts.original_size) < min(read):
        side = math.ceil(max(facts.original_size) / STRIDE) * STRIDE
        was, now = (" x ".join(map(str, size)) for size in (facts.original_size, read))
        share = 100 * side**2 / (read[0] * read[1])
        reason = (
            f"pictures of {was} pixels are enlarged to {now}; {side} x {side} would take {share:.0f} % of the time, "
        )
        reason += "but networks that were trained on larger pictures may score lower"
        if side < min(read):
            yield Advice("image_size", (side, side), reason, "time grows with the area", free=False)


def _augment(facts: Facts) -> Iterator[Advice]:
    if facts.settings.get("augment") == "strong":
        reason = f"compare both on your {facts.train:,} pictures; strong crops lowered the accuracy on 244 from 0.948 "
        reason += "to 0.90"
        yield Advice("augment", "light", reason, "hymenoptera, one run", free=False)


def _tune(facts: Facts) -> Iterator[Advice]:
    probe, settings = facts.probe, facts.settings
    if probe is None or not (settings.get("tune.epochs") and settings.get("tune.unfreeze")):
        return
    if settings.get("weights") in OTHER_WEIGHTS:
        return
    gain = f"lower blocks change the loss by {-probe.gain:+.3f}, standard error {probe.error:.3f}"
    rate = settings["tune.learning_rate"]
    if probe.far and facts.noun == "pictures":
        far = f"the data are far from those of the pretraining: {gain}"
        if settings["tune.unfreeze"] == 1 and (facts.stages or 0) > 1:
            yield Advice("tune.unfreeze", 2, far, "trashnet by hand: 0.934 with two stages, 0.916 with one")
    elif probe.near and facts.noun == "pictures" and settings["tune.optimizer"] in ("adam", "adamw"):
        near = f"the data are near those of the pretraining ({gain}), and"
        source = "hymenoptera, best epoch of tune on val: 0.954 at 3e-5, 0.928 at 3e-4, solved head 0.948; one run each"
        if rate != "find":
            yield Advice(
                "tune.learning_rate", min(rate, NEAR_RATE), f"{near} a high rate forgets what is known", source
            )
        source = "hymenoptera at 3e-5: 0.954 on val with one stage and with two; one run each"
        yield Advice("tune.unfreeze", 1, f"{near} more stages take more time", source)
    elif probe.near and facts.noun == "texts":
        near = f"tuning may not be worth its time ({gain})"
        source = "banking77: 0.9419 on val when solved, 0.9432 after five epochs; one run"
        yield Advice("tune.epochs", 0, near, source, free=False)


def _features(facts: Facts) -> Iterator[Advice]:
    probe = facts.probe
    if (
        probe is not None
        and probe.near
        and -probe.gain > SURE * probe.error
        and facts.settings.get("features") == "all"
    ):
        reason = "the loss on the last block alone is lower, and the head is smaller"
        yield Advice("features", 1, reason, f"{probe.in_words}, on your data", free=False)


RULES: tuple[Callable[[Facts], Iterator[Advice]], ...] = (
    *(_balance, _tune, _features),
    *(_size, _augment, _flip, _length),
)
"""Each yields advice on what it knows."""
