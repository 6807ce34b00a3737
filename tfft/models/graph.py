"""The graph of a functional Keras model, for the cut and the stages."""

from __future__ import annotations

from dataclasses import dataclass

import keras


@dataclass(frozen=True, eq=False)
class Node:
    """One call of an operation, usually a layer, in a model's graph."""

    operation: keras.Operation
    inputs: list[keras.KerasTensor]
    outputs: list[keras.KerasTensor]

    @property
    def layer(self) -> keras.Layer | None:
        """The operation if it is a layer, which may have weights; else None."""
        return self.operation if isinstance(self.operation, keras.Layer) else None


def nodes_in_order(model: keras.Model) -> list[Node]:
    """Returns every call between a model's inputs and outputs, inputs first."""
    done: dict[tuple[int, int], Node] = {}
    inputs = {id(tensor) for tensor in model.inputs}
    waiting = list(reversed(model.outputs))
    # depth first without recursion: DenseNet201 is deeper than Python's stack
    while waiting:
        tensor = waiting[-1]
        if id(tensor) in inputs:
            waiting.pop()
            continue
        operation, index, _ = tensor._keras_history
        if (id(operation), index) in done:
            waiting.pop()
            continue
        call = operation._inbound_nodes[index]
        missing = [t for t in call.input_tensors if not _known(t, inputs, done)]
        if missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        done[id(operation), index] = Node(operation, list(call.input_tensors), list(call.output_tensors))
    return list(done.values())


def passed_by_all(model: keras.Model) -> set[int]:
    """Returns the tensors, by `id`, that everything later in a model with one output is computed from."""
    nodes = nodes_in_order(model)
    last_use = {id(tensor): position for position, node in enumerate(nodes) for tensor in node.inputs}
    last_use[id(model.outputs[0])] = len(nodes)
    waiting, passed = {id(tensor) for tensor in model.inputs}, set()
    for position, node in enumerate(nodes):
        waiting = {key for key in waiting | {id(t) for t in node.outputs} if last_use.get(key, -1) > position}
        if len(waiting) == 1:
            passed |= waiting
    return passed


def _known(tensor: keras.KerasTensor, inputs: set[int], done: dict[tuple[int, int], Node]) -> bool:
    operation, index, _ = tensor._keras_history
    return id(tensor) in inputs or (id(operation), index) in done
