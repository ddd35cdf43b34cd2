"""Answers that people confirmed, given again to the same question, or to one with other values.

    memory = Memory(task, "feedback.jsonl")
    memory.answer(example, form.read)     # the answer to "trips of Ann in Oslo", for "trips of Ann in Oslo?"
                                          # and, with the other name, for "trips of Bo in Oslo"

The file is one of feedback (`dstill.inputs.feedback`), so nobody is believed against somebody else. Another value is
one that the data are known to have of the same item. Question and answer may have the old one only once, and nobody may
have called the answer wrong for the new question.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dstill.api.faults import about
from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill.api.task import Task, data_of
from dstill.errors import UsageError
from dstill.inputs import feedback
from dstill.inputs.dedup import words_of
from dstill.inputs.feedback import MAX_FILE, RIGHT, Feedback
from dstill.io.secrets import looks_secret
from dstill.linked import Reading
from dstill.linked.known import same_value
from dstill.linked.linking import STOP_WORDS

if TYPE_CHECKING:
    from dstill.stages.predict.predicted import PredictedAnswer

__all__ = ["Memory"]

_SLOT = "\N{WHITE SQUARE}"  # stands for a value
_Words = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Value:
    """A known value in a question."""

    texts: Mapping[str, str]  # item that has it → its text, as the item spells it


@dataclass(frozen=True, kw_only=True)
class _Confirmed:
    """A question with its answer."""

    example: Example
    answer: str
    values: Sequence[_Value] = ()


class Memory:
    """The confirmed answers of one feedback file."""

    def __init__(self, task: Task, file: Path, data: str = "") -> None:
        """`data`: the name of the data that questions are about if they name none.

        Raises DataError, UsageError. A file that is not there has none.
        """
        self._task, self.file, self._data = task, file, data
        self._rows: list[Feedback] = feedback.read(file) if file.exists() else []
        self._read()

    def add(self, row: Feedback) -> None:
        """Remember one more verdict, which is in the file."""
        self._rows.append(row)
        self._read()

    def append(self, answered: PredictedAnswer, verdict: str, correction: str | None, *, model: str, data: str) -> None:
        """Write what somebody says of an answer into the file, and remember it.

        Raises UsageError, DiskError, RunError; and UsageError if the file is full or a text looks like a password.
        """
        for text in (answered.question, answered.answer, correction or ""):
            if looks_secret(text):
                raise UsageError("it has something that looks like a key or a password", where=str(self.file))
        row = Feedback(
            id=secrets.token_hex(8),
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            model=model,
            question=answered.question,
            answer=answered.answer,
            verdict="right" if verdict == RIGHT else "wrong",
            correction=correction,
            data=data or self._data,
        )
        if not feedback.append(self.file, row):
            raise UsageError(f"the file has {MAX_FILE >> 20} MiB", where=str(self.file), hint="move it")
        self.add(row)

    def _read(self) -> None:
        opinions = feedback.opinions(self._task, self._rows)
        self._same = {(_said(row.question), row.data): row.gold for row in opinions if row.gold}
        self._confirmed = [row for row in opinions if row.gold and not self._task.is_refusal(row.gold)]
        self._judged = {(words_of(row.question), row.data): row for row in opinions}
        self._alike: dict[str, dict[_Words, list[_Confirmed]]] = {}  # data → pattern → the questions

    def answer(self, example: Example, read: Callable[[Example], Reading] | None) -> str | None:
        """The confirmed answer; None: there is none. `read`: reads a question with its schema, to find values."""
        data = self._data_of(example)
        for name in (data, ""):
            if (same := self._same.get((_said(example.question), name))) is not None:
                return same
        if read is None or not self._same:
            return None
        if data not in self._alike:
            self._alike[data] = self._patterns(data, example, read)
        pattern, values = _pattern(read(example))
        answers = (self._with_values(known, values) for known in self._alike[data].get(pattern, ()))
        answer = next((answer for answer in answers if answer is not None), None)
        return None if answer is None or self._is_denied(example, answer) else answer

    def _data_of(self, example: Example) -> str:
        return data_of(self._task, example) or self._data

    def _is_denied(self, example: Example, answer: str) -> bool:
        """Whether somebody called the answer to this question wrong, or people disagree about it."""
        with about(example.id):
            canonical = self._task.canonical(answer)
        judged = (self._judged.get((words_of(example.question), name)) for name in (self._data_of(example), ""))
        return any(row is not None and (row.disputed or canonical in row.wrong) for row in judged)

    def _patterns(
        self, data: str, example: Example, read: Callable[[Example], Reading]
    ) -> dict[_Words, list[_Confirmed]]:
        """The confirmed questions about the data that have values, by their patterns."""
        alike: dict[_Words, list[_Confirmed]] = {}
        for row in self._confirmed:
            of = Example(id=example.id, question=row.question, context=example.context)
            pattern, values = _pattern(read(of)) if row.data in (data, "") else (_said(""), [])
            if values:
                alike.setdefault(pattern, []).append(_Confirmed(example=of, answer=row.gold or "", values=values))
        return alike

    def _with_values(self, known: _Confirmed, values: Sequence[_Value]) -> str | None:
        """The answer with the values of another question."""
        lookup, answer = ValueLookup.of(self._task), known.answer
        with about(known.example.id):
            for old, new in zip(known.values, values, strict=True):
                if old == new:
                    continue
                named = [
                    value
                    for value in lookup.named_values(known.example, answer)
                    if value.item in new.texts and value.text == old.texts.get(value.item)
                ]
                if len(named) != 1 or any(_times(named[0].text, text) > 1 for text in (known.example.question, answer)):
                    return None
                item = named[0].item
                answer = lookup.with_value(known.example, answer, named[0], NamedValue(item=item, text=new.texts[item]))
        return answer


def _said(question: str) -> _Words:
    """What a question says: its words, and what case and punctuation may decide: numbers, units, codes."""
    tokens = [token.rstrip("?!.,;:") for token in question.split()]
    kept = [
        token
        for place, token in enumerate(tokens)
        if any(char.isnumeric() for char in token)
        or (place and len(token) == 1 and token.isalpha())
        or (len(token) == 2 and token.casefold() not in STOP_WORDS)
    ]
    return words_of(question), *kept


def _times(value: str, text: str) -> int:
    """How often a text has a value."""
    return len(re.findall(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))


def _pattern(reading: Reading) -> tuple[_Words, list[_Value]]:
    """A question with a mark in the place of each known value, and the values."""
    question, values = reading.question, list[_Value]()
    spans = sorted(reading.schema.known_values(question), key=lambda span: (span[0], -span[1]))
    text, at = "", 0
    for start, end, items in spans:
        if start < at:
            continue
        having = [reading.schema.items[item] for item in items]
        texts = {item.name: spelled for item in having if (spelled := same_value(question[start:end], item.values))}
        if texts:
            text, at = f"{text}{question[at:start]}{_SLOT}", end
            values.append(_Value(texts=texts))
    return _said(f"{text}{question[at:]}"), values
