"""Renders the report as Markdown (verdict and tables) for an issue, a pull request or a terminal.

    | set | right, student | right, nearest | silently wrong |
    | --- | --- | --- | --- |
    | test | 91.3 % [88.9, 93.2] (n 530) | … |

Cells contain untrusted text, so everything that Markdown or HTML would read as markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dstill.api.records import Score
from dstill.cli.console import visible
from dstill_report.text import shown

if TYPE_CHECKING:
    from dstill_report.content import Report

__all__ = ["cell", "markdown"]

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$@]|:(?=//))")


def markdown(report: Report) -> str:
    """The whole report, without plots and answers."""
    lines = [f"# {cell(report.name)}", ""]
    lines += [f"**{cell(warning)}**\n" for warning in report.warnings]
    lines += [cell(sentence) + "\n" for sentence in report.verdict]
    lines += [*_headlines(report), "", cell(report.teacher_note), ""]
    lines += [f"- {cell(name)}: {cell(value)}" for name, value in report.facts.items()]
    if report.answers.labels:
        lines += ["", "## Wrong answers", "", f"{report.answers.n_wrong:,} by what went wrong first:\n"]
        lines += _table(("first", "answers"), [(label, f"{n:,}") for label, n in report.answers.labels.items()])
    for section in report.sections:
        lines += ["", f"## {cell(section.title)}", ""]
        lines += [cell(line) + "\n" for line in section.text.splitlines()]
        lines += _table(section.table.columns, section.table.rows) if section.table else []
        lines += _scores(section.scores) if section.scores else []
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """`text` on one line, with markup escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(visible(text).split()))


def _headlines(report: Report) -> Iterator[str]:
    systems = list(dict.fromkeys(system for headline in report.headlines for system in headline.systems))
    rows = [
        (
            h.split,
            *(_counted(h.systems.get(system)) for system in systems),
            _counted(h.teacher),
            _counted(h.silent),
            h.finding,
        )
        for h in report.headlines
    ]
    columns = ("set", *(f"right, {system}" for system in systems), "right, teacher", "silently wrong", "the student is")
    yield from _table(columns, rows)


def _scores(rows: Mapping[str, Mapping[str, Score]]) -> Iterator[str]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [
        (name, *(_counted(row[column]) if column in row else "" for column in columns)) for name, row in rows.items()
    ]
    yield from _table(("", *columns), cells)


def _counted(score: Score | None) -> str:
    if score is None:
        return "not measured"
    return f"{shown(score)} (n {score.n:,})" if score.n else shown(score)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(text if text == "---" else cell(text) for text in row) + " |"
