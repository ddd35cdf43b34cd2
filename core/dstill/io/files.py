"""Files that are whole at their final name, and what the operating system refused, said to a person.

    with atomic(Path("runs/a/run.json")) as file:   # a temporary file in the same folder
        file.write(b"{}")
    # flushed, fsynced, renamed, and the folder fsynced: there whole, or not there at all

In: a path and bytes. Out: the file, or DiskError (no room) or UsageError (no permission, no
folder). Not covered: a file that another process writes at the same moment; the last wins.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Iterator

from dstill.errors import DiskError, DstillError, UsageError
from dstill.io.secrets import redact

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
    "write_text",
    "writing",
]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_TEMPORARY = re.compile(r"\.(.+)\.(\d+)-[0-9a-f]{8}\.tmp")  # of `atomic`: the final name, and who writes


@contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends without an error."""
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
    """A folder to fill, which is at `path` when the block ends without an error, and else nowhere.

    Raises UsageError where something is at `path`. What killed processes left of the same folder is taken away.
    """
    require_absent(path)
    for left in path.absolute().parent.glob(".*.tmp"):
        match = _TEMPORARY.fullmatch(left.name)
        if match is not None and match[1] == path.name and left.is_dir() and not _alive(int(match[2])):
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
    """Raises UsageError where something is at `path`."""
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} is there already", where=str(path.absolute()), hint="name a folder that is not there")


@contextmanager
def _measured(file: BinaryIO, path: Path) -> Iterator[None]:
    """Where there is no room for `file`, says of what size it would have been at least."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(path, file.tell()) from error
        raise


def full(path: Path, needed: int = 0) -> DiskError:
    """No room for `path`, of which so many bytes had to be written so far."""
    size = f" (needed more than {needed / 1e6:.1f} MB)" if needed >= 100_000 else ""
    hint = "free some space and run again: what was written before stays"
    return DiskError(f"disk full writing {path}{size}", where=str(path), hint=hint)


def is_temporary(path: Path, of: str) -> bool:
    """Whether `path` is a file on its way to the name `of`, or what a kill left of one."""
    match = _TEMPORARY.fullmatch(path.name)
    return match is not None and match[1] == of


def remove_stale(folder: Path) -> None:
    """Take away what killed processes left half-written in `folder` and below it."""
    for path in folder.rglob(".*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if match is not None and not _alive(int(match[2])):
            with suppress(OSError):
                path.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def write_text(path: Path, text: str) -> None:
    """`path` with just `text` in it, whole or as it was. A secret in it becomes ``***``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as file:
        file.write(redact(text).encode())


@contextmanager
def replace_dir(folder: Path) -> Iterator[None]:
    """`folder` is made anew by the block; what was there before comes back when the block fails."""
    before = folder.with_name(f"{folder.name}.before")
    if before.exists():  # the process was killed in here: what it left is no whole folder
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
    """The files of folder `source` in a new folder `target`: as hard links, or copied where there can be none."""

    def link(file: str, name: str) -> None:
        try:
            os.link(file, name)
        except OSError:  # another file system, or one without links
            shutil.copyfile(file, name)

    with writing(target):
        shutil.copytree(source, target, copy_function=link)


def fsync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the operating system refuses while `path` is written into an error for people."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """The same for a file that is to be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise UsageError(f"no file {path}", where=str(path.absolute()), hint="check the name and the folder") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder, expected a file", where=str(path), hint="name a file in it") from error
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {_reason(error)}", where=str(path), hint="see who may read it, or name another file"
        ) from error


def disk_error(error: OSError, path: Path) -> DstillError:
    """`error`, met while `path` was written, as one of dstill's."""
    where = str(path)
    if error.errno in _FULL:
        return full(path)
    if error.errno == errno.EROFS:
        hint = "choose a folder on another file system"
        return DiskError(f"cannot write {path}: the file system is read-only", where=where, hint=hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "choose another folder, or change who may write there"
        return UsageError(f"cannot write {path}: permission denied", where=where, hint=hint)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return UsageError(f"cannot write {path}: {no_folder(path)}", where=where, hint="choose a folder that is there")
    if error.errno == errno.EISDIR:
        return UsageError(f"cannot write {path}: it is a folder", where=where, hint="choose another name")
    hint = "see to the disk, or choose a folder on another one"
    return DiskError(f"cannot write {path}: {_reason(error)}", where=where, hint=hint)


def no_folder(path: Path) -> str:
    """Why the operating system says that there is no folder for `path`."""
    if path.parent.is_dir():  # as in /proc
        return f"nothing can be made in {path.parent}"
    return f"{path.parent} is not a folder" if path.parent.exists() else f"the folder {path.parent} does not exist"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
