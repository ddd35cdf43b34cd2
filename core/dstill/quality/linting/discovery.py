"""The files below the paths that a user gives.

    list(files([Path("sums")], (".sum",), ["old/*"]))     [File(path=Path("sums/first.sum"), is_named=False)]

In a folder, only files with one of the suffixes count, without links, what is hidden, and installed packages. A file
that the user names always counts.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from dstill.errors import UsageError

__all__ = ["File", "files"]

_PACKAGES = ("node_modules", "site-packages", "__pycache__")


@dataclass(frozen=True, kw_only=True)
class File:
    """One file to check."""

    path: Path
    is_named: bool = True  # False: it was found in a folder


def files(paths: Iterable[Path], suffixes: Collection[str], exclude: Sequence[str] = ()) -> Iterator[File]:
    """Each file once, those of a folder in the order of their names. `exclude`: patterns of paths.

    Raises UsageError for a path that does not exist.
    """
    seen: set[Path] = set()
    for path in paths:
        is_folder = path.is_dir()
        if not is_folder and not path.exists() and str(path) != "-":
            raise UsageError(f"no file or folder {path}", where="PATH", hint="check the name and the folder")
        for file in _below(path, suffixes) if is_folder else [path]:
            if file not in seen and not _excluded(file, exclude):
                seen.add(file)
                yield File(path=file, is_named=not is_folder)


def _below(folder: Path, suffixes: Collection[str]) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PACKAGES)
        for name in sorted(names):
            file = Path(root, name)
            if not name.startswith(".") and file.suffix in suffixes and file.is_file() and not file.is_symlink():
                yield file


def _excluded(file: Path, patterns: Sequence[str]) -> bool:
    """Whether a pattern fits the path, or a folder on it."""
    parts = file.parts
    return any(fnmatch("/".join(parts[: n + 1]), pattern) for n in range(len(parts)) for pattern in patterns)
