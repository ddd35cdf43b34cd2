"""Writes the README.md of a dataset or of a student: front matter, tables, and no hidden characters.

card(["license: mit"], "mine", [*table(("split", "#rows"), [("train", 800)]), "", "…"])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from dstill.io.inert import visible

__all__ = ["STUDENT", "card", "cell", "table"]

STUDENT = "tags: [dstill, distillation]"  # front matter


def card(front: Iterable[str], title: str, lines: Iterable[str]) -> str:
    """The text of the file. `front` is lines of YAML; `title` and `lines` may hold untrusted text."""
    return visible("\n".join(["---", *front, "---", "", f"# {visible(title, one_line=True)}", *lines])) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """An empty line and the lines of a Markdown table; nothing if there are no rows.

    A column whose heading starts with # is aligned to the right, and the # is not shown.
    """
    body = list(rows)
    if body:
        yield from ("", _line(name.removeprefix("#") for name in head))
        yield _line("---:" if name.startswith("#") else "---" for name in head)
        yield from (_line(map(cell, row)) for row in body)


def cell(value: Any) -> str:
    """A value on one line that cannot break out of its table cell."""
    return " ".join(str(value).replace("|", "\\|").split())


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
