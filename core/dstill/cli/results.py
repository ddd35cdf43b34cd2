"""Results at the terminal, a page of rows at a time, with small charts; and in a CSV file, whole and exact.

show_result(task, answered, Rows(20))                 tables of at most 20 rows
show_result(task, answered, Rows(20, start=20))       the next 20
write_csv(task, answered, Path("towns.csv"))
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dstill.api.faults import about
from dstill.api.protocols import Presentation
from dstill.api.records import Table
from dstill.api.task import Task
from dstill.cli.chart import bar, curve, figures, over_time
from dstill.cli.console import draws, note, say, table, width
from dstill.errors import UsageError
from dstill.io.files import write_text
from dstill.stages.predict.predicted import PredictedAnswer

__all__ = ["MORE", "Rows", "has_more", "show_result", "write_csv"]

MORE = "more"  # what the user types at the prompt of `ask`
LONGEST_BAR, SHORTEST_BAR = 30, 8  # characters
MOST_BARS = 20  # rows; what changes over more than these is a curve
# How a formula of a spreadsheet begins. A number or a phone number is none.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d ().,/-]*(e[+-]?\d+)?$)")


@dataclass(frozen=True)
class Rows:
    """The rows of each table to show."""

    limit: int
    start: int = 0  # rows before them
    by: str = "--limit"  # how the user gets those after them: this, or the word `more`; empty: not at all

    def after(self) -> Rows:
        """The rows after these."""
        return replace(self, start=self.start + self.limit)


def show_result(task: Task, answered: PredictedAnswer, rows: Rows) -> None:
    """Show a result as tables if the task gives them, else as text. A table without columns is only its title."""
    shown = Presentation.of(task)
    with about(answered.id):
        laid_out = shown.result_tables(answered.result, answered.answer)
        if not laid_out:
            say(shown.render_result(answered.result), lines=True)
    for one in laid_out:
        if not one.columns:
            say(one.title)
        elif len(one.rows) > rows.start or not rows.start:
            _show_table(one, rows)


def has_more(task: Task, answered: PredictedAnswer, rows: Rows) -> bool:
    """Whether a table has rows after these."""
    with about(answered.id):
        tables = Presentation.of(task).result_tables(answered.result, answered.answer)
    return any(len(one.rows) > rows.after().start for one in tables)


def _show_table(shown: Table, page: Rows) -> None:
    """Show a page of the rows, and as many columns as fit the terminal."""
    count, rows = len(shown.columns), shown.rows[page.start : page.after().start]
    widths = [max(map(len, column)) + 2 for column in zip(shown.columns, *rows, strict=True)]
    while sum(widths[:count]) > width() and count > len(widths) - shown.spare:
        count -= 1
    numbers = figures(shown) if draws() else []
    if numbers and over_time(shown) and len(numbers) > MOST_BARS:
        if not page.start:
            _show_curve(shown, numbers)
        numbers = []
    columns, cells = list(shown.columns[:count]), [list(row[:count]) for row in rows]
    room = min(LONGEST_BAR, width() - sum(widths) - 1)
    if numbers and room >= SHORTEST_BAR:
        columns.append("")
        for line, number in zip(cells, numbers[page.start :], strict=False):
            line.append(bar(number, max(numbers), room))
    table(columns, cells, title=shown.title)
    _say_what_is_left(len(shown.rows), page)


def _show_curve(shown: Table, numbers: Sequence[float]) -> None:
    pairs = sorted(zip((row[0] for row in shown.rows), numbers, strict=True))
    most = max(shown.rows, key=lambda row: numbers[shown.rows.index(row)])[-1]
    margin = max(len(most), 1) + 2
    lines = curve([number for _, number in pairs], min(72, width() - margin - 1))
    for line, left in zip(lines, [most, *[""] * (len(lines) - 2), "0"], strict=True):
        say(f" {left:>{margin - 2}} {line}")
    first, last = pairs[0][0], pairs[-1][0]
    say(f"{'':{margin}}{first}{last:>{max(len(last) + 1, max(map(len, lines)) - len(first))}}")


def _say_what_is_left(most: int, page: Rows) -> None:
    left = most - page.after().start
    if left <= 0:
        return
    more = f"{left:,} more {'row' if left == 1 else 'rows'}"
    if page.by == MORE:
        say(f"  … {more}: `{MORE}` shows {'it' if left == 1 else f'the next {min(left, page.limit):,}'}")
    else:
        say(f"  … {more}{f': {page.by} {most} shows all {most:,}' if page.by else ''}")


# --- CSV --------------------------------------------------------------------------------


def write_csv(task: Task, answered: PredictedAnswer, path: Path) -> None:
    """Write all rows of the result, with exact values. Several tables follow one another after an empty line.

    Raises UsageError if the result has no table, or the file cannot be written, and DiskError.
    """
    with about(answered.id):
        tables = Presentation.of(task).result_tables(answered.result, answered.answer, True)
    tables = [one for one in tables if one.columns]
    if not tables:
        raise UsageError("the result has no table", where="--csv", hint="leave --csv out, or add --json")
    file, guarded = io.StringIO(), 0
    writer = csv.writer(file, lineterminator="\n")
    for number, one in enumerate(tables):
        if number:
            writer.writerow(())
        for row in ([name.removeprefix("#") for name in one.columns], *one.rows):
            cells = list(_guarded(row))
            guarded += sum(new != old for new, old in zip(cells, row, strict=True))
            writer.writerow(cells)
    write_text(path, file.getvalue())
    count = sum(len(one.rows) for one in tables)
    note(f"{count:,} {'row' if count == 1 else 'rows'} written to {path}")
    if guarded:
        note(f"{guarded:,} cells begin as a formula of a spreadsheet does: they have a ' in front")


def _guarded(row: Sequence[str]) -> Iterator[str]:
    """The cells, with an apostrophe before a text that a spreadsheet would run."""
    for cell in row:
        yield f"'{cell}" if _FORMULA.match(cell) else cell
