"""The cut: a functional model becomes a trunk, in which nothing is trained, and a top, the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from tfft.models.graph import Node, nodes_in_order

REPEATED_COST = 10
"""How many times smaller what crosses must become to pay for computing the whole trunk again in every epoch."""


USUAL_LENGTH = 32
"""Tokens of a text, where a network takes any number."""


@dataclass(frozen=True, eq=False)
class Cut:
    """A model in two parts that share its layers."""

    trunk: keras.Model | None
    """From the inputs of the model to what crosses, a tensor or a list; None if nothing frozen computes anything."""
    top: keras.Model
    """From what crosses to the outputs; from the inputs if there is no trunk."""
    crossing: tuple[keras.KerasTensor, ...] = ()
    """What crosses, in the graph of the model."""
    multiply_adds: int = 0
    """Of the trunk, for one example."""

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of what crosses, for one example."""
        return [tuple(tensor.shape[1:]) for tensor in self.crossing]


def cut(model: keras.Model) -> Cut:
    """Cuts a model by its graph and its `trainable` flags.

    The trunk is the largest prefix of the graph in which nothing is trained, less a few cheap layers at its end
    where little crosses below them: MobileNetV2 widens its tensors six times just below each change of
    resolution. A stochastic layer that was not frozen and has no frozen weight above it (the dropout of a head)
    belongs to the top, where it is active in training; any other one in the prefix (the dropout inside a frozen
    EfficientNet) belongs to the trunk. Of several inputs of the model the first alone goes into the trunk; the top
    takes the others, behind what crosses.

    Args:
        model: A functional model; one for pictures has a fixed input size.
    """
    nodes = nodes_in_order(model)
    prefix = _frozen_prefix(model, nodes)
    inside = {id(node) for node in prefix}
    order = prefix + [node for node in nodes if id(node) not in inside]
    work = [_multiply_adds(node) for node in prefix]
    end = _cheapest_end(model, order, work) if sum(work) else None
    if end is None:
        # a model of its own, for compiling it must not compile the one that is saved
        return Cut(None, keras.Model(_one_or_list(model.inputs), _one_or_list(model.outputs), name="top"))
    made = {id(tensor) for node in order[:end] for tensor in node.outputs}
    needed = [tensor for node in order[end:] for tensor in node.inputs] + list(model.outputs)
    crossing = list({id(tensor): tensor for tensor in needed if id(tensor) in made}.values())
    trunk = keras.Model(model.inputs[0], _one_or_list(crossing), name="trunk")
    # beside other tensors Keras makes a new node for an input, with which the model itself could not be saved any more
    histories = [tensor._keras_history for tensor in model.inputs[1:]]
    top = keras.Model(_one_or_list([*crossing, *model.inputs[1:]]), _one_or_list(model.outputs), name="top")
    for tensor, history in zip(model.inputs[1:], histories, strict=True):
        tensor._keras_history = history
    return Cut(trunk, top, tuple(crossing), sum(work[:end]))


def between(lower: Cut, upper: Cut) -> keras.Model:
    """What lies between two cuts of one model: from what crosses the lower to what crosses the upper."""
    given = {id(tensor) for tensor in lower.crossing}
    # Keras cannot hand an input on as an output
    outputs = [keras.layers.Identity()(tensor) if id(tensor) in given else tensor for tensor in upper.crossing]
    return keras.Model(_one_or_list(lower.crossing), _one_or_list(outputs), name="between")


def multiply_adds(model: keras.Model) -> int:
    """Multiplications with a weight, for one example (a text of usual length): of convolutions and Dense layers."""
    return sum(map(_multiply_adds, nodes_in_order(model)))


def _one_or_list(tensors: Sequence[keras.KerasTensor]) -> keras.KerasTensor | list[keras.KerasTensor]:
    """One tensor stays a tensor: Keras warns when a list meets it at a call."""
    return tensors[0] if len(tensors) == 1 else list(tensors)


def _cheapest_end(model: keras.Model, order: Sequence[Node], work: Sequence[int]) -> int | None:
    """How many nodes the trunk takes, `work` being that of the frozen prefix; None if it would compute nothing."""
    made_at = {id(tensor): place for place, node in enumerate(order) for tensor in node.outputs}
    used_at: dict[int, int] = {}
    for place, node in enumerate(order):
        used_at.update((id(tensor), place) for tensor in node.inputs)
    used_at.update((id(tensor), len(order)) for tensor in model.outputs)
    input_end = used_at.get(id(model.inputs[0]), -1)
    # only numbers that float32 holds are handed over
    sizes = {
        id(tensor): _numbers(tensor) if tensor.dtype in ("float32", "float16", "bfloat16") else math.inf
        for node in order
        for tensor in node.outputs
    }
    best, repeated, total = None, 0, sum(work)
    for end in range(len(work), input_end, -1):
        if repeated == total:
            break
        crossing = sum(size for key, size in sizes.items() if made_at[key] < end <= used_at.get(key, -1))
        cost = crossing * (1 + REPEATED_COST * repeated / total)
        if cost < (best[0] if best else math.inf):
            best = (cost, end)
        if _draws(order[end - 1]):
            break  # in training it would draw in the top
        repeated += work[end - 1]
    return best[1] if best else None


def _numbers(tensor: keras.KerasTensor) -> int:
    return math.prod(length or USUAL_LENGTH for length in tensor.shape[1:])


def _multiply_adds(node: Node) -> int:
    # embeddings, of Keras and KerasHub, are looked up and not multiplied
    if node.layer is None or not node.layer.weights or type(node.layer).__name__.endswith("Embedding"):
        return 0
    kernels = sum(math.prod(weight.shape) for weight in node.layer.weights if len(weight.shape) > 1)
    return kernels * math.prod(length or USUAL_LENGTH for length in node.outputs[0].shape[1:-1])


def _frozen_prefix(model: keras.Model, nodes: list[Node]) -> list[Node]:
    """The nodes in which nothing is trained, in order."""
    inside = {id(model.inputs[0])}
    prefix = []
    for node in nodes:
        # by the flag, not by `trainable_weights`: a BatchNorm without scale and centre has statistics alone
        trained = node.layer is not None and node.layer.trainable and bool(node.layer.weights)
        if not trained and all(id(tensor) in inside for tensor in node.inputs):
            prefix.append(node)
            inside.update(id(tensor) for tensor in node.outputs)
    # what a frozen weight depends on stays, stochastic or not; above that, a stochastic layer may open the top
    below: set[int] = set()
    for node in reversed(prefix):
        if (node.layer is not None and node.layer.weights) or any(id(t) in below for t in node.outputs):
            below.update(id(tensor) for tensor in node.inputs)
    kept, inside = [], {id(model.inputs[0])}
    for node in prefix:
        settled = any(id(tensor) in below for tensor in node.outputs) or bool(node.layer and node.layer.weights)
        stochastic = node.layer is not None and node.layer.trainable and _draws(node)
        if all(id(tensor) in inside for tensor in node.inputs) and (settled or not stochastic):
            kept.append(node)
            inside.update(id(tensor) for tensor in node.outputs)
    return kept


def _draws(node: Node) -> bool:
    """Whether a layer draws random numbers in training: something in it has a seed generator."""
    return node.layer is not None and any(
        isinstance(value, keras.random.SeedGenerator)
        for layer in node.layer._flatten_layers()
        for value in vars(layer).values()
    )
