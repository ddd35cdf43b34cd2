"""Rows in a file: one strict JSON object a line.

    {"id":"weblogs-17","question":"requests that failed with 503"}

In: bytes, UTF-8. A BOM, CRLF and blank lines are accepted; a line ends at ``\\n`` and
nowhere else, so U+2028 inside a text stays inside. Out: ``(line number, row)``; or
DataError with the line, and with what the file seems to be when it is no JSONL at all.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterable, Iterator, Mapping, Protocol

from dstill.errors import DataError
from dstill.io.files import atomic, reading, writing
from dstill.io.plain_files import regular
from dstill.io.secrets import redact
from dstill.io.strict_json import NotStrict, dumps, kind, loads

__all__ = ["Written", "append_row", "detect", "instead", "read_rows", "rows_from", "write_rows"]

MAX_LINE = 64 * 2**20  # bytes; a longer one is no row of ours or anybody's

_MEND = "mend that line, or leave it out: a row is one JSON object"
_log = logging.getLogger("dstill")

# First bytes → what a file is, whatever its name says.
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
    """What `write_rows` left on disk."""

    rows: int
    sha256: str  # of the file's bytes


def read_rows(
    path: Path, *, own: bool = False, opener: Callable[[str, int], int] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file, each with its line number.

    `own`: a file that dstill appends to. A half last line is then what a kill left; it is
    logged and skipped. In anybody else's file it is an error. `opener`: as for `open`.
    """
    with reading(path), open(path, "rb", opener=opener) as stream:
        yield from rows_from(stream, str(path), own=own)


class Readable(Protocol):
    """What rows are read from: a file, or lines on their way."""

    def readline(self, size: int = -1, /) -> bytes: ...


def rows_from(stream: Readable, name: str, *, own: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """The same for a stream, as standard input; `name` is what errors call it."""
    offset, first = 0, True
    for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE + 1), b""), start=1):
        where = f"{name}:{number}"
        body = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip(b" \t\r\n")
        try:
            row = _row(body, number, where) if body else None
        except DataError as error:
            if first and (found := detect(body)):
                raise DataError(
                    f"detected {found}, expected JSONL (one object a line)", where=where, hint=instead(found)
                ) from error
            if line.endswith(b"\n") or not _is_half(body, error.__cause__):
                raise
            if own:
                _log.warning("line %d truncated; ignored (%s)", number, name)
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
    """Write `rows` to `path`: whole and durable, or not at all. The same rows give the same bytes.

    A secret in them becomes ``***``.
    """
    count, digest = 0, hashlib.sha256()
    with atomic(path) as file:
        for row in rows:
            line = redact(dumps(row)).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return Written(rows=count, sha256=digest.hexdigest())


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """One more row at the end of `path`, durable when this returns. What a kill left of a row gives way to it."""
    with writing(path), open(path, "a+b", opener=regular) as file:
        _end_line(file)
        file.write(redact(dumps(row)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _end_line(file: BinaryIO) -> None:
    """Make `file` end where a row may begin: a last line without its break is ended, or cut off where it is no row."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - MAX_LINE))
    rest = file.read().rpartition(b"\n")[2]
    if not rest:
        return
    try:
        loads(rest.decode())
    except (NotStrict, UnicodeDecodeError):
        file.truncate(size - len(rest))
    else:
        file.write(b"\n")


def detect(start: bytes) -> str:
    """What bytes that are no JSONL seem to be, or nothing when that cannot be told.

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


def instead(found: str) -> str:
    """What to do with a file that `detect` found to be something else than its name says."""
    return {
        "CSV": "give it a name that ends in .csv",
        "Parquet": "give it a name that ends in .parquet",
        "JSONL": "give it a name that ends in .jsonl",
        "a JSON array": "write one object a line, as `jq -c '.[]'` does",
        "JSON over several lines": "write one object a line, as `jq -c .` does",
        "UTF-16 text": "save it as UTF-8",
        "a gzip archive": "unpack it first",
        "a zip archive": "unpack it first",
    }.get(found, "give JSONL, CSV or Parquet")


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
        raise DataError(f"line {number}: not strict JSON: {error}", where=where, hint=_MEND) from error
    if not isinstance(value, dict):
        raise DataError(f"line {number}: expected an object, found {kind(value)}", where=where, hint=_MEND)
    return value


def _is_half(body: bytes, error: BaseException | None) -> bool:
    """Whether a last line that broke with `error` can be a row cut off, or zeros that a crash left."""
    if isinstance(error, UnicodeDecodeError):
        return body.startswith(b"{") and error.end == len(body)
    return isinstance(error, NotStrict) and error.syntax and body.startswith((b"{", b"\0"))
