"""Compare training on a frozen text encoder: a plain Keras loop runs it in every epoch, tfft runs it once.

python benchmarks/text_once.py --data banking77 --columns.label category --leaks accept --backbone minilm/

Both train a head on the mean of the tokens, in the same order; reading and tokenizing are not counted. The plain loop
calls the encoder in inference mode, without the dropout that a frozen KerasHub encoder applies in `fit`. `plain` pads
every text to one length, like KerasHub's preprocessors; with `--short`, a second loop pads each batch to its longest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from recipes.text_classification import DEMO, RECIPE, Config, build_backbone, build_model, load_data
from tfft import cli, models, training
from tfft.data import Splits, Texts, fetched_together
from tfft.store import Storage

EPOCHS = 5


class Frozen(keras.layers.Layer):
    """A network that always runs in inference mode."""

    def __init__(self, inner: keras.Model):
        super().__init__(trainable=False)
        self.inner = inner

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The outputs of the network."""
        return self.inner(inputs, training=False)


def main() -> None:
    """Prints the seconds of each mode, their ratio to tfft, the losses, and how much they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true")
    words, flags = parser.parse_known_args()
    config = replace(cli.parse(Config, DEMO, flags, RECIPE.page), dropout=0.0)
    keras.utils.set_random_seed(config.seed)
    encoder = build_backbone(config)
    splits = load_data(config, encoder)
    start = build_model(config, splits.labels, encoder)[0].layers[-1].get_weights()
    results = {}
    for mode in ("plain", *(["short"] if words.short else []), "tfft"):
        model, task = build_model(config, splits.labels, encoder)
        model.layers[-1].set_weights(start)
        if mode != "tfft":
            model = keras.Sequential([Frozen(keras.Model(model.input, model.layers[-2].output)), model.layers[-1]])
        began = time.monotonic()
        losses = once(config, model, task, splits) if mode == "tfft" else plain(config, model, task, splits, mode)
        results[mode] = (time.monotonic() - began, losses)
    seconds, losses = results["tfft"]
    print("| mode | training s | times | loss by epoch | val loss by epoch |\n| --- | ---: | ---: | --- | --- |")
    for mode, (took, numbers) in results.items():
        pair = (" ".join(f"{value:.6f}" for value in column) for column in numbers)
        print(f"| {mode} | {took:.1f} | {took / seconds:.1f} | " + " | ".join(pair) + " |")
    for mode in results.keys() - {"tfft"}:
        print(f"largest difference to {mode}: {np.abs(np.array(losses) - results[mode][1]).max():.1e}")


def once(config: Config, model: keras.Model, task: models.Task, splits: Splits) -> list[list[float]]:
    """Trains with tfft and an empty store; returns the losses."""
    phases = {"head": replace(config.head, epochs=EPOCHS)}
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(folder=folder)
        plan = training.plan_phases(model, task, splits, phases, batch_size=config.batch_size, storage=storage)
        history = training.fine_tune(plan)
    return [[row[name] for row in history.rows] for name in ("loss", "val_loss")]


def plain(config: Config, model: keras.Model, task: models.Task, splits: Splits, mode: str) -> list[list[float]]:
    """Trains the whole network with Keras's `fit`, its encoder frozen, in tfft's order; returns the losses."""
    steps = -(-len(splits.train) // config.batch_size)
    optimizer = training.build_optimizer(replace(config.head, epochs=EPOCHS), steps)
    model.compile(optimizer, task.loss, metrics=list(task.metrics))
    val = batches(config, splits.val, splits.val.order, mode)
    rows = []
    for epoch in range(EPOCHS):
        order = splits.train.epoch_order(0, epoch, group=fetched_together(config.batch_size), sampling="all")
        train = batches(config, splits.train, order, mode)
        rows.append(model.fit(train, validation_data=val, shuffle=False, verbose=2).history)
    return [[row[name][0] for row in rows] for name in ("loss", "val_loss")]


def batches(config: Config, examples: Texts, order: np.ndarray, mode: str) -> tf.data.Dataset:
    """A dataset of tokens and targets in the given order."""
    starts = range(0, len(order), config.batch_size)

    def make() -> object:
        for start in starts:
            chosen = order[start : start + config.batch_size]
            yield (examples.inputs[chosen] if mode == "plain" else examples.rows[chosen]), examples.targets[chosen]

    signature = (tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32))
    dataset = tf.data.Dataset.from_generator(make, output_signature=signature).prefetch(2)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(starts)))


if __name__ == "__main__":
    main()
