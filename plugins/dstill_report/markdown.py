"""Renders the report as Markdown (headline and tables) for an issue, a pull request or a terminal.

    | split | student | nearest | untrained |
    | --- | --- | --- | --- |
    | test | 91.3 % [88.9, 93.2] | … |

Cells contain untrusted text, so everything that Markdown or HTML would read as markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dstill.api.records import Score
from dstill.cli.console import visible
from dstill_report.text import shown, words

if TYPE_CHECKING:
    from dstill_report.content import Report

__all__ = ["cell", "markdown"]

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&$@]|:(?=//))")


def markdown(report: Report) -> str:
    """The whole report, without plots and failures."""
    lines = [f"# {cell(report.name)}", ""]
    lines += [f"**{cell(warning)}**\n" for warning in report.warnings]
    lines += [f"- {cell(name)}: {cell(value)}" for name, value in report.facts.items()]
    lines += ["", "## Executable accuracy", "", *_headlines(report), "", cell(report.teacher_note), ""]
    lines += [
        f"{cell(headline.split)}: {cell(headline.finding)}\n" for headline in report.headlines if headline.finding
    ]
    lines += _table(
        ("on the first split", ""), [(words(name), shown(score)) for name, score in report.other_metrics.items()]
    )
    for section in report.sections:
        lines += ["", f"## {cell(section.title)}", ""]
        lines += [cell(line) + "\n" for line in section.text.splitlines()]
        lines += _table(section.table.columns, section.table.rows) if section.table else []
    lines += ["", f"{report.failures.total:,} failures are listed in report.html."]
    return "\n".join(lines) + "\n"


def cell(text: str) -> str:
    """`text` on one line, with markup escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(visible(text).split()))


def _headlines(report: Report) -> Iterator[str]:
    systems = list(dict.fromkeys(system for headline in report.headlines for system in headline.systems))
    rows = [
        (h.split, _counted(h.teacher), *(_counted(h.systems.get(system)) for system in systems))
        for h in report.headlines
    ]
    yield from _table(("split", "teacher", *systems), rows)


def _counted(score: Score | None) -> str:
    if score is None:
        return "not measured"
    return f"{shown(score)} (n {score.n:,})" if score.n else shown(score)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (columns, ["---"] * len(columns), *rows):
        yield "| " + " | ".join(text if text == "---" else cell(text) for text in row) + " |"
