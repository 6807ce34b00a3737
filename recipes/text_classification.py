"""Fine-tune a pretrained text encoder to tell classes of texts apart: sentiment, spam, intents.

1. Read the texts and split them; equal texts stay on one side. Choose a length from the data, and make tokens.
2. Put a new head on a frozen encoder of KerasHub and train it (phase `head`).
3. Unfreeze the top transformer blocks and train them with a smaller rate (phase `tune`), or adapters in them (LoRA).
   What is frozen is computed once for each text, at its own length, and stored for all epochs, phases and runs.
4. Keep the best weights of both phases, score every split, write the report and `model.keras`, which takes texts.

Needs `pip install "tfft[text]"`. Commands:

    python -m recipes.text_classification
    python -m recipes.text_classification --data mails.csv --columns.text body --columns.label folder
    python -m recipes.text_classification --data reviews/ --backbone distil_bert_base_en_uncased --tune.unfreeze 3
    python -m recipes.text_classification --data sms.tsv --backbone my_encoder/ --balance weights --tune.lora-rank 8

Results: in the README.

References: Devlin et al. 2019, "BERT", arXiv:1810.04805; Howard and Ruder 2018, "Universal language model fine-tuning
for text classification", arXiv:1801.06146.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, extras, models, reporting, runs, serving, training
from tfft.data import Balance, Length, TextColumns, check_length
from tfft.errors import check_range
from tfft.store import Storage
from tfft.training import Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Examples, Record, Splits
    from tfft.evaluation import Scores
    from tfft.models import Encoder, Task
    from tfft.training import Plan, Predictions

    Backbone = str | Encoder
else:
    Backbone = str  # on the command line; TensorFlow is not imported to answer --help


@dataclass(frozen=True)
class Config:
    """Every choice of this recipe."""

    data: str = "demo:text"
    """.csv, .tsv or .jsonl file, folder of train, val and test files or of classes, `tfds:NAME`, or demo:text."""
    columns: TextColumns = TextColumns()
    """Columns of the table, or keys of the JSON lines."""
    val_fraction: float = 0.15
    """Share of the texts to validate on, where the data have no val split."""
    test_fraction: float = 0.15
    """Share of the texts to test on, where the data have no splits."""
    bad_texts: Literal["stop", "skip"] = "stop"
    """What to do with texts that are empty or not UTF-8."""
    leaks: Literal["stop", "drop", "accept"] = "stop"
    """What to do when the data's own splits share a text; drop leaves it out where it is trained on."""
    length: Length = "auto"
    """Tokens that a text is cut to; auto leaves 99 of 100 texts whole, as far as the network reads."""
    store: Storage = Storage()
    """The store of what is frozen."""
    backbone: Backbone = "bert_small_en_uncased"
    """Encoder: a KerasHub preset, a folder in KerasHub's or Hugging Face's form, or demo; in Python also an Encoder."""
    pooling: Literal["avg", "max", "avg+max", "first"] = "avg"
    """Mean or maximum over the tokens, both, or the first token."""
    hidden: tuple[int, ...] = ()
    """Units of Dense layers between pooling and the last layer."""
    dropout: float = 0.1
    """Fraction of the features dropped before the last layer."""
    balance: Balance = "none"
    """For rare classes: weights gives them more weight in the loss, sample shows their texts more often."""
    focal: float = 0.0
    """Exponent of the focal loss, which passes over what is easy; 0 for plain cross-entropy, 2 is usual."""
    batch_size: int = 32
    """Texts in a training batch."""
    head: Phase = Phase(epochs=10, learning_rate=3e-3)
    """First phase: the encoder is frozen."""
    tune: Phase = Phase(epochs=5, learning_rate=1e-4, optimizer="adamw", schedule="cosine", unfreeze=2)
    """Second phase: the top blocks of the encoder are trained too."""
    seed: int = 0
    """Decides split, first weights and order."""
    out: str | None = None
    """New folder for the results; by default one below runs/."""

    def __post_init__(self) -> None:
        check_length("length", self.length)
        check_range("batch_size", self.batch_size, least=1, most=1_000_000)
        check_range("dropout", self.dropout, least=0, below=1)
        check_range("hidden", min(self.hidden, default=1), least=1)
        check_range("focal", self.focal, least=0, most=10)


DEMO = Config(
    backbone="demo",
    head=Phase(epochs=1, learning_rate=3e-3),
    tune=Phase(epochs=15, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze="all"),
)
"""Without `--data`: reviews made by rule and a small encoder with random weights, no network access."""

ONCE = Phase(epochs=1, optimizer="sgd")  # the quickest to trace
SMOKE = replace(DEMO, head=ONCE, tune=replace(ONCE, unfreeze=1))


def find_data(config: Config) -> list[Record]:
    """Finds the texts and gives each its split."""
    found = data.find_texts(config.data, config.columns)
    options = {"val_fraction": config.val_fraction, "test_fraction": config.test_fraction, "leaks": config.leaks}
    return data.assign_splits(found, **options, seed=config.seed)


def build_backbone(config: Config, records: Sequence[Record] = ()) -> Encoder:
    """The frozen encoder with its tokenizer; the texts to train on make the vocabulary of the demo."""
    texts = data.usable_texts(record for record in records if record.split == "train")
    return models.load_encoder(config.backbone, texts=texts)


def load_data(config: Config, encoder: Encoder | None = None, records: Sequence[Record] = ()) -> Splits:
    """Finds the texts, unless they are there, gives each its split, makes tokens of them."""
    records = records or find_data(config)
    encoder = encoder or build_backbone(config, records)
    return data.read_texts(records, encoder, length=config.length, bad_texts=config.bad_texts)


def build_model(
    config: Config, labels: list[str], backbone: Encoder | None = None, train: Examples | None = None
) -> tuple[keras.Model, Task]:
    """A new head on a frozen encoder, tokens, (batch, length), to (batch, labels)."""
    options = {"hidden": config.hidden, "dropout": config.dropout, "pooling": config.pooling, "focal": config.focal}
    task = models.single_label(labels, weights=data.class_weights(train, config.balance), **options)
    return models.attach_head((backbone or build_backbone(config, find_data(config))).model, task), task


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> tuple[Scores, Predictions]:
    """Scores of every split, and the probabilities that they are computed from."""
    predictions = training.predict(model, splits, plan)
    scores = {
        name: evaluation.single_label_scores(examples.targets, predictions[name], splits.labels)
        for name, examples in splits.items()
    }
    return scores, predictions


def prepare(config: Config, current: runs.Run) -> tuple[keras.Model, Task, Plan, Encoder]:
    """Everything before the first epoch; shows what each phase will train, store and cost."""
    phases = {"head": config.head, "tune": config.tune}
    extras.require("text")
    records = current.stage("data", find_data, config)
    encoder = current.stage("backbone", build_backbone, config, records)
    training.check_phases(encoder.model, phases)
    splits = current.stage("tokens", load_data, config, encoder, records)
    model, task = build_model(config, splits.labels, encoder, splits.train)
    options = {"batch_size": config.batch_size, "seed": config.seed, "balanced": config.balance == "sample"}
    options |= {"storage": config.store, "backbone": models.describe_encoder(config.backbone)}
    plan = current.stage("plan", training.plan_phases, model, splits, phases, **options)
    reporting.show_plan(plan)
    return model, task, plan, encoder


def run(config: Config) -> Scores:
    """The whole way; returns the scores by split."""
    extras.require("text")
    with runs.open_run("text_classification", config) as current:
        model, task, plan, encoder = prepare(config, current)
        splits = plan.splits
        whole = models.from_strings(model, encoder, splits.train.inputs.shape[1])
        current.stage("storing", training.store_activations, plan)
        history = current.stage("training", training.fine_tune, model, task, plan, log=current.folder / "history.csv")
        expected = model.predict(splits.val.inputs[:8], verbose=0)
        options = {"sample": splits.val.texts[:8], "expected": expected}
        current.stage("saving", serving.save_model, whole, splits.labels, current.folder, **options)
        scores, predictions = current.stage("evaluation", evaluate, model, splits, plan)
        reporting.write_report(current, plan, history, scores, reporting.class_figures(splits, predictions))
        reporting.show_scores(scores, current.folder)
    return scores


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
