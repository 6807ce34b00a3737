"""Summarize texts, with BART, T5, or a pretrained encoder and a new decoder.

Phase `head` trains a decoder on a frozen KerasHub encoder: a new one, or that of BART or T5. Phase `tune` trains the
top blocks of the encoder too. Summaries are generated with beam search and scored with ROUGE against the nearest
reference.

Needs `pip install "tfft[text]"`. Commands:

    python -m recipes.summarization
    python -m recipes.summarization --data papers/ --columns.source document --columns.target summaries
    python -m recipes.summarization --data papers/ --backbone bart_base_en --head.learning-rate 3e-5 --tune.epochs 0
    python -m recipes.summarization --data tfds:xsum --columns.source document --columns.target summary --length 256

Results: SciTLDR abstracts with a MiniLM encoder: ROUGE-1 28.2, ROUGE-L 24.1, 12 min on two CPU cores; the first
sentence alone has 31.4 and 24.9, so take BART for a corpus this small.

References: Rothe et al. 2020, "Leveraging pre-trained checkpoints for sequence generation tasks", arXiv:1907.12461;
BART, arXiv:1910.13461; T5, arXiv:1910.10683; Lin 2004, "ROUGE".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfft import cli, data, evaluation, models, reporting, texts, training, workflow
from tfft.data import PairColumns

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import numpy as np


@dataclass(frozen=True)
class Config(texts.SequenceConfig):
    data: str = "demo:summaries"
    """Table (.csv, .tsv, .jsonl), folder of train, val and test files, or `tfds:NAME`."""
    columns: PairColumns = PairColumns()
    """Columns of the table, or keys of the JSON lines; the target may be a list of several summaries."""


DEMO = Config(**texts.SEQUENCE_DEMO)
"""Runs without `--data`: generated notices and a small random encoder; nothing is downloaded."""

SMOKE = replace(DEMO, **texts.SEQUENCE_SMOKE)


def find_data(config: Config) -> list[data.Record]:
    """The texts with their summaries."""
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
    """ROUGE of val and test."""
    return evaluation.summarization(splits, training.answer_splits(model, splits))


def figures(model: keras.Model, splits: data.Splits, scored: evaluation.Evaluation) -> list[reporting.Figure]:
    """Worst, typical and best summaries with their references."""
    return reporting.answer_figures(splits, scored)


RECIPE = workflow.Recipe(load_data, build_backbone, build_model, evaluate, figures, texts.save_sequence, find_data)


def run(config: Config) -> workflow.Result:
    """Trains, evaluates and saves a model in a run folder."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
