"""Reads the files that a user names on the command line.

object_of(Path("schema.json"), "--schema", "give the tables as JSON")     {"tables": …}
→ DataError: schema.json is not strict JSON: …; where: --schema; hint: give the tables as JSON
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dstill.errors import DataError, UsageError
from dstill.io.plain_files import read_bounded
from dstill.io.strict_json import NotStrict, loads

__all__ = ["bytes_of", "object_of", "text_of"]

MOST_BYTES = 64 * 2**20  # of a file with one JSON object


def bytes_of(file: Path, where: str, *, most: int | None = None) -> bytes:
    """The content of `file`, or of stdin for ``-``. Raises UsageError.

    With `most`, the file must be a regular one of at most so many bytes. `where` names the option in errors.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes() if most is None else read_bounded(file, most)
    except OSError as problem:
        raise UsageError(
            f"cannot read {file}: {(problem.strerror or '').lower()}",
            where=where,
            hint="name an existing file, or - for stdin",
        ) from None


def text_of(data: bytes, where: str = "the input", *, first: int = 1) -> str:
    """`data` decoded as UTF-8. Raises UsageError with the line that is not; `first` is the number of the first line."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + first
        raise UsageError(
            f"line {line}: not UTF-8 (byte {data[problem.start]:#04x})", where=where, hint="save it as UTF-8"
        ) from None


def object_of(file: Path, where: str, form: str) -> dict[str, Any]:
    """The JSON object in `file`. Raises UsageError and DataError; `form` is their hint: what to put in the file."""
    try:
        value = loads(text_of(bytes_of(file, where, most=MOST_BYTES), f"{where} {file}"))
    except NotStrict as problem:
        raise DataError(f"{file} is not strict JSON: {problem}", where=where, hint=form) from None
    if not isinstance(value, dict):
        raise DataError(f"{file} does not contain a JSON object", where=where, hint=form)
    return value
