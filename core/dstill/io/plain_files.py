"""Opens files of a run folder that somebody else may have made: only regular files and folders.

    refuse_links(Path("runs/a"))                       # RunError that names the first link, fifo, socket or device
    open("runs/a/log.txt", "a", opener=regular)        # the same for one file, when it is opened
    read_bounded(Path("dstill.toml"), 2**20)           # the content of a file; a link is allowed, a fifo is not
    open("big.safetensors", "rb", opener=followed)     # the same for a file that is read in parts
    inside(Path("runs/a"), "dataset/data/test.jsonl")  # the path; RunError for "../b" or "/etc/passwd"

A link would make dstill read or write a file elsewhere; a fifo would make it wait forever. The path of the run folder
itself may contain links. Not covered: a process that replaces a folder of the run with a link while a command runs.
Such a process can already change every file that the command reads.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

from dstill.errors import RunError
from dstill.io import system

__all__ = ["followed", "inside", "read_bounded", "refuse_links", "regular", "sha256"]

_OPEN_ERRORS = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EOPNOTSUPP}  # a link; a fifo without a reader, a socket
_WRITES = os.O_WRONLY | os.O_RDWR


def regular(name: str, flags: int) -> int:
    """An `opener` for `open` that raises RunError for anything but a regular file, and for links.

    A file opened for writing must have only one name. With a second name (a hard link), writing would change a file in
    another folder, too.
    """
    try:
        if not system.refuses_links and os.path.islink(name):
            raise _refused(Path(name))
        handle = os.open(name, flags | system.OPENING, 0o666)
    except OSError as error:
        if error.errno in _OPEN_ERRORS:
            raise _refused(Path(name)) from error
        raise
    about = os.fstat(handle)
    if stat.S_ISDIR(about.st_mode):
        os.close(handle)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise _refused(Path(name))
    if flags & _WRITES and about.st_nlink > 1:
        os.close(handle)
        raise RunError(
            f"{name} has a second name (a hard link), so writing to it would change another file",
            where=name,
            hint="replace it with a copy",
        )
    return handle


def followed(name: str, flags: int) -> int:
    """An `opener` for reading that raises OSError for anything but a regular file, or a link to one."""
    handle = os.open(name, flags | system.READING)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
        raise OSError(number, os.strerror(number) if stat.S_ISDIR(mode) else "not a regular file", name)
    return handle


def read_bounded(file: Path, most: int) -> bytes:
    """The content of a regular file or of one that a link names. Raises OSError if it is anything else.

    `most`: most bytes; OSError also if the file is larger.
    """
    with open(file, "rb", opener=followed) as opened:
        data = opened.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MiB", str(file))
    return data


def sha256(path: Path) -> str:
    """The SHA-256 of a regular file, in hex. Raises OSError."""
    with open(path, "rb", opener=followed) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def refuse_links(folder: Path) -> None:
    """Raise RunError for the first entry below `folder` that is neither a regular file nor a folder."""
    pending = [str(folder)]
    while pending:
        with suppress(FileNotFoundError), os.scandir(pending.pop()) as entries:  # another process may work here
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif not entry.is_file(follow_symlinks=False) and os.path.lexists(entry.path):
                    raise _refused(Path(entry.path))


def inside(folder: Path, name: str) -> Path:
    """The path of `name` below `folder`. Raises RunError if it leads out of `folder`."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise RunError(
            f"'{name}' is not a file below {folder}", where=str(folder), hint="a run may only name files in its folder"
        )
    return folder / path


def _refused(path: Path) -> RunError:
    mode = 0
    with suppress(OSError):
        mode = path.lstat().st_mode
    kinds = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFIFO: "a fifo",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return RunError(
        f"{path} is {kinds.get(stat.S_IFMT(mode), 'not a regular file')}; a run holds regular files and folders only",
        where=str(path),
        hint="delete it, or replace it with a copy of its target",
    )
