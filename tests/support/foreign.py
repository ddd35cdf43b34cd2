"""Foreign files may only end a command with a documented error.

with project.copy() as made:      # the current folder, with runs/a, and a folder outside that must stay untouched
    project.check_commands(made, ("report", "runs/a"))
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

TOY = Path(__file__).parent / "toy.py"
CODES = {0, *range(2, 12)}  # of `dstill.errors`; 1 is a bug
PATIENCE = 30  # seconds after which a command hangs; on a busy machine an import alone may take ten

__all__ = ["ODD", "CommandResult", "Project", "call", "fewer", "places", "replace_at", "time_limit"]

# Values of every kind that JSON has, and some that break arithmetic, names of files and encoders.
_TEXTS = ("", "x", "../../outside/made", "\ud800", "\x1b[2J")
_NUMBERS = (0, -1, 3, 2**31 - 1, 10**30, 0.5, 1e308)
_PARTS: tuple[Any, ...] = ([], {}, [None], [["x"]], {"": None}, {"a": {"b": []}})
ODD: st.SearchStrategy[Any] = st.sampled_from([None, True, *_TEXTS, *_NUMBERS, *_PARTS])


def fewer(by: int) -> int:
    """The profile's number of examples, divided: for tests whose examples take long."""
    return max(5, settings().max_examples // by)


@dataclass(frozen=True)
class CommandResult:
    code: int
    said: str


class TookTooLong(BaseException):
    """No `except Exception` on the way takes it for something else."""


@contextlib.contextmanager
def time_limit(what: object) -> Iterator[None]:
    """Ends a block that waits or works without end."""

    def over(number: int, frame: object) -> None:
        raise TookTooLong(f"{what} took more than {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def call(*words: object) -> CommandResult:
    """A command in this process."""
    from dstill.cli import run

    out = io.StringIO()
    with time_limit(words), contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), _stdin():
        code = run(["--plugin", str(TOY), *map(str, words)])
    return CommandResult(code, out.getvalue())


@contextlib.contextmanager
def _stdin() -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO())
    try:
        yield
    finally:
        sys.stdin = before


def contents(folder: Path) -> dict[str, Any]:
    """Every file below `folder` with its bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


@dataclass(frozen=True)
class Project:
    """A folder with a finished run of the toy, copied for each example."""

    place: Path
    numbers: Iterator[int]

    @contextlib.contextmanager
    def copy(self) -> Iterator[Path]:
        """A copy to damage, as the current folder."""
        made = self.place / f"copy-{next(self.numbers)}"
        shutil.copytree(self.place / "whole", made)
        (made / "outside").mkdir()
        (made / "outside" / "file").write_text("precious")
        before = Path.cwd()
        os.chdir(made)
        try:
            yield made
        finally:
            os.chdir(before)
            shutil.rmtree(made)

    def check_commands(self, made: Path, *commands: tuple[object, ...]) -> None:
        """Each command ends as documented, and leaves what is outside the run as it was."""
        outside = contents(made / "outside")
        names = {path.name for path in made.iterdir()}
        for words in commands:
            ended = call(*words)
            assert ended.code in CODES, f"{words}: {ended.said}"
            assert "bug in dstill" not in ended.said
            assert "Traceback" not in ended.said
        assert contents(made / "outside") == outside
        new = {path.name for path in made.iterdir()} - names
        assert {name for name in new if not name.lstrip(".").startswith(("replies.sqlite", "saved.sqlite"))} == set()
        assert [path.name for path in (made / "runs").iterdir()] == ["a"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


def replace_at(value: Any, path: tuple[Any, ...], new: Any, *, remove: bool = False) -> Any:
    """`value` with `new` at `path`, or with nothing there."""
    if not path:
        return new
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if remove:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return value
