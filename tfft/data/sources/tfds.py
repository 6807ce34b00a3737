"""Reads pictures and texts from TensorFlow Datasets, which is imported only if a source needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from tfft.data.records import SPLIT_NAMES, Record
from tfft.data.truths.labels import Label
from tfft.data.truths.references import References
from tfft.errors import ConfigError, DataError, MachineError, listed, nearest


def records(name: str) -> list[Record]:
    """Returns the records of a picture data set, named as for `tfds.builder` (`"beans"`, `"cats_vs_dogs:4.0.1"`).

    The pictures stay encoded in memory and are decoded like those of a folder. Splits other than train, validation
    and test are left out, and so are splits without labels.
    """
    return _records(name, "Image")


def text_records(name: str) -> list[Record]:
    """Returns the records of a text data set (`"imdb_reviews"`)."""
    return _records(name, "Text")


def pair_records(name: str, source: str, target: str) -> list[Record]:
    """Returns the records of a data set of texts with one reference each (`"wmt16_translate/de-en"`, `"xsum"`).

    Args:
        name: The name for `tfds.builder`.
        source: The feature with the text.
        target: The feature with the reference.
    """
    builder = _builder(name)
    if missing := [feature for feature in (source, target) if feature not in builder.info.features]:
        raise DataError(
            f"Feature {missing[0]!r} not found in tfds:{name}, which has {listed(builder.info.features)}",
            fix="Name the right ones with `--columns.source` and `--columns.target`",
        )
    return _without_lone_train(
        [
            Record(example[source], References((example[target].decode(),)), where=where, split=split)
            for where, split, example in _examples(builder, name)
        ]
    )


def _records(name: str, kind: Literal["Image", "Text"]) -> list[Record]:
    import tensorflow_datasets as tfds

    builder = _builder(name)
    content, label = _feature_names(name, builder.info.features, getattr(tfds.features, kind), tfds)
    decoders = {content: tfds.decode.SkipDecoding()} if kind == "Image" else None
    names = builder.info.features[label].names
    return _without_lone_train(
        [
            Record(bytes(example[content]), Label(names[example[label]]), where=where, split=split)
            for where, split, example in _examples(builder, name, decoders)
            if example[label] >= 0  # the label is -1 in a split whose labels are secret
        ]
    )


def _builder(name: str) -> Any:
    import tensorflow_datasets as tfds

    import tfft.data.demo.builders  # noqa: F401 (registers the data sets of tfft)

    try:
        return tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError):  # no such name, no such version, no name
        raise ConfigError(
            f"Data set {name!r} not found in TensorFlow Datasets",
            fix=f"Nearest: {nearest(name, tfds.list_builders())}",
        ) from None


def _examples(builder: Any, name: str, decoders: Any = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields the place, the split and the features of each example."""
    import tensorflow_datasets as tfds

    try:
        builder.download_and_prepare()
    except Exception as error:  # of any kind: from the code of the data set, its host or the disk
        raise MachineError(f"TensorFlow Datasets cannot prepare {name!r}: {type(error).__name__}: {error}") from error
    for split in builder.info.splits:
        if split in SPLIT_NAMES:
            for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders))):
                yield f"tfds:{name} {split} {number}", SPLIT_NAMES[split], example


def _without_lone_train(examples: list[Record]) -> list[Record]:
    """Removes the split of the records if it is always train, so that tfft splits them."""
    if {record.split for record in examples} == {"train"}:
        return [replace(record, split=None) for record in examples]
    return examples


def _feature_names(name: str, features: Any, kind: type, tfds: Any) -> tuple[str, str]:
    """Returns the names of the picture or text feature and of the class feature."""
    contents = [key for key, feature in features.items() if isinstance(feature, kind)]
    labels = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if len(contents) != 1 or not labels:
        raise DataError(
            f"tfds:{name} needs one {kind.__name__} and one ClassLabel feature for this recipe (got "
            f"{' '.join(str(dict(features)).split())})",
        )
    return contents[0], "label" if "label" in labels else labels[0]
