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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, extras, models, reporting, runs, serving, training
from tfft.data import Length, PairColumns, check_length
from tfft.errors import check_range
from tfft.models import DecoderSize, Search
from tfft.store import Storage
from tfft.training import Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Record, Splits
    from tfft.evaluation import Scores
    from tfft.models import Encoder, Subwords, Task
    from tfft.training import Plan

    Backbone = str | Encoder
else:
    Backbone = str  # on the command line; TensorFlow is not imported to answer --help


@dataclass(frozen=True)
class Config:
    """Every choice of this recipe."""

    data: str = "demo:summaries"
    """.csv, .tsv or .jsonl file, folder of train, val and test files, `tfds:NAME`, or demo:summaries."""
    columns: PairColumns = PairColumns()
    """Columns of the table, or keys of the JSON lines; a key may hold a list of several summaries."""
    val_fraction: float = 0.05
    """Share of the texts to validate on, where the data have no val split."""
    test_fraction: float = 0.05
    """Share of the texts to test on, where the data have no splits."""
    bad_texts: Literal["stop", "skip"] = "stop"
    """What to do with texts that are empty, not UTF-8, or without a summary."""
    leaks: Literal["stop", "drop", "accept"] = "stop"
    """What to do when the data's own splits share a text; drop leaves it out where it is trained on."""
    length: Length = "auto"
    """Tokens that a text is cut to; auto leaves 99 of 100 texts whole, as far as the network reads."""
    target_length: Length = "auto"
    """Tokens that a reference is cut to, and a summary has at most."""
    store: Storage = Storage()
    """The store of what is frozen."""
    backbone: Backbone = "bert_small_en_uncased"
    """Encoder, BART or T5: a KerasHub preset, a folder in KerasHub's or Hugging Face's form, demo, or an Encoder."""
    decoder: DecoderSize = DecoderSize()
    """Of a new decoder."""
    smoothing: float = 0.1
    """Share of the truth that is spread over all tokens of the vocabulary."""
    search: Search = Search()
    """How answers are looked for."""
    batch_size: int = 32
    """Texts in a training batch."""
    head: Phase = Phase(epochs=6, learning_rate=1e-3, optimizer="adamw", schedule="noam", clip_norm=1.0)
    """First phase: the encoder is frozen, the decoder is trained; a pretrained one wants a smaller rate."""
    tune: Phase = Phase(epochs=4, learning_rate=3e-4, optimizer="adamw", schedule="cosine", clip_norm=1.0, unfreeze=2)
    """Second phase: the top blocks of the encoder are trained too."""
    seed: int = 0
    """Decides split, first weights and order."""
    out: str | None = None
    """New folder for the results; by default one below runs/."""

    def __post_init__(self) -> None:
        check_length("length", self.length)
        check_length("target_length", self.target_length)
        check_range("batch_size", self.batch_size, least=1, most=1_000_000)
        check_range("smoothing", self.smoothing, least=0, below=1)


DEMO = Config(
    backbone="demo",
    decoder=DecoderSize(layers=2, width=128, feedforward=256, vocabulary=400),
    head=Phase(epochs=1, learning_rate=1e-3),
    tune=Phase(epochs=20, learning_rate=2e-3, optimizer="adamw", schedule="cosine", clip_norm=1.0, unfreeze="all"),
)
"""Without `--data`: notices made by rule, and a small encoder with random weights, no network access."""

ONCE = Phase(epochs=1, optimizer="sgd")  # the quickest to trace
TINY = DecoderSize(layers=1, width=16, heads=2, feedforward=16, vocabulary=60)
SMOKE = replace(DEMO, decoder=TINY, search=Search(beams=2), head=ONCE, tune=replace(ONCE, unfreeze=1))


def find_data(config: Config) -> list[Record]:
    """Finds the texts with their summaries and gives each its split."""
    found = data.find_pairs(config.data, config.columns)
    options = {"val_fraction": config.val_fraction, "test_fraction": config.test_fraction, "leaks": config.leaks}
    return data.assign_splits(found, **options, seed=config.seed)


def build_backbone(config: Config, records: Sequence[Record]) -> tuple[Encoder, Subwords]:
    """The frozen encoder, and the pieces that summaries are made of: its decoder's, or made from the training split."""
    trained = [record for record in records if record.split == "train"]
    targets = (text for record in trained for text in record.truth.texts[:1])
    encoder = models.load_encoder(config.backbone, texts=data.usable_texts(trained))
    return encoder, models.subwords_for(encoder, targets, config.decoder.vocabulary)


def load_data(
    config: Config, backbone: tuple[Encoder, Subwords] | None = None, records: Sequence[Record] = ()
) -> Splits:
    """Finds the texts, unless they are there, gives each its split, makes tokens of them."""
    records = records or find_data(config)
    encoder, pieces = backbone or build_backbone(config, records)
    options = {"length": config.length, "bad_texts": config.bad_texts}
    targets = data.reference_targets(pieces, config.target_length)
    return data.read_texts(records, encoder, **options, targets_of=targets)


def build_model(
    config: Config, labels: Sequence[str] = (), backbone: tuple[Encoder, Subwords] | None = None, longest: int = 512
) -> tuple[keras.Model, Task]:
    """A decoder on a frozen encoder, tokens and the beginning of a summary to logits of its next tokens."""
    encoder, pieces = backbone or build_backbone(config, find_data(config))
    task = models.sequence(encoder.decoder or config.decoder, pieces, longest=longest, smoothing=config.smoothing)
    return models.attach_head(encoder.model, task), task


def evaluate(
    model: keras.Model, splits: Splits, pieces: Subwords, search: Search
) -> tuple[Scores, dict[str, list[str]]]:
    """Scores of val and test, and the answers that they are computed from."""
    longest = splits.train.targets.shape[1]
    answers = training.answer_splits(models.answerer(model, pieces, search, longest=longest), pieces.texts, splits)
    named = dict(splits.items())
    scores = {name: evaluation.summary_scores(said, named[name].references) for name, said in answers.items()}
    return scores, answers


def prepare(config: Config, current: runs.Run) -> tuple[keras.Model, Task, Plan, Encoder, Subwords]:
    """Everything before the first epoch; shows what each phase will train, store and cost."""
    phases = {"head": config.head, "tune": config.tune}
    extras.require("text")
    records = current.stage("data", find_data, config)
    encoder, pieces = backbone = current.stage("backbone", build_backbone, config, records)
    training.check_phases(encoder.model, phases, usual_rate=encoder.decoder and encoder.decoder.usual_rate)
    splits = current.stage("tokens", load_data, config, backbone, records)
    model, task = build_model(config, splits.labels, backbone, splits.train.targets.shape[1])
    options = {"batch_size": config.batch_size, "seed": config.seed, "storage": config.store}
    options["backbone"] = models.describe_encoder(config.backbone)
    plan = current.stage("plan", training.plan_phases, model, splits, phases, **options)
    reporting.show_plan(plan)
    return model, task, plan, encoder, pieces


def run(config: Config) -> Scores:
    """The whole way; returns the scores by split."""
    extras.require("text")
    with runs.open_run("summarization", config) as current:
        model, task, plan, encoder, pieces = prepare(config, current)
        splits = plan.splits
        whole = models.from_strings(model, encoder, splits.train.inputs.shape[1])
        current.stage("storing", training.store_activations, plan)
        history = current.stage("training", training.fine_tune, model, task, plan, log=current.folder / "history.csv")
        given = splits.val.targets[:8]
        expected = model.predict([splits.val.inputs[:8], given], verbose=0)
        options = {"sample": [splits.val.texts[:8], given], "expected": expected}
        current.stage("saving", serving.save_model, whole, splits.labels, current.folder, **options)
        serving.save_pieces(pieces, current.folder, longest=splits.train.targets.shape[1], search=config.search)
        scores, answers = current.stage("evaluation", evaluate, model, splits, pieces, config.search)
        reporting.write_report(current, plan, history, scores, reporting.answer_figures(splits, answers))
        reporting.show_scores(scores, current.folder)
    return scores


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
