"""Files and rows that a command is given: read, decoded and told apart from what they should be.

object_of(Path("mapping.json"), "--mapping", MAPPING_FORM)     {"properties": …}
→ DataError: mapping.json is not strict JSON: …; where: --mapping; hint: give the index' mapping, …
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Mapping

from dstill.api.task import Task
from dstill.errors import DataError, UsageError
from dstill.io.plain_files import bounded
from dstill.io.strict_json import NotStrict, kind, loads

__all__ = ["MAPPING_FORM", "VALUES_FORM", "bytes_of", "given_data", "given_id", "object_of", "text_of"]

MOST_BYTES = 64 * 2**20  # of a mapping or of values
MAPPING_FORM = "give the index' mapping, as GET _mapping prints it"
VALUES_FORM = 'give {"FIELD": ["every", "value"], "OTHER": {"examples": [...]}}'


def bytes_of(file: Path, where: str, *, most: int | None = None) -> bytes:
    """What is in `file`, or on stdin for ``-``; with `most` only of a regular file of so many bytes.

    Raises UsageError.
    """
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes() if most is None else bounded(file, most)
    except OSError as problem:
        raise UsageError(
            f"cannot read {file}: {(problem.strerror or '').lower()}",
            where=where,
            hint="give a file that is there, or - for stdin",
        ) from None


def text_of(data: bytes, where: str = "the input", *, first: int = 1) -> str:
    """What came in, decoded. Raises UsageError with the line that is not UTF-8; `first`: the number of the first."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + first
        raise UsageError(
            f"line {line}: not UTF-8 (byte {data[problem.start]:#04x})", where=where, hint="save it as UTF-8"
        ) from None


def object_of(file: Path, where: str, form: str) -> dict[str, Any]:
    """The JSON object in `file`. Raises UsageError, DataError; `form` says what it should hold."""
    try:
        value = loads(text_of(bytes_of(file, where, most=MOST_BYTES), f"{where} {file}"))
    except NotStrict as problem:
        raise DataError(f"{file} is not strict JSON: {problem}", where=where, hint=form) from None
    if not isinstance(value, dict):
        raise DataError(f"{file} holds no JSON object", where=where, hint=form)
    return value


def given_id(row: Mapping[str, Any], otherwise: str) -> str:
    """The id of a row of the user's: text or a whole number; else `otherwise`."""
    found = row.get("id")
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) and found != "" else otherwise


def given_data(row: Mapping[str, Any], task: Task, where: str) -> tuple[str | None, Mapping[str, Any]]:
    """Which data a row of the user's is about: its name ("data", or `Task.data_key`), and a context. Raises DataError.

    None and an empty context: the row does not say.
    """
    name = None
    for key in ("data", task.data_key):
        name = row.get(key) if name is None else name
        if name is not None and not isinstance(name, str):
            raise DataError(f"'{key}' is {kind(name)}, expected text", where=where, hint=_data_form(task))
    context = row.get("context")
    if isinstance(context, str) and context:  # as a dataset's files have it
        try:
            context = loads(context)
        except NotStrict as problem:
            raise DataError(f"'context' is not strict JSON: {problem}", where=where, hint=_data_form(task)) from None
    if context is not None and context != "" and not isinstance(context, dict):
        raise DataError(f"'context' is {kind(context)}, expected an object", where=where, hint=_data_form(task))
    return name or None, context or {}


def _data_form(task: Task) -> str:
    return f'name the {task.data_noun} as "{task.data_key}": "NAME"'
