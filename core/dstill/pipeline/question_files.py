"""A user's questions from JSONL, CSV or Parquet files.

    read_questions(Path("questions.csv"))
    [Example(id="questions-2", question="add 4 to x", answer="x 4 +", extra={"team": "ops"}), …]

In: JSONL, CSV with a header, or Parquet (extra ``parquet``), with the columns

    question (or prompt)   required, text
    answer (or dsl)        gold answer: text, or a JSON object
    rationale, id, category, template, split
    context                an object, or its JSON text: what the task needs beside the question

Other columns go to `Example.extra`. Out: a list of `Example`, or DataError with row and column. Formats that can run
code when opened (.pkl, .pt, .py …) are refused unread.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from dstill.api.records import SPLITS, Example
from dstill.api.splits import FORMER_SPLITS, split_name
from dstill.errors import DataError, needs
from dstill.io.files import reading
from dstill.io.jsonl import conversion_hint, detect, read_rows
from dstill.io.strict_json import NotStrict, dumps, kind, loads
from dstill.pipeline.question_validation import refuse_contradictions, refuse_duplicates

__all__ = ["read_questions", "read_table"]

ALIASES = {"prompt": "question", "dsl": "answer"}
TEXTS = ("rationale", "category", "template", "split")
KNOWN = {"question", "answer", "context", "id", *TEXTS, *ALIASES}
HEADER = "question,answer,rationale"


def read_questions(path: Path, *, json_answers: bool = False, one_answer: bool = False) -> list[Example]:
    """The questions of a user's file. Raises DataError.

    `json_answers`: an answer that is text must be JSON. `one_answer`: refuse a question with two different answers.
    """
    rows = list(read_table(path))
    if not rows:
        raise DataError(f"no rows in {path}", where=str(path), hint="give it one question at least")
    for name in dict.fromkeys(str(row.get("split")) for _, row in rows):
        split_name(name, str(path))  # warns once a file, not once a row
    examples = [_example(path, number, row, json_answers) for number, row in rows]
    numbers = [number for number, _ in rows]
    refuse_duplicates(path, numbers, examples)
    if one_answer:
        refuse_contradictions(path, numbers, examples)
    return examples


def read_table(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file, each with its line number (Parquet: row number); the suffix decides the format."""
    readers = {".jsonl": read_rows, ".ndjson": read_rows, ".json": read_rows, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(
            f"format not accepted: {path.suffix or 'a name without a suffix'}",
            where=str(path),
            hint="give JSONL, CSV or Parquet",
        )
    yield from reader(path)


# --- one row ----------------------------------------------------------------------------


def _example(path: Path, number: int, row: Mapping[str, Any], json_answers: bool) -> Example:
    cell = _Cells(path, number, row)
    if cell.name("question") is None:
        what = f"is missing; the row has {', '.join(row) or 'no columns'}"
        raise cell.error("question", what, hint="call the column with the questions 'question' or 'prompt'")
    question = cell.text("question")
    if not question.strip():
        raise cell.error("question", "is empty")
    texts = {name: cell.text(name) for name in TEXTS}
    texts["split"] = FORMER_SPLITS.get(texts["split"], texts["split"])
    if texts["split"] not in ("", *SPLITS):
        raise cell.error("split", f"is '{texts['split'][:40]}', expected one of {', '.join(SPLITS)}")
    return Example(
        id=cell.id() or f"{path.stem}-{number}",
        question=question,
        answer=cell.answer(json_answers),
        rationale=texts["rationale"] or None,
        context=cell.context(),
        category=texts["category"],
        template=texts["template"],
        split=texts["split"],
        extra=cell.extra(),
    )


class _Cells:
    """One row, read column by column; errors name row and column."""

    def __init__(self, path: Path, number: int, row: Mapping[str, Any]) -> None:
        self.path, self.number, self.row = path, number, row
        self.used: set[str] = set()

    def error(self, column: str, what: str, *, hint: str = "fix or remove the row") -> DataError:
        name = self.name(column) or column
        return DataError(f"row {self.number}, column '{name}' {what}", where=f"{self.path}:{self.number}", hint=hint)

    def name(self, column: str) -> str | None:
        """The name of `column` in this row: its own or an alias; None: the row does not have it."""
        spellings = (column, *(alias for alias, of in ALIASES.items() if of == column))
        return next((name for name in spellings if name in self.row), None)

    def value(self, column: str) -> Any:
        name = self.name(column)
        if name is None:
            return None
        self.used.add(name)
        return self.row[name]

    def text(self, column: str) -> str:
        value = self.value(column)
        if value is None and column != "question":
            return ""
        if not isinstance(value, str):
            raise self.error(column, f"is {kind(value)}, expected text")
        if any("\ud800" <= c <= "\udfff" for c in value):
            raise self.error(column, "has half a surrogate pair, which is not text")
        return value

    def id(self) -> str:
        value = self.value("id")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text("id")

    def answer(self, as_json: bool) -> str | None:
        value = self.value("answer")
        if isinstance(value, Mapping):
            return dumps(value)
        if value is not None and not isinstance(value, str):
            raise self.error("answer", f"is {kind(value)}, expected an object or text")
        text = self.text("answer")
        if text.strip() and as_json:
            self._json("answer", text)
        return text if text.strip() else None

    def context(self) -> Mapping[str, Any]:
        value = self.value("context")
        if isinstance(value, str) and value.strip():
            value = self._json("context", value)
        if value is None or value == "":
            return {}
        if not isinstance(value, Mapping):
            raise self.error("context", f"is {kind(value)}, expected an object")
        return value

    def extra(self) -> dict[str, Any]:
        return {name: _jsonable(value) for name, value in self.row.items() if name not in self.used}

    def _json(self, column: str, text: str) -> Any:
        try:
            return loads(text)
        except NotStrict as error:
            raise self.error(column, f"is neither an object nor JSON text: {error}") from error


def _jsonable(value: Any) -> Any:
    """`value`, or its text if it has a type of Parquet that JSON lacks (dates, bytes, NaN)."""
    try:
        dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value


# --- formats ----------------------------------------------------------------------------


def _csv(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with reading(path), path.open("rb") as stream:
        if (found := detect(stream.readline(512))) not in ("", "CSV"):
            raise DataError(f"detected {found}, expected CSV", where=str(path), hint=conversion_hint(found))
        stream.seek(0)
        lines = csv.reader(_decoded(stream, path), strict=True)
        try:
            header = next((cells for cells in lines if cells), [])
            _check_header(header, path)
            start = lines.line_num + 1
            for cells in lines:
                if len(cells) not in (0, len(header)):
                    raise DataError(
                        f"row {start}: {len(cells)} cells, the header has {len(header)}",
                        where=f"{path}:{start}",
                        hint='put a text with commas or line breaks in double quotes, as "a, b"',
                    )
                if cells:
                    yield start, dict(zip(header, cells, strict=True))
                start = lines.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"line {lines.line_num}: not CSV: {error}",
                where=f"{path}:{lines.line_num}",
                hint='close every quote that is opened; a quote inside a text is written ""',
            ) from error


def _decoded(stream: BinaryIO, path: Path) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = line[error.start]
            raise DataError(
                f"line {number}: not UTF-8 (byte 0x{byte:02x})", where=f"{path}:{number}", hint="save it as UTF-8"
            ) from error


def _check_header(header: list[str], path: Path) -> None:
    where = f"{path}:1"
    if not header:
        raise DataError(f"no rows in {path}", where=where, hint=f"begin it with a header: {HEADER}")
    if KNOWN.isdisjoint(header):
        if header[0].startswith("{"):
            raise DataError(
                "detected JSONL, expected CSV with column names in its first line",
                where=where,
                hint="give the file the suffix .jsonl",
            )
        raise DataError(
            f"no column 'question' in the first line, which has: {', '.join(header)[:200]}",
            where=where,
            hint=f"begin the file with a line of column names, such as {HEADER}",
        )
    if len(set(header)) < len(header):
        name = next(name for name in header if header.count(name) > 1)
        raise DataError(f"column '{name}' is twice in the header", where=where, hint="rename one of the two")


def _parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with needs("reading Parquet", "parquet"):
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    number = 0
    with reading(path), path.open("rb") as stream:
        start = stream.read(512)
        stream.seek(0)
        try:
            for batch in ParquetFile(stream).iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
        except ArrowException as error:
            found = detect(start) or ("JSONL" if start.lstrip().startswith(b"{") else "something else")
            what = f"detected {found}, expected Parquet" if found != "Parquet" else f"damaged Parquet file: {error}"
            hint = conversion_hint(found) if found != "Parquet" else "write it again: rows of it are lost"
            raise DataError(what, where=str(path), hint=hint) from error
