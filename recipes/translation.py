"""Translate texts, with BART, T5, or a pretrained encoder and a new decoder.

Phase `head` trains a decoder on a frozen KerasHub encoder: a new one, or that of BART or T5. Phase `tune` trains the
top blocks of the encoder too. Translations are generated with beam search and scored with sacrebleu.

Needs `pip install "tfft[text]"`. Commands:

    python -m recipes.translation
    python -m recipes.translation --data laws.tsv --columns.source en --columns.target de --columns.group document
    python -m recipes.translation --data laws.tsv --backbone t5_small_multi --head.learning-rate 1e-4 --tune.epochs 0
    python -m recipes.translation --data corpus/ --columns.source en --columns.target fr --columns.test newstest

Results: multi30k, English to German, with a MiniLM encoder: BLEU 34.5, chrF 58.3, 14 min on two CPU cores.

References: Rothe et al. 2020, "Leveraging pre-trained checkpoints for sequence generation tasks", arXiv:1907.12461;
BART, arXiv:1910.13461; T5, arXiv:1910.10683; Vaswani et al. 2017, arXiv:1706.03762.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfft import cli, data, evaluation, models, reporting, texts, training, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import numpy as np


@dataclass(frozen=True)
class Config(texts.SequenceConfig):
    data: str = "demo:pairs"
    """Table (.csv, .tsv, .jsonl), folder of tables or of line-by-line files (train.en, train.de), or `tfds:NAME`."""
    batch_size: int = 64


DEMO = Config(**texts.SEQUENCE_DEMO)
"""Runs without `--data`: generated sentences about dates and a small random encoder; nothing is downloaded."""

SMOKE = replace(DEMO, **texts.SEQUENCE_SMOKE)


def find_data(config: Config) -> list[data.Record]:
    """The texts with their translations."""
    return data.find_pairs(config.data, config.columns)


def build_backbone(config: Config) -> models.Encoder:
    """The frozen encoder with its tokenizer and, of BART and T5, its decoder."""
    return texts.build_backbone(config, find_data)


def load_data(config: Config, backbone: models.Encoder | None = None) -> data.Splits:
    """Texts of every split as tokens, and the tokens of their first reference."""
    return texts.load_pairs(config, find_data(config), backbone or build_backbone(config))


def build_model(
    config: Config, labels: list[str], backbone: models.Encoder | None = None, train: data.Texts | None = None
) -> tuple[keras.Model, models.Task]:
    """A decoder on a frozen encoder: tokens, and the beginning of the output, to logits of its next tokens."""
    encoder = backbone or build_backbone(config)
    return texts.build_sequence_model(config, encoder, train or load_data(config, encoder).train)


def evaluate(
    model: Callable[[np.ndarray], list[str]], splits: data.Splits, plan: training.Plan | None = None
) -> evaluation.Evaluation:
    """BLEU and chrF of val and test."""
    return evaluation.translation(splits, training.answer_splits(model, splits))


def figures(model: keras.Model, splits: data.Splits, scored: evaluation.Evaluation) -> list[reporting.Figure]:
    """Worst, typical and best translations with their references."""
    return reporting.answer_figures(splits, scored)


RECIPE = workflow.Recipe(load_data, build_backbone, build_model, evaluate, figures, texts.save_sequence, find_data)


def run(config: Config) -> workflow.Result:
    """Trains, evaluates and saves a model in a run folder."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
