"""Check the 95 % intervals: how often they cover the truth, on simulated test sets.

For each task a large population of examples and predictions is drawn, whose scores are the truth; then test sets are
drawn from it, and the share of intervals with the truth inside is counted. It should be 95 %: of 200 sets, 93 to 97 %.

    python benchmarks/coverage.py
    python benchmarks/coverage.py --sets 2000 --only classification regression
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import tyro
from tqdm import tqdm

from tfft.evaluation import intervals, scores_of

POPULATION = 50_000
FEW = 5_000
"""Where a score takes long."""
CLASSES = np.array([0.5, 0.3, 0.15, 0.05])
WORDS = np.array(["the", "a", "red", "old", "big", "dog", "runs", "sleeps", "under", "tree", "in", "of", "and"])


@dataclass(frozen=True)
class Settings:
    """What is simulated."""

    sets: int = 200
    """Test sets of each task."""
    size: int = 300
    """Examples of each."""
    only: tuple[str, ...] = ("classification", "threshold", "multilabel", "regression", "detection", "segmentation",
                             "translation", "summarization")  # fmt: skip
    """Tasks; threshold is a classification of two classes with a threshold."""
    seed: int = 0


def main(settings: Settings) -> None:
    """Prints the share of intervals that cover the truth, by task and score."""
    print(
        "| task | score | truth | mean width | covered | within 93 to 97 % |\n| --- | --- | ---: | ---: | ---: | --- |"
    )
    everything = Counter()
    for name in settings.only:
        rng = np.random.default_rng(settings.seed)
        task = "classification" if name == "threshold" else name
        truth, predictions, labels, thresholds = population(name, rng)
        known = scores_of(task, truth, predictions, labels, thresholds)
        count = len(predictions if truth is None or isinstance(predictions, (list, np.ndarray)) else truth)
        covered: Counter[str] = Counter()
        width: Counter[str] = Counter()
        for number in tqdm(range(settings.sets), name, leave=False, disable=None):
            rows = rng.integers(0, count, settings.size)
            drawn = (None if truth is None else _at(truth, rows)), _at(predictions, rows), labels, thresholds
            for score, (low, high) in intervals(task, *drawn, seed=number).items():
                covered[score] += low <= known[score] <= high
                width[score] += high - low
        for score, times in covered.items():
            share = times / settings.sets
            error = math.sqrt(0.95 * 0.05 / settings.sets)
            row = f"| {name} | {score} | {known[score]:.4f} | {width[score] / settings.sets:.4f} | {share:.1%}"
            print(f"{row} ({100 * error:.1f}) | {'yes' if 0.93 <= share <= 0.97 else 'NO'} |", flush=True)
            everything.update(sets=settings.sets, covered=times)
    print(f"\ntogether: {everything['covered'] / everything['sets']:.2%}")


def population(name: str, rng: np.random.Generator) -> tuple[Any, Any, list[str], np.ndarray | None]:
    """What `scores_of` takes, for many examples."""
    labels = [f"class {number}" for number in range(len(CLASSES))]
    match name:
        case "classification" | "threshold":
            shares = CLASSES if name == "classification" else np.array([0.85, 0.15])
            truth = rng.choice(len(shares), POPULATION, p=shares)
            logits = rng.normal(size=(POPULATION, len(shares))) + 2.5 * np.eye(len(shares))[truth]
            odds = np.exp(logits)
            cuts = None if name == "classification" else np.array([0.0, 0.4])
            return truth, odds / odds.sum(axis=1, keepdims=True), labels[: len(shares)], cuts
        case "multilabel":
            truth = (rng.random((POPULATION, len(CLASSES))) < CLASSES).astype(np.uint8)
            return (
                truth,
                1 / (1 + np.exp(-(rng.normal(0, 1.5, truth.shape) + 3.0 * truth - 1.5))),
                labels,
                np.full(4, 0.5),
            )
        case "regression":
            truth = rng.gamma(2.0, 2.0, (POPULATION, 1))
            return truth, truth + rng.standard_t(5, truth.shape) * (0.3 + 0.1 * truth), ["size"], None
        case "segmentation":
            quality = rng.beta(6, 2, FEW)[:, None, None]
            pixels = rng.dirichlet(20 * CLASSES, FEW)[:, :, None] * 4096
            spread = quality * np.eye(4) + (1 - quality) * CLASSES
            return None, np.rint(pixels * spread).astype(np.int32), labels, None
        case "detection":
            corner = rng.uniform(0, 70, (FEW, 4, 2))
            kinds = rng.choice(3, (FEW, 4, 1))
            truth = np.concatenate([corner, corner + 30, kinds], axis=2)
            truth[rng.random((FEW, 4)) < 0.3, 4] = -1
            guesses = truth[..., :4] + rng.normal(0, 3, (FEW, 4, 4)) * rng.choice([0.5, 2.0], (FEW, 1, 1))
            found = np.where(rng.random((FEW, 4)) < 0.85, truth[..., 4], -1).astype(np.int32)
            wrong = np.concatenate([rng.uniform(0, 70, (FEW, 2, 2)), rng.uniform(80, 100, (FEW, 2, 2))], axis=2)
            answers = {
                "boxes": np.concatenate([guesses, wrong], axis=1),
                "scores": np.concatenate([rng.beta(5, 2, (FEW, 4)), rng.beta(2, 5, (FEW, 2))], axis=1),
                "labels": np.concatenate([found, rng.choice(3, (FEW, 2)).astype(np.int32)], axis=1),
            }
            return truth, answers, labels[:3], np.full(3, 0.5)
    texts = [list(rng.choice(WORDS, rng.integers(6, 16))) for _ in range(FEW)]
    generated = [
        " ".join(rng.choice(WORDS) if rng.random() < share else word for word in text)
        for text, share in zip(texts, rng.beta(2, 3, FEW), strict=True)
    ]
    return [[" ".join(text)] for text in texts], generated, [], None


def _at(values: Any, rows: np.ndarray) -> Any:
    if isinstance(values, dict):
        return {key: value[rows] for key, value in values.items()}
    return [values[row] for row in rows] if isinstance(values, list) else values[rows]


if __name__ == "__main__":
    main(tyro.cli(Settings))
