"""The road that every recipe takes, from data to a saved model with a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfft import evaluation, reporting, runs, serving, training
from tfft.pages import Page, page_of

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Recipe:
    """The functions of a page: what is special about a task. `config` is the `Config` of the page."""

    load_data: Callable[..., Any]  # (config, backbone) -> Splits
    build_backbone: Callable[..., Any]  # (config) -> keras.Model, frozen; for texts an Encoder
    build_model: Callable[..., Any]  # (config, labels, backbone, train) -> (keras.Model, Task)
    evaluate: Callable[..., evaluation.Evaluation]  # (model, splits, plan) -> Evaluation; `model` is `plan.answering`
    figures: Callable[..., list[reporting.Figure]]  # (model, splits, evaluation) -> figures of the report
    save: Callable[..., None]  # (config, backbone, plan, folder); writes what is needed to use the model

    @property
    def page(self) -> Page:
        """The file that the functions stand in."""
        return page_of(self.load_data, self.evaluate, self.build_model)


@dataclass(frozen=True, eq=False)
class Result:
    """What a run leaves behind."""

    model: keras.Model
    """With the best weights of all phases."""
    labels: list[str]
    scores: evaluation.Scores
    """By split, then by metric."""
    history: training.History
    folder: Path


def prepare(recipe: Recipe, config: Any, current: runs.Run) -> tuple[Any, training.Plan]:
    """Backbone and plan; shows what each phase will train, store and cost."""
    backbone = current.stage("backbone", recipe.build_backbone, config)
    splits = current.stage("data", recipe.load_data, config, backbone)
    model, task = recipe.build_model(config, splits.labels, backbone, splits.train)
    phases = {"head": config.head, "tune": config.tune}
    options = {"batch_size": config.batch_size, "seed": config.seed, "storage": config.store}
    plan = current.stage("plan", training.plan_phases, model, task, splits, phases, **options)
    reporting.show_plan(plan, config)
    return backbone, plan


def run(recipe: Recipe, config: Any) -> Result:
    """Trains, evaluates and saves a model in a new run folder."""
    with runs.open_run(recipe.page, config) as current:
        backbone, plan = prepare(recipe, config, current)
        folder, splits = current.folder, plan.splits
        current.record(plan.chosen)
        current.stage("storing", training.store_activations, plan)
        history = current.stage("training", training.fine_tune, plan, log=folder / "history.csv")
        current.stage("saving", recipe.save, config, backbone, plan, folder)
        scored = current.stage("evaluation", recipe.evaluate, plan.answering, splits, plan)
        serving.save_thresholds(splits.labels, scored.thresholds, folder)
        reporting.write_report(current, plan, history, scored.scores, recipe.figures(plan.model, splits, scored))
        reporting.show_scores(scored.scores, folder)
    return Result(plan.model, splits.labels, scored.scores, history, folder)


def rehearse(recipe: Recipe, config: Any) -> training.Plan:
    """The plan of a run; nothing is trained, and no folder is made."""
    with runs.rehearse(recipe.page, config) as current:
        return prepare(recipe, config, current)[1]
