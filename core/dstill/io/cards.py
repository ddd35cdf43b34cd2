"""What the README.md of a dataset and of a student have in common: front matter, tables, and no hidden character.

card(["license: mit"], "mine", [*table(("split", "#rows"), [("train", 800)]), "", "…"])
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Sequence

from dstill.io.inert import visible

__all__ = ["STUDENT", "card", "cell", "table"]

STUDENT = "tags: [dstill, distillation]"  # front matter


def card(front: Iterable[str], title: str, lines: Iterable[str]) -> str:
    """`front`: lines of YAML. Title and lines may hold what strangers wrote."""
    return visible("\n".join(["---", *front, "---", "", f"# {visible(title, one_line=True)}", *lines])) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of a table, after an empty one; nothing where there are no rows. Figures of a column ``#size`` line up."""
    found = list(rows)
    if found:
        yield from ("", _line(name.removeprefix("#") for name in head))
        yield _line("---:" if name.startswith("#") else "---" for name in head)
        yield from (_line(map(cell, row)) for row in found)


def cell(value: Any) -> str:
    """A value on one line, which ends no cell of a table."""
    return " ".join(str(value).replace("|", "\\|").split())


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
