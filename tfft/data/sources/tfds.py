"""Labelled pictures and texts from TensorFlow Datasets, imported only when a source asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from tfft.data.records import SPLIT_NAMES, Record
from tfft.data.truths.labels import Label
from tfft.data.truths.references import References
from tfft.errors import ConfigError, DataError, MachineError, listed, nearest


def records(name: str) -> list[Record]:
    """Records of pictures of `name` as `tfds.builder` takes it (`"beans"`, `"cats_vs_dogs:4.0.1"`).

    The pictures stay encoded in memory and are decoded like those of a folder. Splits that TensorFlow
    Datasets names otherwise than train, validation and test are left out, and so are those without labels.
    """
    return _records(name, "Image")


def text_records(name: str) -> list[Record]:
    """Records of texts of `name` (`"imdb_reviews"`)."""
    return _records(name, "Text")


def pair_records(name: str, source: str, target: str) -> list[Record]:
    """Records of texts of `name` with one reference each (`"wmt16_translate/de-en"`, `"xsum"`).

    Args:
        name: As `tfds.builder` takes it.
        source: Feature that holds the text.
        target: Feature that holds the reference.
    """
    builder = _builder(name)
    if missing := [feature for feature in (source, target) if feature not in builder.info.features]:
        raise DataError(
            f"The data set has a feature {missing[0]!r}",
            received=f"{listed(builder.info.features)} in tfds:{name}",
            fix="Name the right ones with `--columns.source` and `--columns.target`",
        )
    return _undivided(
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
    return _undivided(
        [
            Record(bytes(example[content]), Label(names[example[label]]), where=where, split=split)
            for where, split, example in _examples(builder, name, decoders)
            if example[label] >= 0  # a split whose labels are kept secret holds -1 in their place
        ]
    )


def _builder(name: str) -> Any:
    import tensorflow_datasets as tfds

    import tfft.data.demo.builders  # noqa: F401 (tfft's own data sets are known by their names from here on)

    try:
        return tfds.builder(name)
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError):  # no such name, no such version, no name
        raise ConfigError(
            "`--data tfds:NAME` names a TensorFlow Datasets data set",
            received=f"{name!r}",
            fix=f"Nearest: {nearest(name, tfds.list_builders())}",
        ) from None


def _examples(builder: Any, name: str, decoders: Any = None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Where each example stands, its split, and its features."""
    import tensorflow_datasets as tfds

    try:
        builder.download_and_prepare()
    except Exception as error:  # whatever a data set's own code, its host or the disk may raise
        raise MachineError(
            f"TensorFlow Datasets prepares {name!r}", received=f"{type(error).__name__}: {error}"
        ) from error
    for split in builder.info.splits:
        if split in SPLIT_NAMES:
            for number, example in enumerate(tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders))):
                yield f"tfds:{name} {split} {number}", SPLIT_NAMES[split], example


def _undivided(found: list[Record]) -> list[Record]:
    """Records of a data set that has no split but train are without one."""
    if {record.split for record in found} == {"train"}:
        return [replace(record, split=None) for record in found]
    return found


def _feature_names(name: str, features: Any, kind: type, tfds: Any) -> tuple[str, str]:
    """The one picture or text, and the one class, among the features."""
    contents = [key for key, feature in features.items() if isinstance(feature, kind)]
    labels = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if len(contents) != 1 or not labels:
        raise DataError(
            f"A data set for this recipe has one {kind.__name__} and one ClassLabel feature",
            received=f"{' '.join(str(dict(features)).split())} in tfds:{name}",
        )
    return contents[0], "label" if "label" in labels else labels[0]
