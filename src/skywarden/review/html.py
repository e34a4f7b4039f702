"""Pieces of the report's page: tables, numbers and times as text that is safe in HTML."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any


def table(head: Iterable[str], body: Iterable[Iterable[object]]) -> str:
    """A table of escaped cells that scrolls sideways where it is too wide.

    head  headings of the columns
    body  rows of cells
    """
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    rest = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{rest}</tbody></table></div>'


def text(value: object) -> str:
    """Escaped.

    value  the value to show
    """
    return escape(str(value), quote=True)


def number(value: Any) -> str:
    """With thousands set apart; a dash for None.

    value  the value to show
    """
    return "—" if value is None else f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def seconds(value: float | None) -> str:
    """To a tenth; a dash for None.

    value  time [s], None for none
    """
    return "—" if value is None else f"{value:.1f}\N{NO-BREAK SPACE}s"
