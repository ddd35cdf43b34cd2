"""The files of dstill that a call runs, each with those that called it.

with followed(CORE, PLUGINS) as callers:
    run.train()
callers["dstill_torch/training.py"]       → {"dstill_linked/student.py"}
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

import dstill

__all__ = ["CORE", "PLUGINS", "followed"]

CORE = Path(dstill.__file__).parent
PLUGINS = CORE.parent.parent / "plugins"


@contextmanager
def followed(*folders: Path, through: tuple[str, ...] = (), since: str = "") -> Iterator[dict[str, set[str]]]:
    """The files below `folders` whose functions run in the block, each with those that called them.

    What a file in one of the folders `through` calls, the one before it calls. `since`: the file that begins; empty:
    the first one.
    """
    callers: dict[str, set[str]] = defaultdict(set)

    @cache  # there are millions of calls, and few files
    def below(name: str) -> str:
        file = Path(name)
        return next((file.relative_to(folder).as_posix() for folder in folders if file.is_relative_to(folder)), "")

    def file_of(frame: FrameType | None) -> str:
        return below(frame.f_code.co_filename) if frame is not None else ""

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not (called := file_of(frame)):
            return
        if frame.f_code.co_flags & inspect.CO_GENERATOR:  # rows that are read as they are needed
            return
        if not frame.f_code.co_flags & inspect.CO_NEWLOCALS:  # a module or class that is imported now
            return
        if not callers and since and called != since:
            return
        caller = frame.f_back
        while caller is not None and (not (found := file_of(caller)) or found.startswith(through)):
            caller = caller.f_back
        callers[called].add(file_of(caller))

    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield callers
    finally:
        sys.setprofile(before)
        threading.setprofile(before)
