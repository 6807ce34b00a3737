from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.applications import convnext, densenet, efficientnet, nasnet, resnet

from tfft.data import Augmentation, Feed, Pictures, Splits, Texts, epoch_order, evaluation_batches, training_batches
from tfft.data.augmentation.changes import Augment
from tfft.data.batching.layout import Layout
from tfft.data.batching.widths import widths_of
from tfft.data.choices import Level, Views
from tfft.errors import ConfigError, Interrupted
from tfft.models import cut, load_backbone, pooled, single_label, unfrozen
from tfft.models.folding import folded
from tfft.stopping import postponed
from tfft.store import Storage, open_store
from tfft.store.chunks import write_chunk
from tfft.training import Phase, Plan, build_optimizer, fine_tune, plan_phases, store_activations
from tfft.training.levels import TRUNK_BATCH, levels
from tfft.training.planned import SplitView
from tfft.training.storing import missing_bytes


def shallow(name: str, size: int) -> keras.Model:
    """A network of a family with a block or two for each resolution, of random weights, which is traced sooner."""
    options = {"include_top": False, "weights": None, "input_shape": (size, size, 3)}
    stacked = partial(
        reduce, lambda x, n: resnet.stack_residual_blocks_v1(x, 8 * 2**n, 1, name=f"conv{n}"), range(2, 5)
    )
    made = {
        "ConvNeXt": lambda: convnext_blocks(size),
        "DenseNet": lambda: densenet.DenseNet([2, 2, 2, 2], **options),
        # blocks repeated in some stages: those drop whole examples while they are trained
        "EfficientNet": lambda: efficientnet.EfficientNet(1.0, 0.5, size, **options),
        "MobileNetV2": lambda: lower(keras.applications.MobileNetV2(alpha=0.35, **options), "block_4_add"),
        "NASNet": lambda: nasnet_cells(size),
        "NASNet whole": lambda: nasnet.NASNet(num_blocks=1, penultimate_filters=96, stem_block_filters=8, **options),
        "ResNet": lambda: resnet.ResNet(stacked, False, True, **options),
    }
    return made[name]()


def lower(network: keras.Model, layer: str) -> keras.Model:
    """The lower part of a network, up to a layer."""
    return keras.Model(network.inputs[0], network.get_layer(layer).output)


def nasnet_cells(size: int) -> keras.Model:
    """The two cells that NASNet begins with: from one to the next two tensors cross."""
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, use_bias=False)(keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs))
    x, before = nasnet._reduction_a_cell(keras.layers.BatchNormalization()(x), None, 4, block_id="1")
    return keras.Model(inputs, nasnet._reduction_a_cell(x, before, 8, block_id="2")[0])


def convnext_blocks(size: int) -> keras.Model:
    """A block of ConvNeXt at each of two resolutions."""
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Normalization(mean=[124.0, 116.0, 104.0], variance=[3400.0, 3260.0, 3290.0])(inputs)
    for number, stride in enumerate((4, 2)):
        x = keras.layers.Conv2D(8 * 2**number, stride, strides=stride)(x)
        x = convnext.ConvNeXtBlock(8 * 2**number, name=f"block_{number}")(keras.layers.LayerNormalization()(x))
    return keras.Model(inputs, x)


WHOLE = ["MobileNetV2 whole", "VGG16", "ConvNeXtTiny"]
FAST = ["ConvNeXt"]
SLOW = [*WHOLE, "MobileNetV2", "NASNet", "NASNet whole", "DenseNet", "EfficientNet", "ResNet"]
RISING = ("VGG16", "NASNet whole", "ResNet")
STREAMED = Storage(limit=1e-9)
TASK = single_label(["ant", "bee"])
TRAIN = SplitView("train")


def with_head(backbone: keras.Model) -> keras.Model:
    """A backbone with a softmax of two classes on it."""
    features = backbone.outputs if len(backbone.outputs) > 1 else backbone.outputs[0]
    answers = keras.layers.Dense(2, activation="softmax", name="head_predictions")(pooled(features, "avg"))
    return keras.Model(backbone.inputs[0], answers, name=backbone.name)


class Frozen(keras.layers.Layer):
    """A network in inference mode, whatever the mode of the model around it."""

    def __init__(self, inner: keras.Model):
        super().__init__(trainable=False)
        self.inner = inner

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return self.inner(inputs, training=False)


def examples(count: int, seed: int, size: int) -> Pictures:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    ids = [f"{seed + index:032x}" for index in range(count)]
    return Pictures(pixels, np.arange(count, dtype=np.int32) % 2, ids, ids)


def fit_whole(model: keras.Model, plan: Plan) -> tuple[list[float], list[list[np.ndarray]]]:
    """The phases with the whole network in Keras's own `fit`, its frozen part in inference mode."""
    losses, weights = [], []
    splits = plan.splits
    for planned in plan.phases:
        trunk = folded(plan.activations.levels[planned.depth].cut.trunk)
        inputs = keras.Input(trunk.inputs[0].shape[1:])
        whole = keras.Model(inputs, planned.top(Frozen(trunk)(inputs)))
        with unfrozen(model, planned.phase.unfreeze, batch_norm="frozen"):
            whole.compile(build_optimizer(planned.phase, plan.steps_per_epoch), TASK.loss)
            for epoch in planned.epoch_numbers:
                order = epoch_order(len(splits.train), plan.seed, epoch)
                images = splits.train.inputs[order].astype("float32")
                # batches of unknown size, as ours: a graph for one size gives other last bits for ConvNeXt
                batches = tf.data.Dataset.from_tensor_slices((images, splits.train.targets[order])).batch(TRUNK_BATCH)
                losses += whole.fit(batches, shuffle=False, verbose=0).history["loss"]
                weights.append(model.get_weights())
    return losses, weights


@pytest.mark.parametrize("name", [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_stored_streamed_and_whole_are_the_same_to_the_last_bit(name: str) -> None:
    size = 64 if name == "VGG16" else 32
    splits = Splits(examples(2 * TRUNK_BATCH, 0, size), examples(16, 100, size), None, ["ant", "bee"])
    keras.utils.set_random_seed(1)
    network = name.split()[0] if name in WHOLE else shallow(name, size)
    model = with_head(load_backbone(network, image_size=(size, size), weights="none"))
    phases = {
        "head": Phase(epochs=1, learning_rate=0.01),
        "tune": Phase(epochs=1, learning_rate=1e-4, unfreeze=1),
    }
    # so that the later epoch is the best: from random weights the loss of some rises
    task = replace(TASK, monitor="loss", mode="max" if name in RISING else "min")
    start = model.get_weights()
    draws = [generator for layer in model._flatten_layers() for generator in vars(layer).values()
             if isinstance(generator, keras.random.SeedGenerator)]  # fmt: skip
    states = [generator.state.numpy() for generator in draws]
    plan = plan_phases(model, task, splits, phases, batch_size=TRUNK_BATCH)
    assert all(plan.activations.stored)
    streamed = replace(plan.activations, stored=(frozenset(),) * len(plan.activations.levels))
    shuffled = np.random.default_rng(0).permutation(2 * TRUNK_BATCH)[:-5]  # in another order, the last batch filled up
    for planned in plan.phases:
        rows = [one.rows(planned.depth, TRAIN)[shuffled] for one in (plan.activations, streamed)]
        assert np.array_equal(*rows), planned.name
    history, weights = fine_tune(plan), model.get_weights()
    assert history.best == 1
    model.set_weights(start)
    for generator, state in zip(draws, states, strict=True):
        generator.state.assign(state)
    losses, whole = fit_whole(model, plan)
    assert losses == [row["loss"] for row in history.rows]
    assert all(map(np.array_equal, whole[1], weights))
    pairs = zip(model.weights, start, weights, strict=True)
    moved = {weight.path for weight, a, b in pairs if not np.array_equal(a, b)}
    with unfrozen(model, 1, batch_norm="frozen"):
        assert moved <= {weight.path for weight in model.trainable_weights}  # not one statistic
    assert len(moved) > 2


EVERY = np.arange(20)
POOLED, TUNED = 8 * 4, 512 * 4
"""Bytes of what is stored of a picture for each of the phases."""
PHASES = {
    "head": Phase(epochs=2, learning_rate=0.05, mixup=0.2),
    "tune": Phase(epochs=3, learning_rate=1e-3, unfreeze=1, mixup=0.2, cutmix=1.0),
}


def light(splits: Splits, views: Views = "auto") -> Splits:
    """Whose training pictures have changed views."""
    return replace(splits, augmentation=Augmentation("light", views=views))


def history(
    network: keras.Model, splits: Splits, *, views: Views = "auto", storage: Storage = Storage()
) -> tuple[list, list[np.ndarray]]:
    fresh = keras.models.clone_model(network)  # its dropouts start anew
    fresh.set_weights(network.get_weights())
    keras.utils.set_random_seed(0)
    rows = fine_tune(plan_phases(fresh, TASK, light(splits, views), PHASES, batch_size=6, storage=storage)).rows
    return [{key: row[key] for key in row if key != "seconds"} for row in rows], fresh.get_weights()


@pytest.fixture
def stored(network: keras.Model, splits: Splits) -> tuple[list, list[np.ndarray]]:
    """With three stored views, made once for the tests that hold something against it; their own store is empty."""
    if not KNOWN:
        KNOWN.append(history(network, splits, views=3))
        open_store(Storage()).clear()
    return KNOWN[0]


KNOWN: list[tuple] = []


def same(one: tuple, other: tuple) -> bool:
    return one[0] == other[0] and all(np.array_equal(a, b) for a, b in zip(one[1], other[1], strict=True))


def test_views_stored_or_streamed_are_the_same_even_with_small_batches_and_half_precision(
    network: keras.Model, splits: Splits, stored: tuple
) -> None:
    assert same(history(network, splits, views=3, storage=STREAMED), stored)
    # read from the disk in each batch
    half = history(network, splits, views=3, storage=Storage(dtype="float16", memory=0))
    assert open_store(Storage()).contents()
    assert not same(half, stored)
    assert same(history(network, splits, views=3, storage=Storage(dtype="float16", limit=1e-9)), half)
    # the first three epochs see the same views, the others new ones
    fresh = history(network, splits, views="fresh")[0]
    assert [one == other for one, other in zip(fresh, stored[0], strict=True)] == [True] * 3 + [False] * 2


def test_a_picture_goes_through_the_trunk_once(network: keras.Model, splits: Splits) -> None:
    """Pictures are looked up by the storing pass and never again; the level above starts from the one below."""

    class Watched:
        shape, dtype = splits.train.inputs.shape, splits.train.inputs.dtype

        def __init__(self, inputs: np.ndarray):
            self.inputs, self.seen = inputs, 0

        def __iter__(self) -> object:
            return iter(self.inputs)

        def __getitem__(self, positions: np.ndarray) -> np.ndarray:
            self.seen += len(positions)
            return self.inputs[positions]

    watched = {name: replace(some, inputs=Watched(some.inputs)) for name, some in splits.items()}
    plan = plan_phases(network, TASK, replace(splits, **watched), PHASES, batch_size=6)
    store_activations(plan)
    assert [watched[name].inputs.seen for name in watched] == [20, 7, 7]
    fine_tune(plan)
    assert [watched[name].inputs.seen for name in watched] == [20, 7, 7]


RUN = """
import os, signal, sys
import keras, numpy as np
import tfft.store.arrays as arrays
from tfft.data import Augmentation, Pictures, Splits
from tfft.models import load_backbone, pooled, single_label
from tfft.training import Phase, fine_tune, plan_phases

arrays.CHUNK_BYTES = 100_000  # several chunks
write_chunk, written = arrays.write_chunk, []

def write_and_perhaps_die(*args):
    if len(written) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    written.append(args)
    write_chunk(*args)

arrays.write_chunk = write_and_perhaps_die

def examples(count, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    ids = [f"{seed + index:032x}" for index in range(count)]
    return Pictures(pixels, np.arange(count, dtype=np.int32) % 2, ids, ids)

keras.utils.set_random_seed(0)
task = single_label(["ant", "bee"])
backbone = load_backbone("MobileNet", image_size=(32, 32), weights="none", options={"alpha": 0.25})
answers = keras.layers.Dense(2, activation="softmax")(pooled(backbone.output, "avg"))
model = keras.Model(backbone.inputs[0], answers)
phases = {"head": Phase(epochs=1), "tune": Phase(epochs=2, unfreeze=2)}
augmentation = Augmentation("light", views=3)
splits = Splits(examples(80, 0), examples(20, 500), None, ["ant", "bee"], augmentation=augmentation)
plan = plan_phases(model, task, splits, phases, batch_size=16)
history = fine_tune(plan)
weights = [weight.tobytes() for weight in model.get_weights()]
import hashlib
print("END", len(written), [row["loss"] for row in history.rows], hashlib.blake2b(b"".join(weights)).hexdigest())
"""


def started(store: Path, die_at: int = -1) -> subprocess.Popen[str]:
    environment = {**os.environ, "TFFT_STORE": str(store)}
    words = [sys.executable, "-c", RUN, str(die_at)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How many chunks it wrote, and its losses and weights."""
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    _, written, result = next(line for line in out.splitlines() if line.startswith("END")).split(" ", 2)
    return int(written), result


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_run_is_gone_on_with_and_two_at_once_share_the_store(tmp_path: Path) -> None:
    killed = started(tmp_path / "killed", die_at=3)
    killed.communicate(timeout=200)
    assert killed.returncode == -signal.SIGKILL
    kept = len(list((tmp_path / "killed").glob("*/*.chunk")))
    assert kept == 3
    pair = [started(tmp_path / "shared"), started(tmp_path / "shared")]
    (one, result), (other, same_result) = ended(pair[0]), ended(pair[1])
    again, after_the_kill = ended(started(tmp_path / "killed"))
    assert result == same_result == after_the_kill
    whole = len(list((tmp_path / "shared").glob("*/*.chunk")))
    assert again == whole - kept
    assert whole <= one + other


def test_a_pass_that_is_stopped_goes_on_where_it_was(
    network: keras.Model, splits: Splits, stored: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed has a slow test of its own."""
    written = []

    def write(path: Path, *rest: object) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write_chunk(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("tfft.store.arrays.write_chunk", write)
        with pytest.raises(KeyboardInterrupt):
            history(network, splits, views=3)
    kept = {path: path.stat().st_mtime_ns for path in sorted(open_store(Storage()).folder.glob("*/*.chunk"))}
    assert sorted(kept) == sorted(written)
    assert same(history(network, splits, views=3), stored)
    assert all(path.stat().st_mtime_ns >= before for path, before in kept.items())
    assert len(list(open_store(Storage()).folder.glob("*/*.chunk"))) > len(kept)


def test_a_pass_ends_soon_after_a_signal(network: keras.Model, splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a phase is being trained, signals are only recorded."""
    written = []

    def write(path: Path, *rest: object) -> None:
        stop.signal = signal.SIGTERM
        write_chunk(path, *rest)
        written.append(path)

    monkeypatch.setattr("tfft.store.arrays.CHUNK_BYTES", 1)
    monkeypatch.setattr("tfft.store.arrays.write_chunk", write)
    plan = plan_phases(network, TASK, splits, PHASES, batch_size=6)
    with postponed() as stop:
        with pytest.raises(Interrupted):
            store_activations(plan)
        assert 1 <= len(written) < 5  # of 20 examples
    assert sorted(plan.activations.store.folder.glob("*/*.chunk")) == sorted(written)


def test_damage_is_noticed_and_mended(
    network: keras.Model, splits: Splits, stored: tuple, caplog: pytest.LogCaptureFixture
) -> None:
    plan = plan_phases(network, TASK, light(splits, views=3), PHASES, batch_size=6)
    store_activations(plan)
    chunks = sorted(plan.activations.store.folder.glob("*/*.chunk"))
    for path in chunks:
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert same(history(network, splits, views=3), stored)
    assert all(str(path) in caplog.text for path in chunks)


def test_a_disk_that_is_full_costs_time_and_nothing_else(
    network: keras.Model,
    splits: Splits,
    stored: tuple,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tfft.store.arrays.write_chunk", full)
    assert same(history(network, splits, views=3), stored)
    assert "No space left" in caplog.text


def test_a_small_batch_goes_through_the_trunk_as_a_full_one(network: keras.Model, splits: Splits) -> None:
    plan = plan_phases(network, TASK, splits, PHASES, batch_size=6, storage=STREAMED)
    rows = plan.activations.rows(0, TRAIN)
    together = rows[np.arange(20)]
    assert np.array_equal(np.concatenate([rows[np.array([place])] for place in range(20)]), together)
    layout = plan.layout(0)
    order = epoch_order(20, 0, 0)
    feed = Feed(lambda _: rows, lambda _: splits.train.targets, lambda _: order, layout, batch_size=6)
    batches = training_batches(feed, count=20, epochs=range(1))
    assert np.array_equal(
        np.concatenate([np.reshape(images, (len(images), -1)) for images, _ in batches]),
        together[order],
    )
    assert len(list(evaluation_batches(rows, splits.train.targets, layout, order=np.arange(20), batch_size=7))) == 3


def test_two_pictures_that_are_equal_are_seen_alike_whatever_their_ids(
    network: keras.Model, splits: Splits, stored: tuple
) -> None:
    renamed = replace(splits, train=replace(splits.train, ids=splits.train.ids[::-1]))
    assert same(history(network, renamed, views=3, storage=STREAMED), stored)


def spotted(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A change of one's own: a white square somewhere, written into the picture that is given."""
    top, left = rng.integers(0, 24, 2)
    picture[top : top + 8, left : left + 8] = 255
    return picture


def darkened(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another one."""
    return picture // 2


def own_plan(network: keras.Model, splits: Splits, own: Augment | None, level: Level = "none", seed: int = 0) -> Plan:
    changed = replace(splits, augmentation=Augmentation(level, views=3, own=own))
    return plan_phases(network, TASK, changed, PHASES, batch_size=6, seed=seed)


@pytest.mark.parametrize("level", ["none", "strong"])
def test_a_change_of_ones_own_is_a_pure_function_of_seed_view_and_example(
    network: keras.Model, splits: Splits, level: Level
) -> None:
    before = splits.train.inputs.copy()
    plans = [own_plan(network, splits, spotted, level, seed) for seed in (0, 1)]

    def seen(plan: Plan, view: int, positions: np.ndarray = EVERY) -> np.ndarray:
        return plan.activations.rows(None, SplitView("train", view))[positions]

    first = {(seed, view): seen(plans[seed], view) for seed in (0, 1) for view in (1, 2)}
    assert all(np.array_equal(seen(plans[seed], view), pixels) for (seed, view), pixels in reversed(first.items()))
    assert len({pixels.tobytes() for pixels in first.values()}) == 4
    some = np.array([7, 3])
    assert np.array_equal(seen(plans[0], 1, some), first[0, 1][some])
    # it comes after the others and leaves what they draw as it is
    differ = (first[0, 1] != seen(own_plan(network, splits, None, level), 1)).any(axis=-1)
    assert (first[0, 1][differ] == 255).all()
    assert differ.any(axis=(1, 2)).all()
    # the first view, and what is validated on, are the pictures as they are
    assert np.array_equal(seen(plans[0], 0), before)
    assert np.array_equal(plans[0].activations.rows(None, SplitView("val"))[np.arange(7)], splits.val.inputs)
    assert [one.views for one in plans[0].phases] == [3, 3]


def test_the_source_of_a_change_of_ones_own_decides_what_is_used_again(network: keras.Model, splits: Splits) -> None:
    def missing(own: Augment | None, level: Level = "none") -> int:
        activations = own_plan(network, splits, own, level).activations
        return missing_bytes(activations, activations.stored)

    exec("def typed(picture, rng):\n    return picture // 2", typed := {})
    changes = [None, spotted, darkened, typed["typed"]]
    keys = [Augmentation(own=own).key for own in changes]
    assert all(one not in keys[:place] for place, one in enumerate(keys))
    assert Augmentation(own=spotted).key == keys[1]
    assert Augmentation("light", own=spotted).key != keys[1]
    drawing = np.random.default_rng(0)

    def unknown(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return picture // 2 + drawing.integers(2)

    assert Augmentation(own=unknown).key != Augmentation(own=unknown).key
    assert "cannot reuse" in Augmentation(own=unknown).note
    assert "cannot" not in Augmentation(own=spotted).note

    def divided(by: int) -> Augment:
        return lambda picture, rng: picture // by

    # what they close over counts; and two stand in one line
    for one, other in ((divided(2), divided(4)), (lambda p, rng: p // 2, lambda p, rng: p // 4)):
        assert Augmentation(own=one).key != Augmentation(own=other).key
    store_activations(own_plan(network, splits, spotted))
    assert missing(spotted) == 0
    # two further views, of which the head sees one; the pictures as they are are there
    lacking = 20 * (2 * TUNED + POOLED)
    assert [missing(own) for own in (None, darkened, typed["typed"])] == [0, lacking, lacking]
    assert missing(spotted, "light") == lacking


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (lambda picture: picture[1:], "(31, 32, 3)"),
        (lambda picture: picture / 255, "float64"),
        (lambda picture: picture.tolist(), "list"),
        (lambda picture: picture[1:] + np.zeros(picture.shape), "test_activations.py, line"),
    ],
)
def test_a_change_of_ones_own_gives_a_picture_like_the_one_it_is_given(
    network: keras.Model, splits: Splits, wrong: Callable[[np.ndarray], object], named: str
) -> None:
    def augment(picture: np.ndarray, rng: np.random.Generator) -> object:
        return wrong(picture)

    for own, name in ((augment, "`augment`"), (partial(augment), "`own`")):
        with pytest.raises(ConfigError) as error:
            store_activations(own_plan(network, splits, own))
        assert all(word in str(error.value) for word in (name, "(32, 32, 3)", named))


def test_numbers_too_large_for_half_precision_are_told(network: keras.Model, splits: Splits) -> None:
    network.get_layer("norm_3").gamma.assign([1e6] * 8)
    with pytest.raises(ConfigError, match=r"--store\.dtype float16"):
        history(network, splits, storage=Storage(dtype="float16"))


def test_another_process_that_fills_the_store_costs_time_and_nothing_else(
    network: keras.Model, splits: Splits, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_phases(network, TASK, light(splits, views=3), PHASES, batch_size=6)
    assert any(plan.activations.stored)
    monkeypatch.setattr(type(plan.activations.store), "has_room", lambda store, size: False)
    store_activations(plan)
    assert "--store.limit" in caplog.text
    assert len(open_store(Storage()).contents()) == 0
    assert len(plan.activations.rows(0, TRAIN)[np.arange(3)]) == 3


def test_a_layer_that_cannot_be_hashed_is_trained_too(splits: Splits) -> None:
    """It cannot be known again, so its activations are those of one plan."""
    factors = iter([2])

    class Own(keras.layers.Layer):
        def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
            return x * 2 if factors else x

    inputs = keras.Input((32, 32, 3))
    x = Own()(keras.layers.Conv2D(4, 3, strides=4)(inputs))
    backbone = keras.Model(inputs, x)
    backbone.trainable = False
    model = with_head(backbone)
    for _ in range(2):
        plan = plan_phases(model, TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
        assert missing_bytes(plan.activations, plan.activations.stored) == (20 + 7 + 7) * 4 * 4
        assert len(fine_tune(plan).rows) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("MobileNetV2", 160), ("EfficientNetB0", 64)])
def test_a_picture_is_the_same_to_the_last_bit_wherever_it_stands_in_a_batch(name: str, size: int) -> None:
    """With 32 in a batch the last one or two were not, on processors with AVX2."""
    model = with_head(load_backbone(name, image_size=(size, size), weights="none"))
    pixels = np.random.default_rng(0).integers(0, 256, (1, size, size, 3)).astype(np.uint8)
    level = levels([cut(model)], takes=Layout(((size, size, 3),), "uint8"), dtype="float32")[0]
    rows = level.run(np.repeat(pixels, TRUNK_BATCH, axis=0)).numpy()
    assert all(np.array_equal(row, rows[0]) for row in rows)


def token_network() -> keras.Model:
    """A frozen network for tokens whose features depend on all tokens and on how much is padded, and a head."""
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    mask = keras.ops.cast(keras.ops.not_equal(tokens, 0), "float32")
    x = keras.layers.Embedding(50, 64, name="words")(tokens)
    for number in range(2):
        x = keras.layers.Dense(64, activation="tanh", name=f"dense_{number}")(x)
        x = x + keras.ops.mean(x, axis=1, keepdims=True)
    for layer in keras.Model(tokens, x).layers:
        layer.trainable = False
    return with_head(keras.Model(tokens, [x, mask]))


def token_splits() -> Splits:
    def some(count: int, seed: int) -> Texts:
        rng = np.random.default_rng(seed)
        lengths = rng.integers(1, 33, count)
        tokens = np.where(np.arange(32) < lengths[:, None], rng.integers(1, 50, (count, 32)), 0).astype(np.int32)
        ids = [f"{seed + index:032x}" for index in range(count)]
        return Texts(tokens, np.arange(count, dtype=np.int32) % 2, ids, ids, widths=widths_of(lengths))

    return Splits(some(90, 0), some(20, 1), some(20, 2), ["ant", "bee"])


def test_a_text_goes_through_the_trunk_at_its_own_width_whatever_texts_are_beside_it() -> None:
    splits = token_splits()
    plan = plan_phases(token_network(), TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
    streamed = replace(plan.activations, stored=(frozenset(),))
    assert plan.activations.stored[0]
    rows = plan.activations.rows(0, TRAIN)
    every = rows[np.arange(90)]
    assert np.array_equal(every, streamed.rows(0, TRAIN)[np.arange(90)])
    for position in (0, 17, 89):
        assert np.array_equal(rows[np.array([position])][0], every[position])
    level = plan.activations.levels[0]
    text = np.repeat(splits.train.inputs[:1, : splits.train.widths[0]], TRUNK_BATCH, axis=0)
    assert np.array_equal(level.run(text).numpy()[0], every[0])


def test_texts_are_not_computed_twice_and_what_fails_to_be_stored_is_streamed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    splits = token_splits()
    for some in (splits.train.inputs, splits.train.widths):
        some[1] = some[0]  # two that are equal are stored once
    plan = plan_phases(token_network(), TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
    stored, lacking, places = plan.activations.room(0, TRAIN)
    assert stored == lacking > 0
    assert places == TRUNK_BATCH * len(set(splits.train.widths))  # a batch that is not full for each
    store_activations(plan)
    assert plan.activations.room(0, TRAIN) == (stored, 0, 0)
    again = plan_phases(token_network(), TASK, splits, {"head": Phase(epochs=1)}, batch_size=8)
    assert missing_bytes(again.activations, again.activations.stored) == 0
    full = plan_phases(token_network(), TASK, splits, {"head": Phase(epochs=1)}, batch_size=8, seed=1)
    monkeypatch.setattr(type(full.activations.store), "make_room", refuse)
    fresh = replace(full.activations, store=open_store(Storage(limit=0)), _arrays={})
    assert np.array_equal(fresh.rows(0, TRAIN)[np.arange(90)], plan.activations.rows(0, TRAIN)[np.arange(90)])
    assert "no room" in caplog.text


def refuse(store: object, size: int) -> None:
    raise OSError("no room")
