"""The road that every recipe takes, from data to a saved model with a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tfft import data, evaluation, judging, models, planning, reporting, runs, serving, training
from tfft.pages import Page, page_of
from tfft.results import Result, open_result


@dataclass(frozen=True)
class Recipe:
    """The functions of a page: what is special about a task. `config` is the `Config` of the page."""

    load_data: Callable[..., Any]  # (config, backbone) -> Splits
    build_backbone: Callable[..., Any]  # (config) -> keras.Model, frozen; for texts an Encoder
    build_model: Callable[..., Any]  # (config, labels, backbone, train) -> (keras.Model, Task)
    evaluate: Callable[..., evaluation.Evaluation]  # (model, splits, plan) -> Evaluation; `model` is `plan.answering`
    figures: Callable[..., list[reporting.Figure]]  # (model, splits, evaluation) -> figures of the report
    save: Callable[..., serving.Contract]  # (config, backbone, plan, folder); writes what is needed to use the model
    find_data: Callable[..., Any] | None = None  # (config) -> records, without splits; to score the model on other data

    def tasks(self, config: Any, backbone: Any, plan: training.Plan) -> Callable[[data.Balance], models.Task] | None:
        """Where `balance` is auto, a function to the task of a plan with another treatment of rare classes."""
        if getattr(config, "balance", "none") != "auto":
            return None
        return lambda balance: self.model_of(plan.splits, backbone, replace(config, balance=balance))[1]

    def model_of(self, splits: data.Splits, backbone: Any, config: Any) -> tuple[Any, models.Task]:
        """The model of a configuration and its task."""
        return self.build_model(config, splits.labels, backbone, splits.train)

    @property
    def page(self) -> Page:
        """The file that the functions stand in."""
        return page_of(self.load_data, self.evaluate, self.build_model)


def prepare(recipe: Recipe, current: runs.Run, *, quietly: bool = False) -> tuple[runs.Run, Any, training.Plan]:
    """The run with its final settings, backbone and plan; unless `quietly`, checks that the model can be saved and
    shows what each phase will cost."""
    backbone = current.stage("backbone", recipe.build_backbone, current.config)
    splits = current.stage("data", recipe.load_data, current.config, backbone)
    current, plan = current.stage("plan", planning.settle, current, splits, partial(recipe.model_of, splits, backbone))
    if not quietly:
        current.stage("check", judging.check, current.config, plan)
        reporting.show_plan(plan, current.config)
    return current, backbone, plan


def run(recipe: Recipe, config: Any) -> Result:
    """Trains, evaluates and saves a model in a run folder; resumes an interrupted run, and repeats no finished one."""
    with runs.open_run(recipe.page, config) as current:
        folder = current.folder
        if current.finished:
            return open_result(folder, getattr(config, "accept", ()))
        current, backbone, plan = prepare(recipe, current)
        current.record(plan.chosen_views, plan.taken)
        reporting.write_skipped(plan.splits, folder)
        serving.write_splits(plan.splits, folder)
        plan = current.stage("storing", training.store_first, plan, recipe.tasks(current.config, backbone, plan))
        save = partial(current.stage, "saving", recipe.save, current.config, backbone, plan, folder)
        options = {"changed_data": getattr(config, "changed_data", "stop"), "solved": save, "watch": current.watch}
        history = current.stage("training", training.fine_tune, plan, folder=folder, **options)
        contract = save()
        evaluate = partial(recipe.evaluate, plan.answering, plan.splits, plan)
        scored = current.stage("evaluation", judging.judge, current, plan, evaluate, contract, save)
        figures = recipe.figures(plan.model, plan.splits, scored)
        verdict = reporting.write_report(current, plan, history, scored, figures)
    return Result(models.compute_in(plan.model, "float32"), plan.splits.labels, scored.scores, history, folder, verdict)


def rehearse(recipe: Recipe, config: Any) -> training.Plan:
    """The plan of a run; nothing is trained, and no folder is made."""
    with runs.rehearse(recipe.page, config) as current:
        return prepare(recipe, current)[2]
