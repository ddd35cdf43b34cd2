"""Small HTML tables for notebooks. Every text is escaped, and control and bidi characters are made visible.

table(("id", "question"), [("q-1", "a < b")])  →  "<table>…<td>a &lt; b</td>…"
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from dstill.io.inert import visible

__all__ = ["escaped", "table"]


def escaped(text: object) -> str:
    """`text` as it may stand between tags and in quoted attributes; empty for None."""
    return "" if text is None else html.escape(visible(str(text)))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> str:
    """A table; without `columns`, the first cell of each row is its heading."""
    first = "td" if columns else "th"

    def line(row: Sequence[object]) -> str:
        cells = (f"<{tag}>{escaped(cell)}</{tag}>" for tag, cell in zip([first, *["td"] * len(row)], row, strict=False))
        return f"<tr>{''.join(cells)}</tr>"

    head = f"<thead><tr>{''.join(f'<th>{escaped(column)}</th>' for column in columns)}</tr></thead>" if columns else ""
    body = "".join(map(line, rows))
    return f"<table>{f'<caption>{escaped(caption)}</caption>' if caption else ''}{head}<tbody>{body}</tbody></table>"
