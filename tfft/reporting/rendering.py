"""Pages from the templates of this folder."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import jinja2
import markupsafe


def rendered(template: str, **values: Any) -> str:
    """A template filled with values, each of which it needs; in HTML text from outside is escaped, in Markdown by the
    filter `md`."""
    folder = jinja2.PackageLoader("tfft.reporting", ".")
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    options["autoescape"] = not template.endswith(".md.jinja")
    environment = jinja2.Environment(loader=folder, **options)
    environment.filters |= {"md": _in_markdown, "sentence": _in_html}
    return environment.get_template(template).render(values)


def _in_html(text: object) -> markupsafe.Markup:
    """A sentence that has no full stop yet, what stands between backticks as code."""
    said = str(markupsafe.escape(text))
    return markupsafe.Markup(re.sub("`([^`]+)`", r"<code>\1</code>", said[:1].upper() + said[1:]) + ".")


def _in_markdown(text: object) -> str:
    """Text from outside in one line of Markdown, as it is."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(str(text).split()))


def script(name: str) -> dict[str, str]:
    """The only script of a page, and the hash by which the page's security policy allows it: no other runs."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"script": text, "script_hash": f"sha256-{digest}"}
