from __future__ import annotations

from typing import Any

import pytest

from tfft.errors import ConfigError
from tfft.models import DecoderSize, Search


@pytest.mark.parametrize(
    ("kind", "chosen", "said"),
    [
        (DecoderSize, {"width": 250, "heads": 4}, r"multiple of its heads.*width=250, heads=4.*--decoder.width 248"),
        (DecoderSize, {"layers": 0}, "`layers` is at least 1"),
        (DecoderSize, {"dropout": 1.0}, "`dropout`"),
        (DecoderSize, {"vocabulary": 3}, "`vocabulary`"),
        (Search, {"beams": 0}, "`beams` is at least 1"),
        (Search, {"length_penalty": -1}, "`length_penalty`"),
    ],
)
def test_what_cannot_be_is_refused(kind: type, chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**chosen)
