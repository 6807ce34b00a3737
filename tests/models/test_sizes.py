from __future__ import annotations

from typing import Any

import pytest

from tfft.errors import ConfigError
from tfft.models import DecoderSize, Search


@pytest.mark.parametrize(
    ("kind", "chosen", "said"),
    [
        (DecoderSize, {"width": 250, "heads": 4}, r"(?=.*\b250\b)(?=.*\b4\b).*--decoder\.width 248"),
        (DecoderSize, {"layers": 0}, r"layers.*\b0\b"),
        (DecoderSize, {"dropout": 1.0}, r"dropout.*\b1\b"),
        (DecoderSize, {"vocabulary": 3}, r"vocabulary.*\b3\b"),
        (Search, {"beams": 0}, r"beams.*\b0\b"),
        (Search, {"length_penalty": -1}, r"length_penalty.*-1\b"),
    ],
)
def test_what_cannot_be_is_refused(kind: type, chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        kind(**chosen)
