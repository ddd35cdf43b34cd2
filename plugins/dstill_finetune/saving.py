"""Saving a student: a disk that is full, said to a person, and files that others may read too.

    with saving(folder):
        model.save_pretrained(folder)
    share(folder)

`saving` raises DiskError where there is no room, also for libraries written in Rust: they
raise classes of their own, with the operating system's number in the text alone.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from dstill.errors import DiskError
from dstill.files import disk_error

__all__ = ["saving", "share"]

_NUMBER = re.compile(r"\(os error (\d+)\)")


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Turns what the operating system refuses while a student is saved in `folder` into an error for people."""
    try:
        yield
    except Exception as error:  # safetensors and tokenizers each raise their own
        number = _os_error(error)
        if number is None:
            raise
        refused = disk_error(OSError(number, os.strerror(number)), folder)
        if isinstance(refused, DiskError):
            refused.hint = "free some space and run `dstill train` again: an earlier student is kept"
        raise refused from error


def _os_error(error: Exception) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def share(folder: Path) -> None:
    """Give the weights the mode of the model card: safetensors lets their owner alone read them."""
    mode = (folder / "README.md").stat().st_mode
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_mode != mode:
            file.chmod(mode & 0o777)
