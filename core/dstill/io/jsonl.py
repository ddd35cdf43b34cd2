r"""Reads and writes JSONL files: one strict JSON object on each line.

    {"id":"train-17","question":"take x, add 4"}

In: UTF-8. A BOM, CRLF and blank lines are accepted. A line ends only at ``\n``, so a text may contain U+2028.
Out: ``(line number, row)``, or DataError with the line. If the file is not JSONL at all, the error says what it is.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from dstill.errors import DataError
from dstill.io import system
from dstill.io.files import atomic, reading, writing
from dstill.io.logs import log
from dstill.io.plain_files import regular
from dstill.io.secrets import redact
from dstill.io.strict_json import NotStrict, dumps, kind, loads

__all__ = ["Written", "append_row", "append_rows", "conversion_hint", "detect", "read_rows", "rows_from", "write_rows"]

MAX_LINE = 64 * 2**20  # bytes

_FIX = "fix or remove that line: each row is one JSON object"

# First bytes → format of the file, whatever its name says.
_MAGIC = {
    b"PAR1": "Parquet",
    b"ARROW1": "Arrow",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"\x80\x02}": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
}


@dataclass(frozen=True, kw_only=True)
class Written:
    """A file that `write_rows` wrote."""

    rows: int
    sha256: str  # of its content


def read_rows(
    path: Path, *, own: bool = False, opener: Callable[[str, int], int] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file, each with its line number.

    `own`: dstill appends to this file, so an incomplete last line means that a process was killed: it is logged and
    skipped. In other files it is an error. `opener`: as for `open`. Raises DataError, UsageError.
    """
    with reading(path), open(path, "rb", opener=opener) as stream:
        yield from rows_from(stream, str(path), own=own)


class Readable(Protocol):
    """A file or another source of lines."""

    def readline(self, size: int = -1, /) -> bytes:
        """The next line with its line break, or at most `size` bytes of it; empty at the end."""


def rows_from(stream: Readable, name: str, *, own: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """As `read_rows`, from a stream such as standard input. Errors call it `name`."""
    offset, first = 0, True
    for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE + 1), b""), start=1):
        where = f"{name}:{number}"
        body = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip(b" \t\r\n")
        try:
            row = _row(body, number, where) if body else None
        except DataError as error:
            if first and (form := detect(body)):
                raise DataError(
                    f"detected {form}, expected JSONL (one object on each line)",
                    where=where,
                    hint=conversion_hint(form),
                ) from error
            if line.endswith(b"\n") or not _is_half(body, error.__cause__):
                raise
            if own:
                log.warning("line %d truncated; ignored (%s)", number, name)
                return
            raise DataError(
                f"line {number} is truncated: the file ends inside it, at byte {offset + len(line)}",
                where=where,
                hint=f"the line starts at byte {offset}: complete it, or cut the file off there",
            ) from error
        if row is not None:
            first = False
            yield number, row
        offset += len(line)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> Written:
    """Write `rows` to `path` atomically. The same rows give the same bytes, and secrets become ``***``.

    Raises DiskError, UsageError.
    """
    count, digest = 0, hashlib.sha256()
    with atomic(path) as file:
        for row in rows:
            line = redact(dumps(row)).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return Written(rows=count, sha256=digest.hexdigest())


def append_row(path: Path, row: Mapping[str, Any], *, most: int | None = None) -> bool:
    """As `append_rows`, for one row."""
    return append_rows(path, [row], most=most)


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]], *, most: int | None = None) -> bool:
    """Append rows to `path` and wait until they are on disk. An incomplete last row is removed first.

    Several processes may append to one file: each waits for the lock of the others. `most`: bytes that the file may
    have afterwards; returns False, and appends nothing, if it would have more.
    """
    lines = b"".join(redact(dumps(row)).encode() + b"\n" for row in rows)
    with writing(path), open(path, "a+b", opener=regular) as file:
        system.lock(file)
        _end_line(file)
        if most is not None and file.seek(0, os.SEEK_END) + len(lines) > most:
            return False
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    return True


def _end_line(file: BinaryIO) -> None:
    """Make `file` end with a line break: complete a last line that is a row, and cut off one that is not."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    if file.read() in (b"", b"\n"):
        return
    file.seek(max(0, size - MAX_LINE))
    rest = file.read().rpartition(b"\n")[2]
    try:
        loads(rest.decode())
    except (NotStrict, UnicodeDecodeError):
        file.truncate(size - len(rest))
    else:
        file.write(b"\n")


def detect(start: bytes) -> str:
    """The format of bytes that are not JSONL, in words; empty: not known.

    >>> detect(b"PAR1")
    'Parquet'
    """
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return name
    if start.startswith(b"["):
        return "a JSON array"
    if start.strip() == b"{":
        return "JSON over several lines"
    if start[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page"
    if b"," in start and not start.startswith(b"{") and b"\0" not in start:
        return "CSV"
    return ""


def conversion_hint(form: str) -> str:
    """A hint for a file of another format than its name says; `form` is a result of `detect`."""
    return {
        "CSV": "give it a name that ends in .csv",
        "Parquet": "give it a name that ends in .parquet",
        "JSONL": "give it a name that ends in .jsonl",
        "a JSON array": "write one object on each line, as `jq -c '.[]'` does",
        "JSON over several lines": "write one object on each line, as `jq -c .` does",
        "UTF-16 text": "save it as UTF-8",
        "a gzip archive": "unpack it first",
        "a zip archive": "unpack it first",
    }.get(form, "give JSONL, CSV or Parquet")


def _row(body: bytes, number: int, where: str) -> dict[str, Any]:
    if len(body) > MAX_LINE:
        hint = "end each row with a line break"
        raise DataError(f"line {number} is longer than {MAX_LINE >> 20} MiB", where=where, hint=hint)
    try:
        value = loads(body.decode())
    except UnicodeDecodeError as error:
        raise DataError(
            f"line {number}: not UTF-8 (byte 0x{body[error.start]:02x})", where=where, hint="save it as UTF-8"
        ) from error
    except NotStrict as error:
        raise DataError(f"line {number}: not strict JSON: {error}", where=where, hint=_FIX) from error
    if not isinstance(value, dict):
        raise DataError(f"line {number}: expected an object, found {kind(value)}", where=where, hint=_FIX)
    return value


def _is_half(body: bytes, error: BaseException | None) -> bool:
    """Whether a last line that failed with `error` can be an incomplete row, or zeros that a crash left."""
    if isinstance(error, UnicodeDecodeError):
        return body.startswith(b"{") and error.end == len(body)
    return isinstance(error, NotStrict) and error.syntax and body.startswith((b"{", b"\0"))
