"""Saving a student: a disk that is full, said to a person, and files that others may read too.

    with saving(folder):
        model.save_pretrained(folder)
    share(folder)

`saving` raises DiskError where there is no room, also for libraries that are not Python: those in Rust
raise classes of their own, with the operating system's number in the text alone, and torch says no number.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Iterator

from dstill.errors import DiskError, DstillError
from dstill.io.files import disk_error

__all__ = ["saving", "share"]

AGAIN = "free some space and run `dstill train` again: an earlier student is kept"
_NUMBER = re.compile(r"\(os error (\d+)\)")
_OF_TORCH = re.compile("inline_container|iostream error")  # of what writes a file for `torch.save`
_TRIED = 2**20  # bytes: a disk on which `torch.save` came to its end has not so many left


@contextmanager
def saving(folder: Path, *, hint: str = AGAIN) -> Iterator[None]:
    """Turns what the operating system refuses while a student is saved in `folder` into an error for people.

    `hint`: what to do where there is no room.
    """
    try:
        yield
    except DstillError:
        raise
    except Exception as error:  # safetensors and tokenizers each raise their own
        number = _os_error(error, folder)
        if number is None:
            raise
        refused = disk_error(OSError(number, os.strerror(number)), folder)
        if isinstance(refused, DiskError):
            refused.hint = hint
        raise refused from error


def _os_error(error: Exception, folder: Path) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno != errno.ENOMEM else None
    if _OF_TORCH.search(str(error)):
        return _refusal(folder)
    found = _NUMBER.search(str(error))
    return int(found[1]) if found else None


def _refusal(folder: Path) -> int:
    """What the operating system says when something is written in `folder`."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(_TRIED))
            file.flush()
    except OSError as error:
        return error.errno or errno.EIO
    return errno.EIO


def share(folder: Path) -> None:
    """Give the weights the mode of the model card: safetensors lets their owner alone read them."""
    mode = (folder / "README.md").stat().st_mode
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_mode != mode:
            file.chmod(mode & 0o777)
