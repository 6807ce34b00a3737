"""Fine-tune BART, T5, or a pretrained encoder with a new decoder, to summarize texts.

1. Read texts with one summary or several and split them; equal texts, and texts of one document, stay on one side. Make
   tokens of the texts with the encoder's vocabulary and, for a new decoder, one of pieces of words from the summaries.
2. Put a new decoder on a frozen encoder of KerasHub, or take that of BART or T5 with its vocabulary, and train it to go
   on from the right beginning (phase `head`).
3. Unfreeze the top blocks of the encoder and train them too, with a smaller rate (phase `tune`).
   What is frozen is computed once for each text, at its own length, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, summarize val and test by beam search, score the summaries with rouge-score
   against the nearest reference, write the report and the saved model.

Needs `pip install "tfft[text]"`. Commands:

    python -m recipes.summarization
    python -m recipes.summarization --data papers/ --columns.source document --columns.target summaries
    python -m recipes.summarization --data papers/ --backbone bart_base_en --head.learning-rate 3e-5 --tune.epochs 0
    python -m recipes.summarization --data tfds:xsum --columns.source document --columns.target summary --length 256

Results: in the README.

References: Rothe et al. 2020, "Leveraging Pre-trained Checkpoints for Sequence Generation Tasks",
arXiv:1907.12461; BART, arXiv:1910.13461; T5, arXiv:1910.10683; Lin 2004, "ROUGE".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tfft import cli, data, evaluation, reporting, texts, training, workflow
from tfft.data import PairColumns

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras
    import numpy as np

    from tfft.data import Record, Splits, Texts
    from tfft.evaluation import Evaluation
    from tfft.models import Encoder, Task
    from tfft.reporting import Figure
    from tfft.training import Plan


@dataclass(frozen=True)
class Config(texts.SequenceConfig):
    """Every choice of this recipe."""

    data: str = "demo:summaries"
    """.csv, .tsv or .jsonl file, folder of train, val and test files, `tfds:NAME`, or demo:summaries."""
    columns: PairColumns = PairColumns()
    """Columns of the table, or keys of the JSON lines; a key may hold a list of several summaries."""


DEMO = Config(**texts.SEQUENCE_DEMO)
"""Without `--data`: notices made by rule, and a small encoder with random weights, no network access."""

SMOKE = replace(DEMO, **texts.SEQUENCE_SMOKE)


def find_data(config: Config) -> list[Record]:
    """The texts with their summaries and their splits."""
    return texts.deal(config, data.find_pairs(config.data, config.columns))


def build_backbone(config: Config) -> Encoder:
    """The frozen encoder with its tokenizer and, of BART and T5, its decoder."""
    return texts.build_backbone(config, find_data)


def load_data(config: Config, backbone: Encoder | None = None) -> Splits:
    """Texts of every split as tokens, and the tokens of what is to be made of each."""
    return texts.load_pairs(config, find_data(config), backbone or build_backbone(config))


def build_model(
    config: Config, labels: list[str], backbone: Encoder | None = None, train: Texts | None = None
) -> tuple[keras.Model, Task]:
    """A decoder on a frozen encoder: tokens, and the beginning of an answer, to logits of its next tokens."""
    encoder = backbone or build_backbone(config)
    return texts.build_sequence_model(config, encoder, train or load_data(config, encoder).train)


def evaluate(model: Callable[[np.ndarray], list[str]], splits: Splits, plan: Plan | None = None) -> Evaluation:
    """ROUGE of val and test, with the summaries behind it."""
    return evaluation.score_splits(
        splits,
        training.answer_splits(model, splits),
        lambda examples, found: evaluation.summary_scores(found, examples.references),
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """The worst, some typical and the best answers beside their references."""
    return reporting.answer_figures(splits, evaluation)


RECIPE = workflow.Recipe(load_data, build_backbone, build_model, evaluate, figures, texts.save_sequence)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
