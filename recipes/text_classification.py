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

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tfft import cli, data, evaluation, models, reporting, texts, training, workflow
from tfft.data import Balance, TextColumns
from tfft.training import Phase

if TYPE_CHECKING:
    import keras

    from tfft.data import Record, Splits, Texts
    from tfft.evaluation import Evaluation
    from tfft.models import Encoder, Task
    from tfft.reporting import Figure
    from tfft.training import Plan


@dataclass(frozen=True)
class Config(texts.Config):
    """Every choice of this recipe."""

    data: str = "demo:text"
    """.csv, .tsv or .jsonl file, folder of train, val and test files or of classes, `tfds:NAME`, or demo:text."""
    columns: TextColumns = TextColumns()
    """Columns of the table, or keys of the JSON lines."""
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


DEMO = Config(
    **texts.DEMO,
    head=Phase(epochs=1, learning_rate=3e-3),
    tune=Phase(epochs=15, learning_rate=1e-3, optimizer="adamw", schedule="cosine", unfreeze="all"),
)
"""Without `--data`: reviews made by rule and a small encoder with random weights, no network access."""

SMOKE = replace(DEMO, **texts.SMOKE)


def find_data(config: Config) -> list[Record]:
    """The texts with their classes and their splits."""
    return texts.deal(config, data.find_texts(config.data, config.columns))


def build_backbone(config: Config) -> Encoder:
    """The frozen encoder with its tokenizer."""
    return texts.build_backbone(config, find_data)


def load_data(config: Config, backbone: Encoder | None = None) -> Splits:
    """Texts of every split as tokens, and the index of the class of each."""
    encoder = backbone or build_backbone(config)
    return texts.load_data(config, find_data(config), encoder, balanced=config.balance == "sample")


def build_model(
    config: Config, labels: list[str], backbone: Encoder | None = None, train: Texts | None = None
) -> tuple[keras.Model, Task]:
    """A softmax head on a frozen encoder: tokens, (batch, length), to (batch, labels)."""
    import keras

    encoder = (backbone or build_backbone(config)).model
    x = models.pooled(encoder.outputs, config.pooling)  # features, and a mask of the tokens that are there
    x = models.hidden_layers(x, config.hidden)
    x = keras.layers.Dropout(config.dropout, name="head_dropout")(x)
    outputs = keras.layers.Dense(len(labels), activation="softmax", dtype="float32", name="head_predictions")(x)
    model = keras.Model(encoder.inputs[0], outputs, name=encoder.name)
    weights = data.class_weights(train, config.balance)
    return model, models.single_label(labels, weights=weights, focal=config.focal)


def evaluate(model: keras.Model, splits: Splits, plan: Plan | None = None) -> Evaluation:
    """Accuracy, macro F1 and a confusion matrix of every split, with the probabilities behind them."""
    return evaluation.score_splits(
        splits,
        training.predict(model, splits, plan),
        lambda examples, found: evaluation.single_label_scores(examples.targets, found, splits.labels),
    )


def figures(model: keras.Model, splits: Splits, evaluation: Evaluation) -> list[Figure]:
    """The confusion matrix, mistakes and right answers."""
    return reporting.class_figures(splits, evaluation)


RECIPE = workflow.Recipe(load_data, build_backbone, build_model, evaluate, figures, texts.save)


def run(config: Config) -> workflow.Result:
    """The whole way."""
    return workflow.run(RECIPE, config)


if __name__ == "__main__":
    cli.main(run, Config, DEMO)
