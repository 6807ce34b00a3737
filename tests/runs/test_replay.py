from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from recipes.image_classification import Config
from tfft import files, runs
from tfft.errors import ConfigError
from tfft.pages import Page, find_page, load_page
from tfft.runs import replay
from tfft.training import Phase
from tfft.training.advice import Advice

PAGE = find_page("image_classification")


@dataclass(frozen=True)
class Choices:
    sizes: tuple[int, int] = (1, 2)
    backbone: str = "a"
    head: Phase = Phase(epochs=3)
    seed: int = 0
    out: str | None = None


def test_config_comes_back_from_the_folder(tmp_path: Path) -> None:
    config = Choices(sizes=(5, 6), head=Phase(epochs=7, unfreeze="all"), seed=3, out=str(tmp_path / "run"))
    with runs.open_run(PAGE, config) as run:
        (run.folder / "result").touch()
    assert replay.read_config(Choices, tmp_path / "run", PAGE) == replace(config, out=None)


def test_a_replay_of_something_else(tmp_path: Path) -> None:
    for content, named in (
        (None, "config.json"),
        ({"recipe": PAGE.name, "config": {"colour": 1}}, "colour"),
        ({"recipe": PAGE.name, "config": []}, "config.json"),
        ({"recipe": PAGE.name, "config": {"head": 3}}, r"\b3\b"),
        ({"recipe": PAGE.name, "config": {"seed": "k"}}, "seed='k'"),
        ({}, "config.json"),
        (
            {"recipe": PAGE.name, "config": {"backbone": {"python_object": "Functional mine"}}},
            "Functional mine",
        ),
    ):
        if content is not None:
            files.write_json(tmp_path / "config.json", content)
        with pytest.raises(ConfigError, match=named):
            replay.read_config(Choices, tmp_path, PAGE)


def test_a_model_in_the_configuration_is_named(tmp_path: Path) -> None:
    class Model:
        name = "mine"

    with runs.open_run(PAGE, Choices(backbone=Model(), out=str(tmp_path / "run"))) as run:
        stored = files.read_json(run.folder / "config.json")
    assert stored["config"]["backbone"] == {"python_object": "Model mine"}


def test_to_find_data_neither_objects_nor_a_store_are_needed_and_nothing_is_downloaded(tmp_path: Path) -> None:
    stored = {"backbone": {"python_object": "Model mine"}, "data": "pictures/", "store": {"folder": "/elsewhere"}}
    files.write_json(tmp_path / "config.json", {"recipe": "image_classification", "config": stored})
    page = load_page(find_page("image_classification"))
    config = replay.data_config(page.Config, tmp_path)
    assert (config.data, config.store, config.backbone) == ("pictures/", page.Config().store, page.Config().backbone)
    files.write_json(tmp_path / "config.json", {"recipe": "image_classification", "config": {"data": "tfds:beans"}})
    with pytest.raises(ConfigError, match="`--data tfds:beans`"):
        replay.data_config(page.Config, tmp_path)
    assert replay.data_config(page.Config, tmp_path, "tfds:beans").data == "tfds:beans"


def test_a_page_of_ones_own_is_named_and_its_changes_are_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "mine.py").write_text("first")
    page, folder = Page(tmp_path / "mine.py"), tmp_path / "run"
    with runs.open_run(page, Choices(seed=3, out=str(folder))) as run:
        (run.folder / "result").touch()
    assert replay.read_config(Choices, folder, page).seed == 3
    assert not caplog.text
    assert (folder / "mine.py").read_text() == "first"  # a copy, in case the page is lost
    (tmp_path / "mine.py").write_text("second")
    assert replay.read_config(Choices, folder, page).seed == 3
    assert "mine.py" in caplog.text
    with pytest.raises(ConfigError, match=r"mine\.py.*tfft run .*mine\.py --replay"):
        replay.read_config(Choices, folder, PAGE)
    with runs.open_run(PAGE, Choices(out=str(tmp_path / "stock"))) as run:
        (run.folder / "result").touch()
    with pytest.raises(ConfigError, match=r"tfft run image_classification --replay"):
        replay.read_config(Choices, tmp_path / "stock", page)


def test_the_settings_that_a_run_trains_with(tmp_path: Path) -> None:
    advice = Advice("tune.epochs", 12, "few pictures", "a benchmark", taken=True)
    options = {"alpha": 0.35, "pooling": None}
    config = Config(recipe="auto", backbone_options=options, out=str(tmp_path), track=("mlflow",))
    chosen = {"views": {"tune": 4}, "advice": [asdict(advice)]}
    files.write_json(tmp_path / "config.json", {"config": replay.as_json(config), "chosen": chosen})
    settings = replay.trained_with(tmp_path)
    assert (settings["recipe"], settings["tune.epochs"], settings["tune.views"]) == ("auto", 12, 4)
    assert settings["head.views"] == 1
    assert settings["backbone_options"] == options
    assert not {"out", "track", "kept", "store.folder"} & settings.keys()
