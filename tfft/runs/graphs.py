"""Graphs of a run that can be freed after it."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any


@contextmanager
def graphs_freed() -> Iterator[None]:
    """Lets the graphs that are traced meanwhile be freed once nothing uses them, so that a notebook does not grow.

    `tf.custom_gradient` registers a function for each graph that it is traced in; every training step has one, and so
    has every Swish. TensorFlow keeps these functions for good, and with them the graphs and their variables. Here each
    is kept for as long as its graph, which can still be differentiated until then.
    """
    from tensorflow.python.framework import ops  # there is no public name

    registry = getattr(getattr(ops, "gradient_registry", None), "_registry", {})
    before = {*registry}
    try:
        yield
    finally:
        for name in {*registry} - before:
            if name.startswith("CustomGradient-") and (graph := _graph_of(registry[name].get("type"))) is not None:
                _hand_over(registry, name, graph)


def _graph_of(gradient: Any) -> Any:
    """The graph that a registered function of `tf.custom_gradient` belongs to; None if TensorFlow has changed."""
    import tensorflow as tf

    results = tf.nest.flatten(_captured(_captured(gradient).get("tape_grad_fn")).get("result"))
    return next((result.graph for result in results if tf.is_symbolic_tensor(result)), None)


def _captured(function: Any) -> Mapping[str, Any]:
    return inspect.getclosurevars(function).nonlocals if inspect.isfunction(function) else {}


def _hand_over(registry: MutableMapping[str, Any], name: str, graph: Any) -> None:
    """Keeps a registered function for as long as its graph."""
    gradient = registry[name]["type"]
    graph.custom_gradients = [*getattr(graph, "custom_gradients", []), gradient]
    alive = weakref.ref(gradient)
    registry[name]["type"] = lambda *args: alive()(*args)
    weakref.finalize(graph, registry.pop, name, None).atexit = False
