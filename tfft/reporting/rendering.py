"""Pages from the templates of this folder."""

from __future__ import annotations

from typing import Any

import jinja2


def rendered(template: str, **values: Any) -> str:
    """A template filled with values, each of which it needs; text from outside is escaped."""
    folder = jinja2.PackageLoader("tfft.reporting", ".")
    environment = jinja2.Environment(loader=folder, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(template).render(values)
