"""Make the demo weights: pretrain MobileNetV2 (alpha 0.35) on procedurally generated pictures, and on nothing else.

Every picture is a shape (`shapes.py`) in front of a texture (`tfft.data.demo.textures`), and the network classifies
both. Shapes and textures are rendered once into the folder; colours, contrast, light, place, blur and noise are drawn
anew for every picture of every epoch. The state is saved after each epoch: an interrupted command continues from there
and ends with the same bits. (If it is killed between logging and saving an epoch, the log contains that epoch twice.)

    python benchmarks/pretrain_demo.py --folder runs/pretraining
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from compositions import compose
from shapes import draw_shape
from tqdm import tqdm

from tfft import files
from tfft.data.demo.textures import draw_texture
from tfft.errors import ConfigError, TfftError, check_range, listed

PER_BLOCK = 20
"""Number of shapes or textures in one rendered file."""


@dataclass(frozen=True)
class Config:
    """Settings of the pretraining; the defaults were used for the weights in the package."""

    folder: Path
    """Folder for the rendered pictures and the state of the training."""
    shapes: int = 400
    """Number of shapes to classify."""
    shape_pictures: int = 250
    """Rendered pictures of each shape."""
    textures: int = 400
    """Number of textures to classify."""
    texture_pictures: int = 16
    """Rendered pictures of each texture; they are larger than the crops used for training."""
    image_size: int = 96
    """Height and width in pixels."""
    alpha: float = 0.35
    """Width multiplier of MobileNetV2."""
    batch_size: int = 128
    """Pictures in a batch."""
    epochs: int = 12
    """Number of times that every rendered shape is shown."""
    learning_rate: float = 3e-3
    """Learning rate of AdamW after the warm-up, where the cosine decay starts."""
    weight_decay: float = 0.02
    """Weight decay of AdamW."""
    seed: int = 0
    """Random seed of the initial weights, the order and all pictures."""

    def __post_init__(self) -> None:
        for name in ("shapes", "shape_pictures", "textures", "texture_pictures", "epochs"):
            check_range(name, getattr(self, name), least=1)
        check_range("batch_size", self.batch_size, least=1, most=self.shapes * self.shape_pictures)


def main(config: Config) -> None:
    """Renders, trains from the last finished epoch, and writes `demo.weights.h5` into the folder."""
    check_range("image_size", config.image_size, least=32)  # MobileNetV2's own check would come after rendering
    claim(config)
    shapes = rendered(config, "shapes", config.shapes, _shape_block)
    textures = rendered(config, "textures", config.textures, _texture_block)
    import keras  # after forking the processes that render

    model = trained(config, shapes, textures, build)
    values = keras.Model(model.inputs, model.get_layer("out_relu").output).get_weights()
    keras.utils.clear_session()  # resets the layer numbers, which are in the file
    backbone = network(config)
    backbone.set_weights(values)
    large, small = config.folder / "large.weights.h5", config.folder / "demo.weights.h5"
    backbone.save_weights(large)
    with files.replacing(small) as part:
        compress(large, part)
    print(f"{small}: {small.stat().st_size:,} bytes, SHA-256 {hashlib.sha256(small.read_bytes()).hexdigest()}")


def claim(config: Config) -> None:
    """Makes the folder; raises `ConfigError` if it holds a pretraining with other settings."""
    if config.folder.is_file():
        raise ConfigError(f"`--folder` {config.folder} is a file", fix="Choose another")
    config.folder.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in asdict(config).items() if name != "folder"}
    path = config.folder / "config.json"
    if not path.exists():
        files.write_json(path, settings)
    if (before := files.read_json(path)) != settings:
        changed = [name for name in settings if before.get(name) != settings[name]]
        raise ConfigError(
            f"`--folder` holds a pretraining with other settings: "
            f"{listed(f'{name}={settings[name]}, not {before.get(name)}' for name in changed)} as in {path}",
            fix="Choose another",
        )


def trained(
    config: Config, shapes: list[np.ndarray], textures: list[np.ndarray], build: Callable[[Config, int], Any]
) -> Any:
    """The model of `build` after all epochs; epochs that an earlier start finished are not repeated."""
    import keras

    state = config.folder / "state.keras"
    keras.utils.set_random_seed(config.seed)
    steps = len(shapes) * config.shape_pictures // config.batch_size
    model = keras.saving.load_model(state) if state.exists() else build(config, steps)
    done = int(model.optimizer.iterations.numpy()) // steps
    print(f"{model.count_params():,} parameters, {steps} steps an epoch, {done} of {config.epochs} epochs done")
    log = keras.callbacks.CSVLogger(config.folder / "history.csv", append=True)
    for epoch in range(done, config.epochs):
        start = time.perf_counter()
        batches = pictures(config, shapes, textures, epoch, steps)
        verbose = 1 if sys.stdout.isatty() else 2
        model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, verbose=verbose, shuffle=False, callbacks=[log])
        with files.replacing(state) as part:
            model.save(part)
        print(f"epoch {epoch + 1} of {config.epochs}: {time.perf_counter() - start:.0f} s", flush=True)
    return model


def compress(path: Path, smaller: Path) -> None:
    """Copies a weights file with lossless compression; Keras reads both alike."""
    import h5py

    with h5py.File(path) as source, h5py.File(smaller, "w", libver="latest") as target:

        def copy(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                options = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if item.size > 1000 else {}
                target.create_dataset(name, data=item[()], **options)
            else:
                target.require_group(name).attrs.update(item.attrs)

        source.visititems(copy)


def network(config: Config, pixels: Any = None) -> Any:
    """MobileNetV2 without its top, on the tensor `pixels` if it is given."""
    import keras

    shape = (config.image_size, config.image_size, 3)
    return keras.applications.MobileNetV2(
        include_top=False, weights=None, alpha=config.alpha, input_tensor=pixels, input_shape=shape
    )


def build(config: Config, steps: int) -> Any:
    """The network with one head for shapes and one for textures."""
    import keras

    inputs = keras.Input((config.image_size, config.image_size, 3))
    scaled = keras.applications.mobilenet_v2.preprocess_input(inputs)
    pooled = keras.layers.GlobalAveragePooling2D()(network(config, scaled).output)
    outputs = {
        "shape": keras.layers.Dense(config.shapes, activation="softmax", name="shape")(pooled),
        "texture": keras.layers.Dense(config.textures, activation="softmax", name="texture")(pooled),
    }
    model = keras.Model(inputs, outputs)
    rate = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 20,
        decay_steps=steps * config.epochs - steps // 2,
        warmup_target=config.learning_rate,
        warmup_steps=steps // 2,
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, global_clipnorm=5.0),
        loss=dict.fromkeys(outputs, "sparse_categorical_crossentropy"),
        metrics={"shape": ["accuracy"]},
        weighted_metrics={"texture": ["accuracy"]},
    )
    return model


def rendered(config: Config, name: str, count: int, block: Callable[[tuple[Config, Path]], None]) -> list[np.ndarray]:
    """The pictures of each shape or texture, in memory; files from an earlier start are reused."""
    paths = [config.folder / name / f"{first}.npy" for first in range(0, count, PER_BLOCK)]
    paths[0].parent.mkdir(exist_ok=True)
    missing = [(config, path) for path in paths if not path.exists()]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for _ in tqdm(pool.map(block, missing), total=len(missing), desc=f"Rendering {name}", disable=not missing):
            pass
    return list(np.concatenate([np.load(path) for path in paths])[:count])


def _shape_block(job: tuple[Config, Path]) -> None:
    config, path = job
    _write_block(
        path, config.seed, config.shape_pictures, lambda number, rng: draw_shape(number, rng, config.image_size)
    )


def _texture_block(job: tuple[Config, Path]) -> None:
    config, path = job
    size = config.image_size * 5 // 3
    _write_block(path, config.seed, config.texture_pictures, lambda number, rng: draw_texture(number, rng, size))


def _write_block(path: Path, seed: int, pictures: int, draw: Callable[..., np.ndarray]) -> None:
    first = int(path.stem)
    block = [
        [draw(number, np.random.default_rng((seed, number, picture))) for picture in range(pictures)]
        for number in range(first, first + PER_BLOCK)
    ]
    with files.replacing(path) as part:
        np.save(part, np.array(block))


def pictures(config: Config, shapes: list[np.ndarray], textures: list[np.ndarray], epoch: int, steps: int) -> Any:
    """The batches of one epoch, each a pure function of seed, epoch and step."""
    import keras

    order = np.random.default_rng((config.seed, epoch)).permutation(len(shapes) * config.shape_pictures)

    class Pictures(keras.utils.PyDataset):
        def __len__(self) -> int:
            return steps

        def __getitem__(self, step: int) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
            rng = np.random.default_rng((config.seed, epoch, step))
            chosen = order[step * config.batch_size : (step + 1) * config.batch_size]
            numbers, which = np.divmod(chosen, config.shape_pictures)
            backgrounds, fills = rng.integers(len(textures), size=(2, len(chosen)))
            composed = [
                compose(shapes[number][index], self._crop(textures[back], rng), self._crop(textures[fill], rng), rng)
                for number, index, back, fill in zip(numbers, which, backgrounds, fills, strict=True)
            ]
            images, plain = (np.stack(column) for column in zip(*composed, strict=True))
            # plain backgrounds have no texture to classify
            weights = {"shape": np.ones(len(chosen), "float32"), "texture": 1 - plain.astype("float32")}
            return images, {"shape": numbers, "texture": backgrounds}, weights

        @staticmethod
        def _crop(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            size = config.image_size
            top, left = rng.integers(pictures.shape[1] - size + 1, size=2)
            part = pictures[rng.integers(len(pictures)), top : top + size, left : left + size]
            return part[:, ::-1] if rng.random() < 0.5 else part

    return Pictures(workers=2, max_queue_size=6)


if __name__ == "__main__":
    try:
        main(tyro.cli(Config))
    except TfftError as error:
        sys.exit(f"pretrain_demo: {error}")
