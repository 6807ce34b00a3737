"""Tables in the terminal, and that of an audit, which needs no network."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tfft.data.findings import CHECKS, Finding, audit_summary
from tfft.errors import counted, listed, printable


def shown(text: object) -> Text:
    """Text from outside for the terminal: control characters are replaced, mark-up is not interpreted."""
    return Text(printable(text))


def table_of(*columns: str) -> Table:
    """A plain table; a column whose name ends in `>` is aligned right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(shown(column.removesuffix(">")), justify="right" if column.endswith(">") else "left")
    return table


def show_audit(findings: Sequence[Finding], count: int, noun: str, *, most: int = 3) -> None:
    """Prints what is odd about data, with the first examples of each check.

    Args:
        findings: The most serious first.
        count: Number of examples that were looked at.
        noun: What they are.
        most: Examples of each check that are named.
    """
    table = table_of("check", "found>", "what it means", "first")
    for check, number in audit_summary(findings).items():
        first = (one.where for one in findings if one.check == check)
        table.add_row(shown(check), f"{number:,}", shown(CHECKS[check]), shown(listed(first, most=most)))
    if findings:
        Console().print(table)
    Console().print(shown(f"{count:,} {noun}: " + (counted(len(findings), "finding") if findings else "nothing odd")))
