"""What a person or a program sees: results on stdout, progress and errors on stderr.

With ``--json`` the last line of stdout is one compact object, errors too:
``{"error": {"code", "message", "hint", "where"}}``. Text that came from questions, replies
or engines goes through `dstill.io.inert.visible` here, so that it cannot steer the terminal: no other module prints.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from typing import Any, Iterator, Sequence

import click

from dstill.errors import DstillError
from dstill.io.inert import indented, visible
from dstill.io.strict_json import dumps
from dstill.runtime import distributed
from dstill.runtime.progress import Progress

__all__ = [
    "confirm",
    "emit",
    "error",
    "note",
    "paragraph",
    "plain",
    "progress",
    "rule",
    "say",
    "table",
    "visible",
    "warnings_shown",
    "width",
]


LONGEST = 8000  # characters of an error
NARROW = 80  # columns: below it figures have the place of a bar


def plain() -> bool:
    """Whether the terminal is to get text alone: no colours, no bars, no escapes."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def emit(value: Any) -> None:
    """One compact JSON object, a line of stdout; what cannot be seen stands in it as escapes."""
    print(visible(dumps(value)), flush=True)


def say(text: str = "", *, lines: bool = False, bold: bool = False) -> None:
    """A line of the result, on stdout. Line breaks in `text` are escaped unless it is meant to have `lines`."""
    shown = visible(text, one_line=not lines)
    click.echo(click.style(shown, bold=True) if bold else shown)


def note(text: str, *, verbatim: bool = False) -> None:
    """A message for the person, on stderr, without what looks like a key.

    `verbatim`: a text of dstill's own. Its lines stay, and so does the variable in ``Bearer $TOKEN``, which looks
    like a key.
    """
    from dstill.config import masked

    print(visible(text) if verbatim else masked(indented(text)), file=sys.stderr, flush=True)


def confirm(question: str, *, abort: bool = False, err: bool = False) -> bool:
    """Ask for a yes, on stdout or stderr. With `abort` any other answer raises click's Abort."""
    return click.confirm(visible(question, one_line=True), abort=abort, err=err)


@contextlib.contextmanager
def warnings_shown() -> Iterator[None]:
    """What is logged as a warning meanwhile is also said to the person; errors are told by whoever ends with them."""
    log, handler = logging.getLogger("dstill"), _Told(logging.WARNING)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _Told(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._said: set[str] = set()  # what is logged with ``extra={"once": True}``

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.ERROR or text in self._said:
            return
        if getattr(record, "once", False):
            self._said.add(text)
        note(f"warning: {text}")


def error(problem: DstillError, *, as_json: bool) -> None:
    """What, where and what to do, a line each; with ``--json`` also the object on stdout.

    On a terminal the second and third line have a name before them; elsewhere a line is what it says and no more.
    """
    from dstill.config import masked

    names = ("", "where: ", "hint:  ") if sys.stderr.isatty() else ("", "", "")
    parts = zip(names, (problem.what, problem.where, problem.hint), strict=True)
    shown = "\n".join(f"{name}{indented(part)}" for name, part in parts if part)
    print(f"error: {_capped(masked(shown))}", file=sys.stderr, flush=True)
    if as_json:
        emit({"error": {name: masked(_capped(text)) for name, text in problem.as_json().items()}})


def _capped(text: str) -> str:
    """What a server or a file says may be of any length; a person reads so much of it."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def width() -> int:
    """Columns of what stdout goes to; a file or pipe has none of its own, and gets 120."""
    if not sys.stdout.isatty():
        return 120
    from rich.console import Console

    return Console().width


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """A table on stdout. Columns whose name begins with ``#`` are numbers, set to the right."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(header_style="bold", box=None)
    for column in columns:
        # a field's name, or what a student called its buckets
        name = Text(visible(column.removeprefix("#"), one_line=True))
        shown.add_column(name, justify="right" if column.startswith("#") else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(visible(cell, one_line=True)) for cell in row))
    # not the table's own title, which is wrapped at the table's width
    _print(*([Text(visible(title, one_line=True), style="bold")] if title else []), shown)


def paragraph(text: str, *, bold: bool = False) -> None:
    """Text of any length on stdout, wrapped at the terminal's width."""
    from rich.text import Text

    _print(Text(visible(text), style="bold" if bold else ""))


def rule(title: str) -> None:
    """A line across the terminal with `title` in it."""
    from rich.rule import Rule
    from rich.text import Text

    _print(Rule(Text(visible(title, one_line=True)), align="left"))


def _print(*shown: Any) -> None:
    """What rich lays out. Text comes as `Text`: rich reads square brackets in a `str` as markup."""
    from rich.console import Console

    console = Console(width=width(), highlight=False, color_system=None if plain() else "auto")
    with console.capture() as text:  # rich would end the program itself where the reader has gone
        for one in shown:
            console.print(one)
    print(text.get(), end="", flush=True)


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Bars on a terminal, plain lines elsewhere; both on stderr. Of several processes the first one's alone."""
    if not distributed.is_main():
        yield lambda what, done, total, detail="": None
    elif sys.stderr.isatty() and not plain():
        with _bars() as report:
            yield report
    else:
        yield _lines()


@contextlib.contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    def whole(**more: Any) -> Column:
        return Column(no_wrap=True, **more)

    console = Console(stderr=True)
    columns = {
        "what": TextColumn("{task.description}", markup=False, table_column=whole()),
        "bar": BarColumn(bar_width=None, table_column=Column(ratio=1, max_width=40)),
        "count": MofNCompleteColumn(table_column=whole()),
        "elapsed": TimeElapsedColumn(table_column=whole()),
        "left": TimeRemainingColumn(table_column=whole()),
        "detail": TextColumn("{task.fields[detail]}", markup=False, table_column=whole()),
    }
    if console.width < NARROW:
        del columns["bar"], columns["elapsed"]
    known: dict[str, TaskID] = {}
    with Bars(*columns.values(), console=console, expand=console.width >= NARROW) as bars:

        def report(what: str, done: int, total: int, detail: str = "") -> None:
            what, detail = visible(what, one_line=True), visible(detail, one_line=True)
            if what not in known:
                known[what] = bars.add_task(what, total=total or None, detail="")
            bars.update(known[what], completed=done, total=total or None, detail=detail)

        yield report


def _lines(every: float = 10.0) -> Progress:
    """A line when something begins, one every `every` seconds, one when it is done."""
    began: dict[str, tuple[float, int]] = {}
    last: dict[str, tuple[float, int]] = {}

    def report(what: str, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        since, at = began.setdefault(what, (now, done))
        said, then = last.get(what, (now - every, -1))
        ended = bool(total) and done == total
        if (now - said >= every or ended) and not (ended and then == done):  # the end is said once
            last[what] = (now, done)
            left = _clock((now - since) * (total - done) / (done - at)) if at < done < total else ""
            words = [f"{what} {done}/{total}" if total else f"{what} {done}", detail, f"{left} left" if left else ""]
            note(", ".join(word for word in words if word))

    return report


def _clock(seconds: float) -> str:
    """``1:05:09``, as a bar has it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
