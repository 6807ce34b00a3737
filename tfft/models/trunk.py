"""Cuts a functional model into a trunk, in which nothing is trained, and a top, the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from tfft.models.graph import Node, nodes_in_order

REPEATED_COST = 10
"""How many times smaller the crossing tensors must become to justify computing the whole trunk again in every epoch."""
USUAL_LENGTH = 32
"""Assumed number of tokens in a text, for networks that accept any length."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A model in two parts, which share its layers."""

    trunk: keras.Model | None
    """From the first input of the model to the crossing tensors; None if no frozen layer computes anything."""
    top: keras.Model
    """From the crossing tensors to the outputs; from the inputs if there is no trunk."""
    crossing: tuple[keras.KerasTensor, ...] = ()
    """The tensors that cross the cut, in the graph of the model."""
    multiply_adds: int = 0
    """Multiply-adds of the trunk for one example."""

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the crossing tensors for one example."""
        return [tuple(tensor.shape[1:]) for tensor in self.crossing]


def cut(model: keras.Model) -> Cut:
    """Cuts a model by its graph and its `trainable` flags.

    The trunk is the largest prefix of the graph in which nothing is trained, minus a few cheap layers at its end if
    the tensors below them are smaller: MobileNetV2 widens its tensors six times just below each change of resolution.
    A stochastic layer that is not frozen and has no frozen weights above it (the dropout of a head) belongs to the
    top, where it is active in training; any other stochastic layer of the prefix (the dropout inside a frozen
    EfficientNet) belongs to the trunk. If the model has several inputs, only the first goes into the trunk; the top
    takes the others after the crossing tensors.

    Args:
        model: A functional model; a model for pictures has a fixed input size.
    """
    nodes = nodes_in_order(model)
    prefix = _frozen_prefix(model, nodes)
    inside = {id(node) for node in prefix}
    order = prefix + [node for node in nodes if id(node) not in inside]
    work = [_multiply_adds(node) for node in prefix]
    end = _cheapest_end(model, order, work) if sum(work) else None
    if end is None:
        # a separate model, so that compiling it does not compile the model that is saved
        return Cut(None, keras.Model(_one_or_list(model.inputs), _one_or_list(model.outputs), name="top"))
    below = {id(tensor) for node in order[:end] for tensor in node.outputs}
    needed = [tensor for node in order[end:] for tensor in node.inputs] + list(model.outputs)
    crossing = list({id(tensor): tensor for tensor in needed if id(tensor) in below}.values())
    trunk = keras.Model(model.inputs[0], _one_or_list(crossing), name="trunk")
    # next to other tensors, Keras gives an input a new node, with which the model itself could no longer be saved
    histories = [tensor._keras_history for tensor in model.inputs[1:]]
    top = keras.Model(_one_or_list([*crossing, *model.inputs[1:]]), _one_or_list(model.outputs), name="top")
    for tensor, history in zip(model.inputs[1:], histories, strict=True):
        tensor._keras_history = history
    return Cut(trunk, top, tuple(crossing), sum(work[:end]))


def between(lower: Cut, upper: Cut) -> keras.Model:
    """Returns the part between two cuts of one model: from the lower cut's crossing tensors to the upper cut's."""
    inputs = {id(tensor) for tensor in lower.crossing}
    # Keras cannot return an input as an output
    outputs = [keras.layers.Identity()(tensor) if id(tensor) in inputs else tensor for tensor in upper.crossing]
    return keras.Model(_one_or_list(lower.crossing), _one_or_list(outputs), name="between")


def multiply_adds(model: keras.Model) -> int:
    """Returns the multiply-adds of convolutions and Dense layers for one example, or a text of usual length."""
    return sum(map(_multiply_adds, nodes_in_order(model)))


def _one_or_list(tensors: Sequence[keras.KerasTensor]) -> keras.KerasTensor | list[keras.KerasTensor]:
    """A single tensor is not put into a list: Keras would warn when the model is called with a tensor."""
    return tensors[0] if len(tensors) == 1 else list(tensors)


def _cheapest_end(model: keras.Model, order: Sequence[Node], work: Sequence[int]) -> int | None:
    """Number of nodes in the trunk, given the multiply-adds of the frozen prefix; None if it would compute nothing."""
    produced_at = {id(tensor): position for position, node in enumerate(order) for tensor in node.outputs}
    used_at: dict[int, int] = {}
    for position, node in enumerate(order):
        used_at.update((id(tensor), position) for tensor in node.inputs)
    used_at.update((id(tensor), len(order)) for tensor in model.outputs)
    input_end = used_at.get(id(model.inputs[0]), -1)
    # only values that float32 holds may cross
    sizes = {
        id(tensor): _size(tensor) if tensor.dtype in ("float32", "float16", "bfloat16") else math.inf
        for node in order
        for tensor in node.outputs
    }
    best, repeated, total = None, 0, sum(work)
    for end in range(len(work), input_end, -1):
        if repeated == total:
            break
        crossing = sum(size for key, size in sizes.items() if produced_at[key] < end <= used_at.get(key, -1))
        cost = crossing * (1 + REPEATED_COST * repeated / total)
        if cost < (best[0] if best else math.inf):
            best = (cost, end)
        if _draws(order[end - 1]):
            break  # in training it would draw in the top
        repeated += work[end - 1]
    return best[1] if best else None


def _size(tensor: keras.KerasTensor) -> int:
    return math.prod(length or USUAL_LENGTH for length in tensor.shape[1:])


def _multiply_adds(node: Node) -> int:
    # embeddings, of Keras and KerasHub, are looked up, not multiplied
    if node.layer is None or not node.layer.weights or type(node.layer).__name__.endswith("Embedding"):
        return 0
    kernels = sum(math.prod(weight.shape) for weight in node.layer.weights if len(weight.shape) > 1)
    return kernels * math.prod(length or USUAL_LENGTH for length in node.outputs[0].shape[1:-1])


def _frozen_prefix(model: keras.Model, nodes: list[Node]) -> list[Node]:
    """Returns the nodes in which nothing is trained, in order."""
    inside = {id(model.inputs[0])}
    prefix = []
    for node in nodes:
        # by the flag, not by `trainable_weights`: a BatchNorm without scale and centre has only statistics
        trained = node.layer is not None and node.layer.trainable and bool(node.layer.weights)
        if not trained and all(id(tensor) in inside for tensor in node.inputs):
            prefix.append(node)
            inside.update(id(tensor) for tensor in node.outputs)
    # nodes that frozen weights depend on stay, stochastic or not; above them, a stochastic layer may start the top
    below: set[int] = set()
    for node in reversed(prefix):
        if (node.layer is not None and node.layer.weights) or any(id(t) in below for t in node.outputs):
            below.update(id(tensor) for tensor in node.inputs)
    trunk, inside = [], {id(model.inputs[0])}
    for node in prefix:
        settled = any(id(tensor) in below for tensor in node.outputs) or bool(node.layer and node.layer.weights)
        stochastic = node.layer is not None and node.layer.trainable and _draws(node)
        if all(id(tensor) in inside for tensor in node.inputs) and (settled or not stochastic):
            trunk.append(node)
            inside.update(id(tensor) for tensor in node.outputs)
    return trunk


def _draws(node: Node) -> bool:
    """Whether a layer draws random numbers in training, that is, holds a seed generator."""
    return node.layer is not None and any(
        isinstance(value, keras.random.SeedGenerator)
        for layer in node.layer._flatten_layers()
        for value in vars(layer).values()
    )
