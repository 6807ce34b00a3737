"""The demo data as TensorFlow Datasets, generated on this machine without a download.

    import tensorflow_datasets as tfds
    import tfft.data.demo.builders

    tfds.load("tfft_digits_boxes")

| name | `--data` | content |
| --- | --- | --- |
| `tfft_digits` | `demo` | 1,797 real handwritten digits, one in each picture (`digits`) |
| `tfft_digits_boxes` | `demo:boxes` | one to five digits on a textured background, with boxes (`scenes`) |
| `tfft_digits_masks` | `demo:masks` | the same pictures, with the class of each pixel |
| `tfft_digits_tags` | `demo:tags` | the same pictures, with the set of their digits |
| `tfft_digits_count` | `demo:count` | the same pictures, with the sum of their digits |
| `tfft_text` | `demo:text` | generated reviews, negative or positive (`phrases`) |
| `tfft_pairs` | `demo:pairs` | generated English sentences with a German translation (`phrases`) |
| `tfft_summaries` | `demo:summaries` | generated notices with a summary (`notices`) |

`demo` is for `recipes.image_classification`; `demo:boxes` for `object_detection`, `demo:masks` for
`semantic_segmentation`, `demo:tags` for `image_multilabel`, `demo:count` for `image_regression`, `demo:text` for
`text_classification`, `demo:pairs` for `translation` and `demo:summaries` for `summarization`.
Scenes, texts and pairs have the splits train, validation and test. Digits have only train, which a recipe splits.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from tfft.data.demo import notices, phrases, scenes
from tfft.data.demo.digits import digits
from tfft.data.records import SPLIT_NAMES

SPLITS = ("train", "validation", "test")


DIGITS = [str(digit) for digit in range(10)]


SIDES = (scenes.SIDE, scenes.SIDE)


def _builder(
    name: str,
    description: str,
    features: Callable[[], dict[str, Any]],
    examples: Callable[[str], Iterator[dict[str, Any]]],
    splits: tuple[str, ...] = SPLITS,
) -> type[tfds.core.GeneratorBasedBuilder]:
    """A builder class of TensorFlow Datasets, which registers itself under its name in snake case.

    Args:
        name: Name of the class, in camel case.
        description: Description of the data.
        features: Returns the features of an example; called on demand.
        examples: Returns the examples of a split, given its name in tfft.
        splits: Names of the splits in TensorFlow Datasets.
    """

    def _info(self: tfds.core.GeneratorBasedBuilder) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self, description=description, features=tfds.features.FeaturesDict(features())
        )

    def _split_generators(self: tfds.core.GeneratorBasedBuilder, dl_manager: Any) -> dict[str, Any]:
        return {split: self._generate_examples(SPLIT_NAMES[split]) for split in splits}

    def _generate_examples(self: tfds.core.GeneratorBasedBuilder, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from enumerate(examples(split))

    attributes = {"VERSION": tfds.core.Version("1.0.0"), "__module__": __name__, "__doc__": description}
    methods = {"_info": _info, "_split_generators": _split_generators, "_generate_examples": _generate_examples}
    return type(name, (tfds.core.GeneratorBasedBuilder,), attributes | methods)


def _of_scenes(
    name: str, description: str, features: Callable[[], dict[str, Any]], truth: Callable[[scenes.Scene], dict[str, Any]]
) -> type[tfds.core.GeneratorBasedBuilder]:
    return _builder(
        name,
        f"One to five real handwritten digits on a generated texture, {description}. No digit is in two splits.",
        lambda: {"image": tfds.features.Image(shape=(*SIDES, 3)), **features()},
        lambda split: ({"image": scene.picture, **truth(scene)} for scene in scenes.scenes(split)),
    )


def _digit_examples(split: str) -> Iterator[dict[str, Any]]:
    for record in digits():
        yield {"image": io.BytesIO(record.read()), "label": record.truth.name}


def _boxes(scene: scenes.Scene) -> dict[str, Any]:
    """Boxes in the form of TensorFlow Datasets: fractions of height and width, top and left first."""
    return {
        "objects": [
            {"bbox": tfds.features.BBox(top, left, bottom, right), "label": int(digit)}
            for (left, top, right, bottom), digit in zip(scene.boxes / scenes.SIDE, scene.digits, strict=True)
        ]
    }


TfftDigits = _builder(
    "TfftDigits",
    "1,797 real handwritten digits, 8 x 8 pixels, as scikit-learn ships them.",
    lambda: {"image": tfds.features.Image(shape=(8, 8, 1)), "label": tfds.features.ClassLabel(names=DIGITS)},
    _digit_examples,
    splits=("train",),
)


TfftDigitsBoxes = _of_scenes(
    "TfftDigitsBoxes",
    "with a box around each",
    lambda: {
        "objects": tfds.features.Sequence(
            {"bbox": tfds.features.BBoxFeature(), "label": tfds.features.ClassLabel(names=DIGITS)}
        )
    },
    _boxes,
)


TfftDigitsMasks = _of_scenes(
    "TfftDigitsMasks",
    "with the class of each pixel: 0 is the background, 1 to 10 are the digits 0 to 9",
    lambda: {"mask": tfds.features.Image(shape=(*SIDES, 1))},
    lambda scene: {"mask": scene.mask[..., None]},
)


TfftDigitsTags = _of_scenes(
    "TfftDigitsTags",
    "with the set of its digits",
    lambda: {"tags": tfds.features.Sequence(tfds.features.ClassLabel(names=DIGITS))},
    lambda scene: {"tags": np.unique(scene.digits).tolist()},
)


TfftDigitsCount = _of_scenes(
    "TfftDigitsCount",
    "with the sum of the digits",
    lambda: {"count": tfds.features.Scalar(np.int32)},
    lambda scene: {"count": scene.count},
)


TfftText = _builder(
    "TfftText",
    "Reviews generated from word lists, negative or positive. No person wrote them.",
    lambda: {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(names=["negative", "positive"])},
    lambda split: (
        {"text": review.text, "label": review.label} for review in phrases.reviews() if review.split == split
    ),
)


TfftPairs = _builder(
    "TfftPairs",
    "Generated English sentences about dates and hours, with a German translation. No person wrote them.",
    lambda: {"en": tfds.features.Text(), "de": tfds.features.Text()},
    lambda split: ({"en": pair.source, "de": pair.target} for pair in phrases.pairs() if pair.split == split),
)


TfftSummaries = _builder(
    "TfftSummaries",
    "Generated notices, each with a summary of one sentence. No person wrote them.",
    lambda: {"document": tfds.features.Text(), "summary": tfds.features.Text()},
    lambda split: (
        {"document": notice.document, "summary": notice.summary}
        for notice in notices.summaries()
        if notice.split == split
    ),
)
