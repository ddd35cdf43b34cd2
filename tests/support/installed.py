"""Entry points of the installed packages, read once while the folders of `sys.path` stay as they are.

    entry_points(group="dstill")     # as importlib.metadata's, in 0.1 ms instead of 10: it opens a file of each package

The root conftest gives it to `dstill.plugins`: each command of the tests asks, and so does the fixture `project`.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
from functools import cache
from importlib.metadata import EntryPoints

__all__ = ["entry_points"]


def entry_points(*, group: str) -> EntryPoints:
    """The entry points of a group. A folder that gains or loses a package has another time of change."""
    return _read(group, tuple((name, _changed(name)) for name in sys.path))


def _changed(folder: str) -> float:
    try:
        return os.path.getmtime(folder or os.curdir)
    except OSError:  # not there, or not for this user
        return 0.0


@cache
def _read(group: str, folders: tuple[tuple[str, float], ...]) -> EntryPoints:
    return importlib.metadata.entry_points(group=group)
