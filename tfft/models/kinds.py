"""Kinds of KerasHub networks for texts: bidirectional ones, those that read left to right, and sequence to sequence."""

from __future__ import annotations

import keras


def answers(network: keras.Model) -> bool:
    """Whether a network generates texts from texts, with an encoder and a decoder that `of_layers` finds."""
    return isinstance(network, seq2seq_kinds())


def seq2seq_kinds() -> tuple[type, ...]:
    """Sequence-to-sequence networks whose decoder `of_layers` finds."""
    import keras_hub

    return keras_hub.models.BartBackbone, keras_hub.models.T5Backbone


def bidirectional_kinds() -> tuple[type, ...]:
    """Networks that take only texts and do not read them left to right."""
    from keras_hub import models

    return tuple(_backbones(models.Tokenizer) - _of_pictures_or_sounds() - _backbones(models.CausalLM))


def causal_kinds() -> tuple[type, ...]:
    """Networks that read left to right, such as GPT-2; some of them take pictures or sounds, too."""
    from keras_hub import models

    both = _backbones(models.Tokenizer) & _backbones(models.CausalLM)
    return tuple(both - _backbones(models.Seq2SeqLM))


def presets(*, causal: bool) -> set[str]:
    """Names of the presets of networks that read left to right, or of the other ones, that take texts."""
    from keras_hub import models

    if causal:
        # some presets of Gemma 3 take only texts
        kinds = {*causal_kinds()} - _of_pictures_or_sounds() | {models.Gemma3Backbone}
    else:
        kinds = {*bidirectional_kinds(), *seq2seq_kinds()}
    return {name for kind in kinds for name in kind.presets}


def _of_pictures_or_sounds() -> set[type]:
    from keras_hub import layers

    return _backbones(layers.ImageConverter) | _backbones(layers.AudioConverter)


def _backbones(kind: type) -> set[type]:
    """Networks that have a tokenizer, a task or a converter of some kind."""
    return {subclass.backbone_cls for subclass in _subclasses(kind) if subclass.backbone_cls}


def _subclasses(kind: type) -> list[type]:
    return [subclass for child in kind.__subclasses__() for subclass in (child, *_subclasses(child))]
