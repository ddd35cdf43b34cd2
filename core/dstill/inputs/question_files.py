"""A user's questions from a file, a folder of the `datasets` library, or the Hugging Face hub.

    read_questions("questions.csv")
    [Example(id="questions-2", question="add 4 to x", answer="x 4 +", extra={"team": "ops"}), …]

In: a file (`dstill.io.tables`), a folder (`dstill.inputs.dataset_folders`) or ``hf://datasets/OWNER/NAME``
(`dstill.inputs.hub_datasets`), with the columns

    question (or prompt)   required, text
    answer (or dsl)        gold answer: text, or a JSON object
    rationale, id, category, template, split
    context                an object, or its JSON text: what the task needs beside the question

or with rows of other tools (`dstill.inputs.row_forms`). Other columns go to `Example.extra`. Out: a sequence of
`Example`, which is on disk if it is long, or DataError with row and column.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, overload

from dstill.api.records import SPLITS, Draft, Example
from dstill.errors import DataError
from dstill.inputs import dataset_folders, hub_datasets, row_forms
from dstill.inputs.dataset_folders import DataFile
from dstill.inputs.question_validation import Place, refuse_contradictions, refuse_duplicates
from dstill.inputs.row_forms import RowError
from dstill.io.logs import log
from dstill.io.strict_json import NotStrict, dumps, kind, loads
from dstill.io.tables import read_table
from dstill.runtime import spooled

__all__ = ["read_questions"]

ALIASES = {"prompt": "question", "dsl": "answer"}
TEXTS = ("rationale", "category", "template", "split")
KNOWN_COLUMNS = {"question", "answer", "context", "id", *TEXTS, *ALIASES, *row_forms.COLUMNS}


def read_questions(
    source: str | Path,
    *,
    parse: Callable[[str], Draft | None] = lambda _: None,
    json_answers: bool = False,
    one_answer: bool = False,
) -> Sequence[Example]:
    """The questions of `source`. Raises DataError, and what reading a file or the hub raises.

    `parse`: `Task.parse`, for replies that have a rationale in them. `json_answers`: an answer that is text must be
    JSON. `one_answer`: refuse a question with two different answers.
    """
    examples, places, n = spooled.examples(), _Places(), 0
    forms, refused = _OneForm(), None
    for row in (row for file in _files(source) for row in _rows(file)):
        forms.check(row)
        if refused is not None or forms.refused is not None:
            continue  # the first error is raised after the file is read: one in its form concerns all rows
        try:
            example = _example(row, parse, json_answers)
        except DataError as error:
            refused = error
            continue
        n += "system" in example.extra and "system" not in row.values
        examples.append(example)
        places.append(row)
    if forms.first is None:
        raise DataError(f"no rows in {source}", where=str(source), hint="give it one question at least")
    if forms.refused is not None:
        raise forms.refused
    if refused is not None:
        raise refused
    if n:
        what = f"{n:,} of {len(examples):,} rows have a system message: neither teacher nor student reads it"
        log.warning("%s (%s)", what, source)
    refuse_duplicates(places, examples)
    if one_answer:
        refuse_contradictions(places, examples)
    return examples


def _files(source: str | Path) -> list[DataFile]:
    if hub_datasets.is_name(source):
        return hub_datasets.data_files(str(source))
    path = Path(source)
    if path.is_dir():
        return dataset_folders.data_files(path)
    return [DataFile(path=path, shown=str(path), stem=path.stem)]


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row as it is in its file."""

    file: DataFile
    number: int
    values: Mapping[str, Any]

    @property
    def where(self) -> str:
        return f"{self.file.shown}:{self.number}"

    @property
    def form(self) -> str:
        """Raises DataError."""
        try:
            return row_forms.form_of(self.values)
        except RowError as error:
            raise self.error(error) from None

    def question(self, parse: Callable[[str], Draft | None]) -> Mapping[str, Any]:
        """The row with the columns of a question. Raises DataError."""
        try:
            return row_forms.as_question(self.values, parse)
        except RowError as error:
            raise self.error(error) from None

    def error(self, error: RowError) -> DataError:
        return DataError(f"row {self.number} {error}", where=self.where, hint=error.hint)


def _rows(file: DataFile) -> Iterator[_Row]:
    for number, row in read_table(file.path, name=file.shown, columns=KNOWN_COLUMNS):
        yield _Row(file=file, number=number, values=row)


class _OneForm:
    """Refuses the first row of another form than the first one: a column may mean two things."""

    def __init__(self) -> None:
        self.first: _Row | None = None
        self.refused: DataError | None = None
        self._form = ""

    def check(self, row: _Row) -> None:
        """Look at one more row."""
        if self.refused is not None:
            return
        try:
            form = row.form
        except DataError as error:
            form, self.refused = "", error
        if self.first is None:
            self.first, self._form = row, form
        elif self.refused is None and form != self._form:
            self.refused = DataError(
                f"row {row.number} has the form {form}, and row {self.first.number} the form {self._form}",
                where=row.where,
                hint="give the rows of each form a file of their own",
            )


class _Places(Sequence[Place]):
    """The file and number of each row, in 8 bytes."""

    def __init__(self) -> None:
        self._files: list[tuple[int, str]] = []  # position of the first row, and name
        self._numbers = array("Q")

    def append(self, row: _Row) -> None:
        """Add the place of `row`."""
        if not self._files or self._files[-1][1] != row.file.shown:
            self._files.append((len(self._numbers), row.file.shown))
        self._numbers.append(row.number)

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Place: ...
    @overload
    def __getitem__(self, at: slice) -> list[Place]: ...
    def __getitem__(self, at: int | slice) -> Place | list[Place]:
        if isinstance(at, slice):
            return [self[n] for n in range(len(self))[at]]
        number = self._numbers[at]
        return self._files[bisect_right(self._files, at, key=itemgetter(0)) - 1][1], number


# --- one row ----------------------------------------------------------------------------


def _example(row: _Row, parse: Callable[[str], Draft | None], json_answers: bool) -> Example:
    values = row.question(parse)
    cell = _Cells(row, values)
    if cell.name("question") is None:
        what = f"is missing; the row has {', '.join(values) or 'no columns'}"
        hint = "call the column 'question' or 'prompt'; or give messages, conversations, or instruction and output"
        raise cell.error("question", what, hint=hint)
    question = cell.text("question")
    if not question.strip():
        raise cell.error("question", "is empty")
    texts = {name: cell.text(name) for name in TEXTS}
    texts["split"] = texts["split"] or row.file.split
    if texts["split"] not in ("", *SPLITS):
        raise cell.error("split", f"is '{texts['split'][:40]}', expected one of {', '.join(SPLITS)}")
    return Example(
        id=cell.id() or f"{row.file.stem}-{row.number}",
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

    def __init__(self, place: _Row, row: Mapping[str, Any]) -> None:
        self.place, self.row = place, row
        self.used: set[str] = set()

    def error(self, column: str, what: str, *, hint: str = "fix or remove the row") -> DataError:
        name = self.name(column) or column
        return DataError(f"row {self.place.number}, column '{name}' {what}", where=self.place.where, hint=hint)

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
