"""Rows of the user's files that hold answers, one on each line.

    row(1, '{"id": "a", "answer": "1 + 2"}', task, {})      Answer(id="a", text="1 + 2", pointer="/answer")
    row(2, '1 + 2', task, {})                               Answer(id="2", error="line 2: not strict JSON: …")

An answer may also be called by one of `Task.answer_keys`, and a line that has none of these keys may itself be an
answer that is a JSON object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill.api.records import Problem
from dstill.api.task import Task
from dstill.errors import DataError
from dstill.inputs.input_rows import given_data
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["ROW_FORM", "Answer", "Columns", "bad_row", "begins_rows", "columns_of", "row"]

ROW_FORM = 'rows are {"id": …, "answer": …}, one per line'

Columns = Mapping[str, Callable[[Any], Mapping[str, Any]]]  # further key of a row → what reads its value


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer to check."""

    id: Any  # as in the row, so that output can be joined with input; else the line's number
    text: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    pointer: str = ""  # where it is in the row, as a JSON pointer; empty: it is the whole line
    error: str = ""  # why the row itself cannot be read


def columns_of(task: Task) -> Columns:
    """The further keys of rows that the options of a task read."""
    return {option.name.removeprefix("--"): option.column for option in task.options if option.column is not None}


def begins_rows(line: str, task: Task) -> bool:
    """Whether a file is one of rows if this is its first line: an answer that is an object has no id."""
    value = _lenient(line)
    return "id" in value and _answer_of(value, task) is not None


def row(number: int, line: str, task: Task, columns: Columns) -> Answer:
    """The answer in a line. `number`: of the line, from 1."""
    try:
        value = loads(line)
    except NotStrict as problem:
        return Answer(id=_lenient(line).get("id", str(number)), error=f"line {number}: not strict JSON: {problem}")
    if isinstance(value, dict) and not _is_row(value, task):
        return Answer(id=str(number), text=line)
    identity = value.get("id", str(number)) if isinstance(value, dict) else str(number)
    name = _answer_of(value, task) if isinstance(value, dict) else None
    if name is None:
        return Answer(id=identity, error=f"line {number}: row has no 'answer'")
    try:
        data, own = given_data(value, task, f"line {number}")
    except DataError as problem:
        return Answer(id=identity, error=f"line {number}: {problem.what}")
    context = {**own, **({task.data_key: data} if data else {})}
    for column, read in columns.items():
        context.update(read(value[column]) if column in value else {})
    answer = value[name]
    text = answer if isinstance(answer, str) else dumps(answer)
    return Answer(id=identity, text=text, context=context, pointer=f"/{name}")


def bad_row(error: str, task: Task) -> Problem:
    """The problem of an answer that cannot be read, in the first layer of the task's checks."""
    return Problem(layer=task.checks[0].name if task.checks else "form", code="bad_row", message=error, hint=ROW_FORM)


def _answer_of(value: Mapping[str, Any], task: Task) -> str | None:
    """The key of a row under which its answer is; None: it has none."""
    return next((name for name in ("answer", *task.answer_keys) if name in value), None)


def _is_row(value: Mapping[str, Any], task: Task) -> bool:
    """Whether a line of a file of rows is one. If not, it is a bare answer, which may have `answer_keys` itself."""
    named = any(isinstance(value.get(name), str) for name in task.answer_keys)
    return "id" in value or "answer" in value or named


def _lenient(line: str) -> dict[str, Any]:
    """The row as Python's tolerant reader parses it, to know its id; empty if it cannot."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
