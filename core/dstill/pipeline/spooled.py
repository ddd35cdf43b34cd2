"""The rows of a stage as sequences that are on disk if they are many (`dstill.io.spool`).

    found = examples(read)                        # a Sequence of them
    rows = labels(checked)                        # records and rejections

Contexts must be JSON, as in files: a tuple in one comes back as a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from dstill.api.records import Example, Message, Problem, Prompt, Record, Rejection
from dstill.io.spool import Codec, Spool

__all__ = ["Answered", "answered", "answers", "examples", "labels", "prompts", "records"]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a teacher said about one example."""

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


def _answered(one: Answered) -> tuple[Any, Any]:
    row, context = _label(one.row)
    return [row, one.keys, [problem.to_row() for problem in one.problems]], context


def _answered_of(value: Any, context: Any) -> Answered:
    row, keys, problems = value
    return Answered(row=_label_of(row, context), keys=tuple(keys), problems=tuple(map(Problem.from_row, problems)))


def _prompt(prompt: Prompt) -> tuple[Any, Any]:
    example, context = _EXAMPLE.encode(prompt.example)
    return [example, [[one.role, one.content] for one in prompt.messages], prompt.max_tokens_factor], context


def _prompt_of(value: Any, context: Any) -> Prompt:
    example, said, factor = value
    messages = tuple(Message(role=role, content=content) for role, content in said)
    return Prompt(example=_EXAMPLE.decode(example, context), messages=messages, max_tokens_factor=factor)


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


def answered() -> Spool[Answered]:
    """A sequence of what a teacher said."""
    return Spool(Codec(_answered, _answered_of))
