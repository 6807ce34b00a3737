from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np

from recipes import image_classification as page
from recipes.image_classification import Config
from tfft import cli
from tfft.choosing import typed
from tfft.data import Columns
from tfft.training import Phase


def test_what_differs_from_the_defaults_is_typed_and_read_back() -> None:
    config = Config(
        data="my pictures/list.csv",
        columns=Columns(label="species"),
        image_size=160,
        flip=False,
        backbone_options={"alpha": 0.5},
        hidden=(8, 4),
        tune=Phase(epochs=3, unfreeze="all"),
        out="runs/choice",
    )
    words = shlex.split(typed(page, config, "MobileNet"))
    assert words[:5] == ["tfft", "run", "image_classification", "--data", "my pictures/list.csv"]
    assert words[-2:] == ["--backbone", "MobileNet"]
    read = cli.parse(Config, page.DEMO, words[3:])
    assert read == Config(**{**vars(config), "backbone": "MobileNet", "out": None})
    # the demo has defaults of its own
    assert typed(page, page.DEMO, "MobileNet") == "tfft run image_classification --data demo --backbone MobileNet"


def test_objects_are_passed_in_python() -> None:
    config = Config(data=np.zeros(3))
    assert typed(page, config, "MobileNet") == "tfft.run(\"image_classification\", data=..., backbone='MobileNet')"
    found = replace(config, dropout=0.1, tune=replace(config.tune, learning_rate=3e-4, unfreeze="all"))
    words = typed(page, found, object())
    assert words.endswith("backbone=..., dropout=0.1, tune={'learning_rate': 0.0003, 'unfreeze': 'all'})"), words
