"""Saves students: a full disk becomes a clear error, and files get the usual permissions.

    with saving(folder):
        model.save_pretrained(folder)
    share(folder)

`saving` raises DiskError if the disk is full, whichever library was writing: those in Rust raise their own classes with
the operating system's error number in the text, and torch gives no number.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from dstill.errors import DiskError, DstillError
from dstill.io.files import disk_error

__all__ = ["saving", "share"]

RETRY_HINT = "free some space and run `dstill train` again: an earlier student is kept"
_NUMBER = re.compile(r"\(os error (\d+)\)")
_TORCH_WRITER = re.compile("inline_container|iostream error")  # in errors of `torch.save`
_TEST_SIZE = 2**20  # bytes: more than is free after `torch.save` failed for lack of space


@contextmanager
def saving(folder: Path, *, hint: str = RETRY_HINT) -> Iterator[None]:
    """Turns errors of the operating system while writing to `folder` into dstill's own.

    Args:
        folder: Where the block writes.
        hint: What to do if the disk is full.

    Raises:
        DiskError: The disk is full.
        DstillError: Another error of the operating system.
    """
    try:
        yield
    except DstillError:
        raise
    except Exception as error:  # safetensors and tokenizers raise their own classes
        number = _error_number(error, folder)
        if number is None:
            raise
        problem = disk_error(OSError(number, os.strerror(number)), folder)
        if isinstance(problem, DiskError):
            problem.hint = hint
        raise problem from error


def _error_number(error: Exception, folder: Path) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno != errno.ENOMEM else None
    if _TORCH_WRITER.search(str(error)):
        return _write_error(folder)
    match = _NUMBER.search(str(error))
    return int(match[1]) if match else None


def _write_error(folder: Path) -> int:
    """The error number of a test write to `folder`."""
    try:
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(_TEST_SIZE))
            file.flush()
    except OSError as error:
        return error.errno or errno.EIO
    return errno.EIO


def share(folder: Path) -> None:
    """Give all files the mode of the model card, because safetensors makes files that only their owner can read."""
    mode = (folder / "README.md").stat().st_mode
    for file in folder.rglob("*"):
        if file.is_file() and file.stat().st_mode != mode:
            file.chmod(mode & 0o777)
