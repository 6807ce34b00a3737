from __future__ import annotations

import pytest

from tfft.errors import ConfigError
from tfft.store import Storage


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"memory": -0.5}])
def test_sizes_are_not_negative(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Storage(**wrong)
