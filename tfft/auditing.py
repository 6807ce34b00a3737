"""`tfft audit`: what is odd about data, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfft import data, files, pictures, reporting
from tfft.data.records import digested
from tfft.errors import ConfigError

if TYPE_CHECKING:
    from tfft.workflow import Recipe


def audit(recipe: Recipe, config: Any) -> list[data.Finding]:
    """Prints what is odd about the data of a configuration, the most serious first.

    Args:
        recipe: Finds the data.
        config: Of the recipe; `out` is a new .json file for all findings, or None.

    Raises:
        ConfigError: If the page has no `find_data`, or the file exists.
        DataError: If there are no data.
    """
    if recipe.find_data is None:
        raise ConfigError("The page has no `find_data`", fix="Add one as in the recipes, and pass it to `Recipe`")
    out = None if config.out is None else Path(config.out)
    if out is not None and (out.exists() or out.suffix != ".json"):
        raise ConfigError(f"`--out` must be a new .json file (got {out})", fix="Choose another name")
    if out is not None and not out.parent.is_dir():
        raise ConfigError(f"Folder not found: {out.parent}", fix="Make it first, or choose another `--out`")
    records = recipe.find_data(config)
    if isinstance(config, pictures.Config):
        marked = data.mark_near_duplicates(records, config.store)
        findings = data.audit_pictures(marked, config.store, pictures.size_of(config))
        noun = "pictures"
    else:
        findings, noun = data.audit_texts(records if records[0].digest else digested(records)), "texts"
    reporting.show_audit(findings, len(records), noun)
    if out is not None:
        files.write_json(out, data.audit_json(findings))
    return findings
