"""The output for a person or a program: results on stdout, progress and errors on stderr.

With ``--json`` the last line of stdout is one compact object, errors too:
``{"error": {"code", "message", "hint", "where"}}``. Text that came from questions, replies
or engines goes through `dstill.io.inert.visible`, so that it cannot control the terminal. No other module prints.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from dstill.errors import DstillError
from dstill.io.inert import indented, visible
from dstill.io.logs import inert, log
from dstill.io.strict_json import dumps
from dstill.runtime import distributed
from dstill.runtime.progress import Progress, silent

__all__ = [
    "confirm",
    "draws",
    "emit",
    "error",
    "note",
    "paragraph",
    "plain",
    "progress",
    "prompt",
    "rule",
    "say",
    "sentence",
    "table",
    "visible",
    "warnings_shown",
    "width",
]


LONGEST = 8000  # characters of an error
WIDEST = 100  # columns of a line of prose
NARROW_WIDTH = 80  # columns; a narrower terminal shows numbers without a bar


def plain() -> bool:
    """Whether to print plain text only: no colours, no bars, no escape sequences."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def draws() -> bool:
    """Whether to draw on stdout with block characters: somebody looks at a terminal that has them."""
    return sys.stdout.isatty() and not plain() and (sys.stdout.encoding or "").lower().startswith("utf")


def emit(value: Any) -> None:
    """Print one compact JSON object as a line on stdout. Invisible characters are escaped."""
    print(visible(dumps(value)), flush=True)


def say(text: str = "", *, lines: bool = False, bold: bool = False) -> None:
    """Print a line of the result on stdout. Line breaks in `text` are escaped unless `lines` allows them."""
    shown = visible(text, one_line=not lines)
    click.echo(click.style(shown, bold=True) if bold else shown)


def note(text: str, *, verbatim: bool = False) -> None:
    """Print a message on stderr, with anything that looks like a key masked.

    `verbatim` is for dstill's own text: lines are kept, and so is the variable in ``Bearer $TOKEN``, which looks like a
    key.
    """
    if verbatim:
        print(visible(text), file=sys.stderr, flush=True)
    else:
        _note_inert(indented(text))


def _note_inert(text: str) -> None:
    from dstill.io.secrets import masked

    print(masked(text), file=sys.stderr, flush=True)


def prompt(sign: str) -> None:
    """Print a sign of dstill's own before the cursor, if somebody looks at the terminal."""
    if sys.stderr.isatty():
        print(sign, end="", file=sys.stderr, flush=True)


def note_bug(error: Exception) -> None:
    """Print which unexpected exception was raised where, without its text, which may quote a question."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    at = "" if frame is None else f" at {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}"
    note(f"bug in dstill: {type(error).__name__}{at}")


def confirm(question: str, *, abort: bool = False, err: bool = False) -> bool:
    """Ask for a yes, on stdout or stderr. With `abort` any other answer raises click's Abort."""
    return click.confirm(visible(question, one_line=True), abort=abort, err=err)


@contextlib.contextmanager
def warnings_shown() -> Iterator[None]:
    """Show warnings that are logged in the block, and what is logged with ``extra={"shown": True}``.

    Errors are not shown: the command that fails reports them.
    """
    handler = _Notes(logging.INFO)
    handler.addFilter(inert)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _Notes(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._shown: set[str] = set()  # messages logged with ``extra={"once": True}``

    def emit(self, record: logging.LogRecord) -> None:
        text, is_warning = record.getMessage(), record.levelno >= logging.WARNING
        if record.levelno >= logging.ERROR or text in self._shown:
            return
        if getattr(record, "once", False):
            self._shown.add(text)
        if is_warning or getattr(record, "shown", False):
            _note_inert(f"warning: {text}" if is_warning else text)


def error(problem: DstillError, *, as_json: bool) -> None:
    """Print what went wrong, where, and what to do, a line each; with ``--json`` also the object on stdout."""
    from dstill.io.secrets import masked

    parts = {"error": problem.what, "where": problem.where, "hint": problem.hint}
    shown = "\n".join(f"{name}: {indented(part)}" for name, part in parts.items() if part)
    print(_capped(masked(shown)), file=sys.stderr, flush=True)
    if as_json:
        emit({"error": {name: masked(_capped(text)) for name, text in problem.as_json().items()}})


def _capped(text: str) -> str:
    """At most `LONGEST` characters: the text of a server or file may be of any length."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def sentence(text: str) -> None:
    """Print prose on stdout, in lines of the terminal's width and at most `WIDEST`."""
    whole = text.replace(" %", "\u00a0%")  # no line break before the sign
    lines = textwrap.fill(whole, min(width(), WIDEST), break_long_words=False, break_on_hyphens=False)
    say(lines.replace("\u00a0%", " %"), lines=True)


def width() -> int:
    """Columns of the terminal; 120 for a file or pipe."""
    if not sys.stdout.isatty():
        return 120
    from rich.console import Console

    return Console().width


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table on stdout. Columns whose name begins with ``#`` hold numbers and are aligned right."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(header_style="bold", box=None)
    for column in columns:
        # untrusted text: the name of a field, or of a student's buckets
        name = Text(visible(column.removeprefix("#"), one_line=True))
        shown.add_column(name, justify="right" if column.startswith("#") else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(visible(cell, one_line=True)) for cell in row))
    # Table(title=…) would wrap the title at the table's width
    _print(*([Text(visible(title, one_line=True), style="bold")] if title else []), shown)


def paragraph(text: str, *, bold: bool = False) -> None:
    """Print text on stdout, wrapped at the terminal's width."""
    from rich.text import Text

    _print(Text(visible(text), style="bold" if bold else ""))


def rule(title: str) -> None:
    """Print a horizontal line with `title` in it."""
    from rich.rule import Rule
    from rich.text import Text

    _print(Rule(Text(visible(title, one_line=True)), align="left"))


def _print(*shown: Any) -> None:
    """Print rich's renderables. Text must be a `Text`: rich reads square brackets in a `str` as markup."""
    from rich.console import Console

    console = Console(width=width(), highlight=False, color_system=None if plain() else "auto")
    with console.capture() as text:  # rich itself would exit if the reader has closed the pipe
        for row in shown:
            console.print(row)
    print(text.get(), end="", flush=True)


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Show progress on stderr: bars on a terminal, plain lines elsewhere, nothing in processes other than rank 0."""
    if not distributed.is_main():
        yield silent
    elif sys.stderr.isatty() and not plain():
        with _bars() as report:
            yield report
    else:
        with _lines() as report:
            yield report


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
    if console.width < NARROW_WIDTH:
        del columns["bar"], columns["elapsed"]
    known: dict[str, TaskID] = {}
    with Bars(*columns.values(), console=console, expand=console.width >= NARROW_WIDTH) as bars:

        def report(what: str, done: int, total: int, detail: str = "") -> None:
            what, detail = visible(what, one_line=True), visible(detail, one_line=True)
            if what not in known:
                known[what] = bars.add_task(what, total=total or None, detail="")
            bars.update(known[what], completed=done, total=total or None, detail=detail)

        yield report


@contextlib.contextmanager
def _lines(every: float = 10.0) -> Iterator[Progress]:
    """Lines, and one more after each `every` seconds in which nothing was reported."""
    lines, ended = _Lines(every), threading.Event()

    def remind() -> None:
        while not ended.wait(every):
            lines.remind()

    threading.Thread(target=remind, daemon=True).start()
    try:
        yield lines
    finally:
        ended.set()


class _Lines:
    """Prints a line at the start, every `every` seconds, and at the end."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._began: dict[str, tuple[float, int]] = {}
        self._last: dict[str, tuple[float, int]] = {}
        self._doing, self._heard = "", 0.0  # what was reported last that has not ended, and when

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None:
        now = time.monotonic()
        since, at = self._began.setdefault(what, (now, done))
        last, then = self._last.get(what, (-math.inf, -1))
        ended = bool(total) and done == total
        self._doing, self._heard = "" if ended else what, now
        if (now - last >= self._every or ended) and not (ended and then == done):  # print the end once
            self._last[what] = (now, done)
            left = _clock((now - since) * (total - done) / (done - at)) if at < done < total else ""
            words = [f"{what} {done}/{total}" if total else f"{what} {done}", detail, f"{left} left" if left else ""]
            note(", ".join(word for word in words if word))

    def remind(self) -> None:
        """Say what is still done, if nothing was reported for a while."""
        what, now = self._doing, time.monotonic()
        if what and now - self._heard >= self._every:
            note(f"still {what}, for {_clock(now - self._began[what][0])}")


def _clock(seconds: float) -> str:
    """Seconds as ``1:05:09``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
