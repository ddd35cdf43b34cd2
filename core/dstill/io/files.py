"""Writes files atomically, and turns errors of the operating system into messages for people.

    with atomic(Path("runs/a/run.json")) as file:   # a temporary file in the same folder
        file.write(b"{}")
    # flushed, fsynced, renamed, and the folder fsynced: the file is complete, or does not exist

In: a path and bytes. Out: the file, or DiskError (disk full) or UsageError (no permission, no folder). Not covered: two
processes that write the same file at the same time; the last one wins.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from dstill.errors import DiskError, DstillError, UsageError
from dstill.io.secrets import redact
from dstill.io.system import fsync_folder, is_alive

__all__ = [
    "atomic",
    "atomic_folder",
    "disk_error",
    "full",
    "is_temporary",
    "link_tree",
    "no_folder",
    "reading",
    "remove_stale",
    "replace_dir",
    "require_absent",
    "temporary_files",
    "write_text",
    "writing",
]

_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_TEMPORARY = re.compile(r"\.(.+)\.(\d+)-[0-9a-f]{8}\.tmp")  # of `atomic`: the final name, and the process


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it replaces `path` if the block ends without an error. Raises DiskError, UsageError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    with writing(path):
        try:
            with temporary.open("xb") as file, _measured(file, path):
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            fsync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it is renamed to `path` if the block ends without an error, and deleted if not.

    Deletes what killed processes left of the same folder. Raises UsageError if `path` exists.
    """
    require_absent(path)
    for left in path.absolute().parent.glob(".*.tmp"):
        match = _TEMPORARY.fullmatch(left.name)
        if match is not None and match[1] == path.name and left.is_dir() and not is_alive(int(match[2])):
            shutil.rmtree(left, ignore_errors=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    with writing(path):
        temporary.mkdir()
    try:
        yield temporary
        require_absent(path)
        with writing(path):
            temporary.rename(path)
            fsync_folder(path.absolute().parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def require_absent(path: Path) -> None:
    """Raise UsageError if `path` exists, also as a broken link."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} already exists", where=str(path.absolute()), hint="name a new folder")


@contextmanager
def _measured(file: BinaryIO, path: Path) -> Iterator[None]:
    """If the disk is full, raise DiskError with the size that `file` had so far."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_DISK:
            raise full(path, file.tell()) from error
        raise


def full(path: Path, needed: int = 0) -> DiskError:
    """The error for a full disk while `path` is written. `needed`: its bytes so far; 0: not known."""
    size = f" (needed more than {needed / 1e6:.1f} MB)" if needed >= 100_000 else ""
    hint = "free some space and run the same command again to continue; files that are already written are kept"
    return DiskError(f"disk full writing {path}{size}", where=str(path), hint=hint)


def is_temporary(path: Path, of: str) -> bool:
    """Whether `path` is a temporary file of `atomic` for a file of the name `of`."""
    match = _TEMPORARY.fullmatch(path.name)
    return match is not None and match[1] == of


def remove_stale(folder: Path) -> None:
    """Delete the temporary files that killed processes left in `folder` and below it."""
    for path in folder.rglob(".*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if match is not None and not is_alive(int(match[2])):
            with suppress(OSError):
                path.unlink()


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` atomically and create its folder. Secrets become ``***``. Raises DiskError, UsageError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        file.write(redact(text).encode())


@contextmanager
def temporary_files(texts: Mapping[str, str]) -> Iterator[Path]:
    """A folder with these files, by their names, that only this user can read. It is removed afterwards."""
    with TemporaryDirectory(prefix="dstill-") as folder:
        for name, text in texts.items():
            write_text(Path(folder) / name, text)
        yield Path(folder)


@contextmanager
def replace_dir(folder: Path) -> Iterator[None]:
    """The block creates `folder` again; if it fails, the previous folder is restored."""
    before = folder.with_name(f"{folder.name}.before")
    if before.exists():  # a process was killed in this function, so `folder` is incomplete
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists():
        folder.rename(before)
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        if before.exists():
            before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)


def link_tree(source: Path, target: Path) -> None:
    """Make a new folder `target` with hard links to the files of `source`, or copies if links are not possible."""

    def link(file: str, name: str) -> None:
        try:
            os.link(file, name)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file, name)

    with writing(target):
        shutil.copytree(source, target, copy_function=link)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise errors of the operating system from writing `path` as DiskError or UsageError."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise errors of the operating system from reading `path` as UsageError."""
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError(f"no file {path}", where=str(path.absolute()), hint="check the name and the folder") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder, expected a file", where=str(path), hint="name a file in it") from error
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {_reason(error)}", where=str(path), hint="check its permissions, or name another file"
        ) from error


def disk_error(error: OSError, path: Path) -> DstillError:
    """The DiskError or UsageError for an OSError from writing `path`."""
    where = str(path)
    if error.errno in _FULL_DISK:
        return full(path)
    if error.errno == errno.EROFS:
        hint = "choose a folder on another file system"
        return DiskError(f"cannot write {path}: the file system is read-only", where=where, hint=hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "choose another folder, or change its permissions"
        return UsageError(f"cannot write {path}: permission denied", where=where, hint=hint)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return UsageError(f"cannot write {path}: {no_folder(path)}", where=where, hint="choose an existing folder")
    if error.errno == errno.EISDIR:
        return UsageError(f"cannot write {path}: it is a folder", where=where, hint="choose another name")
    hint = "check the disk, or choose a folder on another one"
    return DiskError(f"cannot write {path}: {_reason(error)}", where=where, hint=hint)


def no_folder(path: Path) -> str:
    """Why there is no folder for `path`, in words."""
    if path.parent.is_dir():  # as in /proc
        return f"nothing can be created in {path.parent}"
    return f"{path.parent} is not a folder" if path.parent.exists() else f"the folder {path.parent} does not exist"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
