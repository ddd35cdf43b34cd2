"""The rows of a stage as sequences that are on disk if they are many (`dstill.io.spool`).

    found = examples(read)                        # a Sequence of them
    rows = labels(checked)                        # records and rejections

Contexts must be JSON, as in files: a tuple in one comes back as a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from dstill.api.records import (
    Cause,
    Example,
    Level,
    Message,
    Overlap,
    Prediction,
    Problem,
    Prompt,
    Record,
    Rejection,
    ResultDiff,
    Row,
    Severity,
    Verdict,
)
from dstill.io.spool import Codec, Spool

__all__ = ["Answered", "answered", "answers", "examples", "labels", "predictions", "prompts", "records", "verdicts"]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """The reply of a teacher about one example."""

    row: Record | Rejection
    keys: tuple[str, ...] = ()  # of its replies in the store
    problems: tuple[Problem, ...] = ()  # why there is no further reply


def _flat(kind: type[Any]) -> Codec[Any]:
    """For rows whose fields are plain but for `context`, which many rows share."""
    names = [field.name for field in fields(kind) if field.name != "context"]
    values = attrgetter(*names)

    def decode(row: Sequence[Any], context: Mapping[str, Any] | None) -> Any:
        return kind(**dict(zip(names, row, strict=True)), context={} if context is None else context)

    return Codec(lambda row: (values(row), row.context or None), decode)


_EXAMPLE, _RECORD = _flat(Example), _flat(Record)


def _label(row: Record | Rejection) -> tuple[Any, Any]:
    return _RECORD.encode(row) if isinstance(row, Record) else (row.to_row(), None)


def _label_of(value: Any, context: Any) -> Record | Rejection:
    return _RECORD.decode(value, context) if isinstance(value, list) else Rejection.from_row(value)


def _answer(answer: str | Problem) -> tuple[Any, Any]:
    return (answer if isinstance(answer, str) else answer.to_row()), None


def _answer_of(value: Any, _: Any) -> str | Problem:
    return value if isinstance(value, str) else Problem.from_row(value)


def _answered(source: Answered) -> tuple[Any, Any]:
    row, context = _label(source.row)
    return [row, source.keys, [problem.to_row() for problem in source.problems]], context


def _answered_of(value: Any, context: Any) -> Answered:
    row, keys, problems = value
    return Answered(row=_label_of(row, context), keys=tuple(keys), problems=tuple(map(Problem.from_row, problems)))


def _prompt(prompt: Prompt) -> tuple[Any, Any]:
    example, context = _EXAMPLE.encode(prompt.example)
    return [
        example,
        [[message.role, message.content] for message in prompt.messages],
        prompt.max_tokens_factor,
    ], context


def _prompt_of(value: Any, context: Any) -> Prompt:
    example, turns, factor = value
    messages = tuple(Message(role=role, content=content) for role, content in turns)
    return Prompt(example=_EXAMPLE.decode(example, context), messages=messages, max_tokens_factor=factor)


def _plain(kind: type[Any], *others: str) -> tuple[Callable[[Any], Sequence[Any]], Callable[[Sequence[Any]], Any]]:
    """The values of the plain fields of a row, and the row of them; `others`: the fields that follow in a list."""
    names = [field.name for field in fields(kind) if field.name not in others] + list(others)
    return attrgetter(*names), lambda values: dict(zip(names, values, strict=True))


_PREDICTION, _PREDICTION_OF = _plain(Prediction)
_NESTED: Mapping[str, type[Row]] = {"result_diff": ResultDiff, "cause": Cause, "clauses": Overlap}  # of plain fields
_VERDICT, _VERDICT_OF = _plain(Verdict, "problems", *_NESTED)
_PROBLEM, _PROBLEM_OF = _plain(Problem)
_LEVELS = tuple(Level)


def _problem_of(value: Sequence[Any]) -> Problem:
    row = _PROBLEM_OF(value)
    row["severity"] = Severity(row["severity"])
    return Problem(**row)


def _verdict(verdict: Verdict) -> tuple[Any, Any]:
    *values, problems, difference, cause, clauses = _VERDICT(verdict)
    nested = [part and vars(part) for part in (difference, cause, clauses)]
    return [*values, list(map(_PROBLEM, problems)), *nested], None


def _verdict_of(value: Any, _: Any) -> Verdict:
    row = _VERDICT_OF(value)
    row["reached"], row["checked"] = _LEVELS[row["reached"]], _LEVELS[row["checked"]]
    row["problems"] = tuple(map(_problem_of, row["problems"]))
    for name, kind in _NESTED.items():
        if row[name] is not None:
            row[name] = kind(**row[name])
    return Verdict(**row)


def examples(rows: Iterable[Example] = ()) -> Spool[Example]:
    """A sequence of examples."""
    return Spool(_EXAMPLE, rows)


def records(rows: Iterable[Record] = ()) -> Spool[Record]:
    """A sequence of records."""
    return Spool(_RECORD, rows)


def labels(rows: Iterable[Record | Rejection] = ()) -> Spool[Record | Rejection]:
    """A sequence of records and rejections."""
    return Spool(Codec(_label, _label_of), rows)


def prompts() -> Spool[Prompt]:
    """A sequence of prompts."""
    return Spool(Codec(_prompt, _prompt_of))


def answers() -> Spool[str | Problem]:
    """A sequence of keys of replies, and of problems that say why there is none."""
    return Spool(Codec(_answer, _answer_of))


def predictions(rows: Iterable[Prediction] = ()) -> Spool[Prediction]:
    """A sequence of what a system wrote."""
    codec = Codec(lambda row: (_PREDICTION(row), None), lambda value, _: Prediction(**_PREDICTION_OF(value)))
    return Spool(codec, rows)


def verdicts(rows: Iterable[Verdict] = ()) -> Spool[Verdict]:
    """A sequence of verdicts."""
    return Spool(Codec(_verdict, _verdict_of), rows)


def answered() -> Spool[Answered]:
    """A sequence of what a teacher said."""
    return Spool(Codec(_answered, _answered_of))
