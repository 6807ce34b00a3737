"""tfft: supervised fine-tuning of pretrained Keras networks.

    import tfft

    result = tfft.run("image_classification", data="pictures/", backbone="MobileNetV2")
    result.model        # a plain keras.Model
    result.scores       # by split
    result.folder       # history, report and saved model

    predict = tfft.open(result.folder)
    predict("new.jpg")  # a label with its probability

`tfft.plan` takes the same arguments and shows what a run would train, store and cost; `tfft.choose` compares
backbones, `tfft.lr` finds a learning rate, `tfft.search` searches many settings. `tfft.resume(folder)` resumes an
interrupted run. `tfft ls` lists the recipes, and `tfft run RECIPE --help` explains their settings, which are the
keyword arguments here. The same in the shell:

    tfft run image_classification --data pictures/ --backbone MobileNetV2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tfft.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from tfft.results import Result
    from tfft.searching import Searched
    from tfft.serving import Answer, Predictor
    from tfft.serving.comparing import Compared
    from tfft.serving.paired import Contest
    from tfft.training import Plan, RangeTest

__all__ = [
    "__version__",
    "choose",
    "compare",
    "evaluate",
    "export",
    "lr",
    "open",
    "plan",
    "predict",
    "resume",
    "run",
    "search",
]


def run(recipe: str, /, *, data: Any = None, labels: list[str] | None = None, **settings: Any) -> Result:
    """Fine-tunes a network with a recipe.

    Args:
        recipe: Its name, such as `"image_classification"`, or the path of a page of your own, `"mine.py"`.
        data: What `--data` takes: a folder, a table, `"tfds:NAME"`. Or arrays: `{"train": (x, y), "test": (x, y)}`, or
            `(x, y)` to be split by tfft. Or a finite `tf.data.Dataset` of such pairs, or one for each split. Pictures
            are (examples, height, width, 3), uint8, or a list of such of any size; texts are strings. None runs the
            demo.
        labels: Names of the classes, where `y` holds their indices.
        **settings: The other settings of the recipe. Groups may be dictionaries: `tune={"epochs": 3}`. With
            `recipe="auto"` tfft advises on those that you leave out, and `time_budget="10m"` fits them into a time.

    Returns:
        `model`, with the best weights of all phases, `labels`, `scores` by split, `history` and `folder`.

    Raises:
        TfftError: Saying what is wrong, where, and what to change.

    Example:

        tfft.run("image_classification", data="pictures/", backbone="MobileNetV2", tune={"unfreeze": 3})
    """
    from tfft import front

    page = front.open_page(recipe)
    return page.run(front.configure(page, data, labels, settings))


def plan(recipe: str, /, *, data: Any = None, labels: list[str] | None = None, **settings: Any) -> Plan:
    """Shows what `run` would train, store and cost. Nothing is trained, and no folder is made.

    Args:
        recipe: As for `run`, and so are `data`, `labels` and the settings.
        data: The data.
        labels: Names of the classes.
        **settings: The other settings.

    Returns:
        The plan: model, task, splits and phases.
    """
    from tfft import front, workflow

    page = front.open_page(recipe)
    return workflow.rehearse(page.RECIPE, front.configure(page, data, labels, settings))


def choose(
    recipe: str,
    /,
    *,
    data: Any = None,
    labels: list[str] | None = None,
    backbones: Sequence[Any] = (),
    budget: str | float | None = None,
    **settings: Any,
) -> list[dict[str, Any]]:
    """Compares backbones on your data, and says which to take.

    For each a linear head is solved on its frozen features of the training split, once on those of the last block and
    once on those of all, and nearest neighbours are asked. The validation split is scored; the test split is left
    alone. What is stored of a backbone is used again by `run`.

    Args:
        recipe: As for `run`, with a linear head: pictures or texts with classes, tags or numbers.
        data: The data.
        labels: Names of the classes.
        backbones: Names, `.keras` files, folders of encoders, or models; if there are none, the networks of
            `keras.applications` whose weights are on this machine.
        budget: Time for all, such as `"10m"`, or seconds. The cheapest is measured first, and one that would not fit
            into what is left is left out.
        **settings: The other settings. `out` is a new folder for `choice.csv` and `choice.html`.

    Returns:
        The rows of `choice.csv`, the best first. A backbone that cannot be used, or was left out, has no score but a
        reason.

    Raises:
        TfftError: If the recipe has no linear head, the data cannot be used, or no backbone could be measured.

    Example:

        rows = tfft.choose("image_classification", data="pictures/", backbones=["MobileNetV2", "EfficientNetB0"])
        tfft.run("image_classification", data="pictures/", backbone=rows[0]["backbone"])
    """
    from tfft import choosing, front

    page = front.open_page(recipe)
    config = front.configure(page, data, labels, settings)
    return choosing.choose(page, config, backbones=backbones, budget=budget)


def lr(
    recipe: str,
    /,
    *,
    data: Any = None,
    labels: list[str] | None = None,
    phase: Literal["head", "tune"] | None = None,
    **settings: Any,
) -> RangeTest:
    """Finds a learning rate for a phase in a range test, on training and validation examples.

    The rate rises from batch to batch until the loss breaks down. The phase begins as in a run: after an earlier phase,
    from its best weights. What is stored of frozen layers is used again by `run`. In a run, the rate `"find"` does the
    same at the start of its phase.

    Args:
        recipe: As for `run`, and so are `data`, `labels` and the settings.
        data: The data.
        labels: Names of the classes.
        phase: The phase; by default the last that is trained, not solved.
        **settings: The other settings. `out` is a new folder for `learning_rates.csv` and `learning_rates.svg`.

    Returns:
        The `rows` of `learning_rates.csv`, and the `suggestion`.

    Raises:
        TfftError: If the phase has no epochs or its head is solved, or the data cannot be used.

    Example:

        rate = tfft.lr("image_classification", data="pictures/").suggestion
        tfft.run("image_classification", data="pictures/", tune={"learning_rate": rate})
    """
    from tfft import choosing, front

    page = front.open_page(recipe)
    return choosing.find_rate(page, front.configure(page, data, labels, settings), phase=phase)


def search(
    recipe: str,
    /,
    *,
    data: Any = None,
    labels: list[str] | None = None,
    trials: int = 30,
    space: Mapping[str, Sequence[Any]] | None = None,
    backbones: Sequence[str] = (),
    **settings: Any,
) -> Searched:
    """Searches the settings of a recipe with Optuna, then runs it with the best.

    Trials train as `run` does and share its store, so frozen layers are computed once. They are compared on the
    validation split; the test split is only scored by the last run. A trial below the median of the others is stopped
    early. The same call with the same `out` continues a search that was stopped, and repeats no trial.

    Args:
        recipe: As for `run`, and so are `data`, `labels` and the settings. They are the first trial and the middle of
            what is searched: learning rates by a factor of 10 up and down, dropout, the blocks that the head sees, and
            for the last phase epochs, stages to unfreeze, schedule and weight decay.
        data: The data.
        labels: Names of the classes.
        trials: How many trials the folder is to have in the end.
        space: Changes to what is searched, a list for each setting: two numbers are the ends of a range (by factors for
            learning rates and weight decays), one value is held, all else are choices. For instance
            `{"tune.learning_rate": [1e-5, 1e-3], "tune.schedule": ["cosine", "constant"], "dropout": [0.2]}`.
        backbones: Names of backbones to choose from.
        **settings: The other settings. `out` is the folder, by default `runs/search-RECIPE`; `seed` decides the trials.

    Returns:
        `best`, the result of the run in `out/best`, its searched `values`, `trials`, a row for each, and `folder`.

    Raises:
        TfftError: If the space is wrong, the folder has a search of other settings or data, or Optuna is missing.

    Example:

        found = tfft.search("image_classification", data="pictures/", trials=30, out="runs/search")
        found.best.scores["test"]
    """
    from tfft import front, searching

    page = front.open_page(recipe)
    config = front.configure(page, data, labels, settings)
    return searching.search(page, config, trials=trials, space=space, backbones=backbones)


def resume(
    folder: str | os.PathLike[str],
    *,
    page: str | os.PathLike[str] | None = None,
    changed_data: Literal["stop", "accept"] = "stop",
) -> Result:
    """Resumes an interrupted run, with the same bits as if it had never stopped.

    The same call of `run` does so too; where arrays or models were passed, it needs `out=folder`. If the run has
    finished, its result is returned.

    Args:
        folder: The run folder.
        page: The page of your own that made the run; None for a recipe that comes with tfft.
        changed_data: What to do if the data have changed since the run began: stop, or accept the data as they are now.

    Returns:
        As for `run`.

    Raises:
        TfftError: If there is no run in the folder, its data have changed since it began, or it was made by a page of
            your own and `page` is None.
    """
    from tfft import front

    return front.resume(folder, page, changed_data=changed_data)


def open(  # noqa: A001  (`tfft.open` reads well, and nothing here opens files)
    folder: str | os.PathLike[str], *, column: str | None = None, lines: bool = False
) -> Predictor:
    """Opens the model of a finished run, to answer for new pictures or texts.

    They are read by the code that reads them for training: EXIF rotation, CMYK, 16 bits, size. The folder may be from
    another machine; `model.keras` and `serving.json` suffice. It runs no code, whoever it is from.

    Args:
        folder: The run folder.
        column: Column of tables that has the paths or texts; None for that of the run.
        lines: Whether each line of a .txt file is a text of its own.

    Returns:
        A function from inputs to answers; see `tfft.serving.Predictor`.

    Raises:
        TfftError: If there is no finished run in the folder, or its files are damaged.

    Example:

        predict = tfft.open("runs/mine")
        predict("ant.jpg").label
    """
    from tfft import front

    return front.open_run(folder, column=column, lines=lines)


def predict(folder: str | os.PathLike[str], inputs: Any, *, tta: bool = False) -> Answer | list[Answer]:
    """Answers for new pictures or texts; `open` is quicker where more than one call is made.

    Args:
        folder: The run folder.
        inputs: One input or several, see `tfft.serving.Predictor`.
        tta: Whether to take the mean over each picture and its mirror image.

    Returns:
        One answer, or a list.

    Raises:
        TfftError: If there is no finished run in the folder, or the inputs are of no kind that it can take.
    """
    return open(folder)(inputs, tta=tta)


def evaluate(
    folder: str | os.PathLike[str],
    *,
    data: Any = None,
    labels: list[str] | None = None,
    page: str | os.PathLike[str] | None = None,
    tta: bool = False,
) -> dict[str, Any]:
    """Scores the model of a finished run on data with ground truth.

    Args:
        folder: The run folder.
        data: As for `run`; all examples are scored but those that the run was trained or validated on. None scores
            the test split of the run again.
        labels: Names of the classes, where arrays hold their indices.
        page: The page of your own that made the run; None for a recipe that comes with tfft.
        tta: Whether to take the mean over each picture and its mirror image.

    Returns:
        The scores by name.

    Raises:
        TfftError: If there is nothing to score, or the data have labels that the run does not know.
    """
    from tfft import front

    return front.evaluate(folder, page, data, labels, tta=tta)


def compare(
    folders: Sequence[str | os.PathLike[str]],
    /,
    *,
    data: Any = None,
    labels: list[str] | None = None,
    page: str | os.PathLike[str] | None = None,
) -> Contest:
    """Scores several runs on the same examples, and says whether they differ; shows a table.

    Args:
        folders: Two or more run folders with the same task and labels; the others are compared with the first.
        data: As for `run`; None for the test split (or val split) of the first run. Examples that any of the runs was
            trained or validated on are left out.
        labels: Names of the classes, where the targets of arrays are indices.
        page: The page that made the first run, if it is your own.

    Returns:
        For each run `scores` and `intervals`, and how much better it is than the first, by paired bootstrap:
        `differences`, with an interval and a p value.

    Raises:
        TfftError: Saying what is wrong, where, and what to change.
    """
    from tfft import front

    return front.compare(folders, page, data, labels)


def export(
    folder: str | os.PathLike[str],
    formats: Sequence[str],
    *,
    out: str | os.PathLike[str] | None = None,
    data: Any = None,
    labels: list[str] | None = None,
    page: str | os.PathLike[str] | None = None,
) -> dict[str, Compared]:
    """Exports the model of a finished run, with its preprocessing inside and its labels beside it.

    Each export is opened in its own runtime and asked about held-out examples. It is kept if it answers as the model
    does: outputs may differ by 0.001 of the largest and the score by 0.002 (8-bit integers: the score by 0.015).

    Args:
        folder: The run folder.
        formats: One or several of `saved_model`, `litert`, `litert-int8`, `onnx`, `mlflow`.
        out: Where each format becomes a folder of its name; None for `export` in the run folder.
        data: Data to compare on, as for `evaluate`; None for the test split of the run.
        labels: Names of the classes, where arrays hold their indices.
        page: The page of your own that made the run; None for a recipe that comes with tfft.

    Returns:
        For each format how it answers beside the model.

    Raises:
        TfftError: If an export is not kept, a package is missing, or the folder exists.
    """
    from tfft import front

    return front.export(folder, formats, out, page, data, labels)
