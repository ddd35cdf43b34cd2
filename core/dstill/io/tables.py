"""Reads the rows of a table: JSONL, a JSON array, CSV with a header, Parquet or Arrow.

    list(read_table(Path("questions.csv")))     [(2, {"question": "add 4 to x", "answer": "x 4 +"}), …]

The suffix of the file decides. Out: ``(number, row)``, or DataError with the number. It is the line on which the row
begins; in a JSON array, in Parquet and in Arrow it counts the rows from 1. Parquet and Arrow need the extra
``parquet``. Formats that can run code when opened (.pkl, .pt, .py …) are refused unread.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dstill.errors import DataError, needs
from dstill.io.files import reading
from dstill.io.jsonl import conversion_hint, detect, rows_from
from dstill.io.strict_json import NotStrict, kind, loads

__all__ = ["SUFFIXES", "read_table"]

MOST_BYTES = 512 * 2**20  # of a JSON array, which is read as a whole
BATCH = 1024  # rows of Parquet that are in memory at once

Rows = Iterator[tuple[int, dict[str, Any]]]


def read_table(path: Path, *, name: str = "", columns: Collection[str] = ()) -> Rows:
    """The rows of a file, each with its number. Raises DataError, UsageError, MissingExtra.

    `name` stands for the file in errors. `columns`: a CSV whose header has none of these has no header.
    """
    name = name or str(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"format not accepted: {path.suffix or 'a name without a suffix'}",
            where=name,
            hint="give JSONL, JSON, CSV, Parquet or Arrow",
        )
    with reading(path), path.open("rb") as stream:
        yield from reader(stream, name, columns)


def _jsonl(stream: BinaryIO, name: str, _: Collection[str]) -> Rows:
    yield from rows_from(stream, name)


def _json(stream: BinaryIO, name: str, columns: Collection[str]) -> Rows:
    """A JSON array of objects, as Alpaca and ShareGPT files are; or JSONL."""
    start = stream.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    stream.seek(0)
    if not start.startswith(b"["):
        yield from _jsonl(stream, name, columns)
        return
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        hint = conversion_hint("a JSON array")
        raise DataError(f"a JSON array of more than {MOST_BYTES >> 20} MiB", where=name, hint=hint)
    try:
        rows = loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 (byte {error.start:,})", where=name, hint="save it as UTF-8") from error
    except NotStrict as error:
        raise DataError(f"not strict JSON: {error}", where=name, hint="write it again with a JSON library") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(
                f"row {number}: expected an object, found {kind(row)}",
                where=f"{name}:{number}",
                hint="each element of the array is one row",
            )
        yield number, row


# --- CSV --------------------------------------------------------------------------------


def _csv(stream: BinaryIO, name: str, columns: Collection[str]) -> Rows:
    if (form := detect(stream.readline(512))) not in ("", "CSV"):
        raise DataError(f"detected {form}, expected CSV", where=name, hint=conversion_hint(form))
    stream.seek(0)
    lines = csv.reader(_decoded(stream, name), strict=True)
    try:
        header = next((cells for cells in lines if cells), [])
        _check_header(header, name, columns)
        start = lines.line_num + 1
        for cells in lines:
            if len(cells) not in (0, len(header)):
                raise DataError(
                    f"row {start}: {len(cells)} cells, the header has {len(header)}",
                    where=f"{name}:{start}",
                    hint='put a text with commas or line breaks in double quotes, as "a, b"',
                )
            if cells:
                yield start, dict(zip(header, cells, strict=True))
            start = lines.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"line {lines.line_num}: not CSV: {error}",
            where=f"{name}:{lines.line_num}",
            hint='close every quote that is opened; a quote inside a text is written ""',
        ) from error


def _decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise DataError(
                f"line {number}: not UTF-8 (byte 0x{byte:02x})", where=f"{name}:{number}", hint="save it as UTF-8"
            ) from error


def _check_header(header: list[str], name: str, columns: Collection[str]) -> None:
    where = f"{name}:1"
    if not header:
        raise DataError(f"no rows in {name}", where=where, hint="begin it with a header: question,answer,rationale")
    if columns and set(columns).isdisjoint(header):
        if header[0].startswith("{"):
            raise DataError(
                "detected JSONL, expected CSV with column names in its first line",
                where=where,
                hint="give the file the suffix .jsonl",
            )
        raise DataError(
            f"no column 'question' in the first line, which has: {', '.join(header)[:200]}",
            where=where,
            hint="begin the file with a line of column names, such as question,answer,rationale",
        )
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise DataError(f"column '{twice}' is twice in the header", where=where, hint="rename one of the two")


# --- Parquet and Arrow ------------------------------------------------------------------


def _parquet(stream: BinaryIO, name: str, _: Collection[str]) -> Rows:
    with needs("reading Parquet", "parquet"):
        from pyarrow.parquet import ParquetFile
    yield from _batches("Parquet", stream, name, lambda: ParquetFile(stream).iter_batches(batch_size=BATCH))


def _arrow(stream: BinaryIO, name: str, _: Collection[str]) -> Rows:
    """The stream format, which `datasets` writes, or the file format."""
    with needs("reading Arrow", "parquet"):
        from pyarrow import ipc

    def batches() -> Iterator[Any]:
        if stream.read(6) == b"ARROW1":
            file = ipc.open_file(stream)
            yield from (file.get_batch(number) for number in range(file.num_record_batches))
        else:
            stream.seek(0)
            yield from ipc.open_stream(stream)

    yield from _batches("Arrow", stream, name, batches)


def _batches(form: str, stream: BinaryIO, name: str, batches: Callable[[], Iterator[Any]]) -> Rows:
    from pyarrow import ArrowException

    number, start = 0, stream.read(512)
    stream.seek(0)
    try:
        for batch in batches():
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (ArrowException, OSError) as error:
        seen = detect(start) or ("JSONL" if start.lstrip().startswith(b"{") else "")
        what = f"detected {seen}, expected {form}" if seen not in ("", form) else f"damaged {form} file: {error}"
        hint = conversion_hint(seen) if seen not in ("", form) else "write it again: rows of it are lost"
        raise DataError(what, where=name, hint=hint) from error


_READERS: dict[str, Callable[[BinaryIO, str, Collection[str]], Rows]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".arrow": _arrow,
}
SUFFIXES = tuple(_READERS)
