"""Pages from the templates of this folder."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2


def rendered(template: str, **values: Any) -> str:
    """A template filled with values, each of which it needs; text from outside is escaped."""
    folder = jinja2.PackageLoader("tfft.reporting", ".")
    options = {"autoescape": True, "undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=folder, **options)
    return environment.get_template(template).render(values)


def script(name: str) -> dict[str, str]:
    """The only script of a page, and the hash by which the page's security policy allows it: no other runs."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"script": text, "script_hash": f"sha256-{digest}"}
