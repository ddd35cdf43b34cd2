"""The failure browser's rows: what the student got wrong, gold beside answer.

In come a run's records, predictions and verdicts; out come `Failure` rows in the run's order, with both answers
(`dstill_report.tree`), what each of them found, and the part of the data that they name. Texts are cut so that the
whole stays under `BUDGET` bytes; `dstill runs trace` has them whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Iterable, Iterator, Sequence

from dstill.api.protocols import Presentation
from dstill.api.records import SPLITS, Cause, Example, Level, Prediction, Problem, Record, ResultDiff, Verdict
from dstill.api.task import data_of
from dstill.cli.console import visible
from dstill.io.strict_json import dumps
from dstill.pipeline import steps
from dstill_evaluate.metrics import why_uncounted
from dstill_report.tree import Line, against, marked

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["Data", "Failure", "Failures", "Field", "collect", "kind_of"]

# Bytes of all failures together, escaped and with their markup: the page stays below 3 MB.
BUDGET = 2_600_000
MARKUP, MARK, OF_FIELD = 700, 13, 60  # around one failure; one marked part or empty line; one field
CUTS = (20_000, 6_000, 3_000, 1_500, 700, 300)  # characters of one text; the longest that fits the budget
MOST_DATA = 8  # data sets whose fields are listed


@dataclass(frozen=True, kw_only=True)
class Field:
    """One part of the data that an answer names: a field of a mapping, or whatever the task calls it."""

    name: str
    about: str
    used_by: str = ""  # gold, student; empty: both


@dataclass(frozen=True, kw_only=True)
class Data:
    """All that there is to name, of one data set."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One answer that is not correct, or could not be judged."""

    id: str
    split: str
    category: str
    about: str  # the name of the data that it asks about
    kind: str  # how it failed, in words
    cause: str  # what went wrong first, by its label; empty: it does not count
    detail: str  # of the cause
    question: str
    rationale: str  # the teacher's
    reason: str
    gold: tuple[Line, ...]
    answer: tuple[Line, ...]
    found: tuple[tuple[Line, ...], tuple[Line, ...]]  # what the gold and the answer gave, where it differs
    corpus: str  # the small data that told them apart; empty: the data itself
    fields: tuple[Field, ...]
    data: int | None  # the place of its data in `Failures.data`
    problems: tuple[Problem, ...]


@dataclass(frozen=True, kw_only=True)
class Failures:
    rows: tuple[Failure, ...]
    total: int  # also those that the budget left out
    data: tuple[Data, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Wrong:
    """What a row is made of."""

    record: Record
    prediction: Prediction
    verdict: Verdict
    kind: str
    answer: str  # as it was taken from the prediction
    fields: tuple[Field, ...]
    data: int | None
    about: str

    @property
    def texts(self) -> tuple[str, ...]:
        record, found = self.record, self.verdict.result_diff or ResultDiff(gold="", answer="")
        reason = self.verdict.gold_error or self.verdict.reason
        return record.question, record.rationale, record.answer, self.answer, reason, found.gold, found.answer


def collect(run: Run) -> Failures:
    """What the student got wrong, over every set that was judged."""
    data = _AllData(run)
    found = [_read(run, data, *one) for one in _wrong(run)]
    room = BUDGET - sum(_size_of_fields(one.fields) for one in data.found)
    return Failures(rows=_fitting(found, room), total=len(found), data=tuple(data.found))


def _fitting(found: Sequence[_Wrong], room: int) -> tuple[Failure, ...]:
    """As many rows as there is room for, with the longest texts that let all of them in."""
    longest = [max(map(len, one.texts)) for one in found]
    made: dict[tuple[int, int], tuple[Failure, int]] = {}  # with its size, by its place and what a cut leaves of it
    for cut in CUTS:
        least = sum(min(len(text), cut) for one in found for text in one.texts)
        if cut != CUTS[-1] and least > room:
            continue  # escaped it will not be shorter
        keys = [(place, min(length, cut)) for place, length in enumerate(longest)]
        for key in keys:
            if key not in made:
                row = _failure(found[key[0]], cut)
                made[key] = row, _size(row)
        ends = list(accumulate(made[key][1] for key in keys))
        if not ends or ends[-1] <= room:
            break
    return tuple(made[key][0] for key, end in zip(keys, ends, strict=True) if end <= room)


def kind_of(verdict: Verdict) -> str:
    """How an answer failed, in words; empty: it did not, as far as it was followed."""
    if verdict.reached < Level.VALID:
        return "unparsed" if verdict.reached == Level.UNPARSED else "invalid"
    if left_out := why_uncounted(verdict):
        return "" if left_out == "not checked" else left_out
    if verdict.reached == Level.VALID:
        return "refusal" if verdict.refused or verdict.expects_refusal else "engine refused"
    if verdict.correct:
        return ""
    return "wrong on a corpus" if verdict.result_diff and verdict.result_diff.test_database else "wrong result"


def _wrong(run: Run) -> Iterator[tuple[Record, Prediction, Verdict, str]]:
    verdicts = {verdict.id: verdict for verdict in run.verdicts()}
    predictions = {prediction.id: prediction for prediction in run.predictions()}
    for split in SPLITS:
        for record in run.records(split):
            verdict, prediction = verdicts.get(record.id), predictions.get(record.id)
            if verdict is not None and prediction is not None and (kind := kind_of(verdict)):
                yield record, prediction, verdict, kind


# --- one row ----------------------------------------------------------------------------


def _read(run: Run, data: _AllData, record: Record, prediction: Prediction, verdict: Verdict, kind: str) -> _Wrong:
    draft = steps.draft_of(prediction, run.objective, run.task)
    answer = draft.answer if draft is not None else prediction.text
    return _Wrong(
        record=record,
        prediction=prediction,
        verdict=verdict,
        kind=kind,
        answer=answer,
        fields=tuple(_fields(run, record.example, answer)),
        data=data.of(record.example),
        about=data_of(run.task, record),
    )


def _fields(run: Run, example: Example, answer: str) -> Iterator[Field]:
    """What the gold or the answer names, and which of them."""
    gold, given = (
        dict(Presentation.of(run.task).relevant_schema(example, text).used) for text in (example.answer or "", answer)
    )
    for name, about in (gold | given).items():
        yield Field(name=name, about=about, used_by="" if name in gold and name in given else _side(name in gold))


def _side(is_gold: bool) -> str:
    return "gold" if is_gold else "student"


class _AllData:
    """The data that failures are about, each once."""

    def __init__(self, run: Run) -> None:
        self.task = run.task
        self.known: dict[str, int | None] = {}  # by context
        self.found: list[Data] = []

    def of(self, example: Example) -> int | None:
        key = dumps(dict(example.context))
        if key not in self.known:
            self.known[key] = self._added(example)
        return self.known[key]

    def _added(self, example: Example) -> int | None:
        excerpt = Presentation.of(self.task).relevant_schema(example, "")
        fields = tuple(Field(name=name, about=about) for name, about in excerpt.rest)
        if not fields or len(self.found) == MOST_DATA:
            return None
        self.found.append(Data(title=excerpt.title, fields=fields))
        return len(self.found) - 1


def _failure(one: _Wrong, cut: int) -> Failure:
    record, verdict, contrast = one.record, one.verdict, one.verdict.result_diff
    cause = verdict.cause or Cause(label="")
    gold, answer = against(_cut(record.answer, cut), _cut(one.answer, cut))
    found = [_cut(text, cut).split("\n") for text in (contrast.gold, contrast.answer)] if contrast else [[], []]
    return Failure(
        id=record.id,
        split=record.split,
        category=record.category,
        about=one.about,
        kind=one.kind,
        cause=cause.label,
        detail="" if cause.detail == verdict.reason else _cut(cause.detail, cut),
        question=_cut(record.question, cut),
        rationale=_cut(record.rationale, cut),
        reason=_cut(verdict.gold_error or verdict.reason, cut),
        gold=gold,
        answer=answer,
        found=marked(*found),
        corpus=contrast.test_database if contrast else "",
        fields=one.fields,
        data=one.data,
        # the first problem's message is the reason already
        problems=tuple(p for p in verdict.problems[:5] if p.pointer or p.hint or p.message != verdict.reason),
    )


def _cut(text: str, cut: int) -> str:
    return text if len(text) <= cut else f"{text[:cut]}… ({len(text) - cut:,} more characters)"


def _size(row: Failure) -> int:
    """Bytes of a row as the page will hold it."""
    lines = [line for side in (row.gold, row.answer, *row.found) for line in side]
    marks = sum(sum(part.differs for part in line.parts) if line.parts else 1 for line in lines)
    problems = [text for p in row.problems for text in (p.layer, p.message, p.pointer, p.hint)]
    names = [row.id, row.about, row.corpus, row.corpus, *(2 * [row.split, row.category, row.kind, row.cause])]
    texts = [row.question, row.rationale, row.reason, row.detail, *names, *problems, *(line.text for line in lines)]
    return MARKUP + MARK * marks + _size_of_fields(row.fields) + _escaped("\n".join(texts))


def _size_of_fields(fields: Iterable[Field]) -> int:
    return sum(OF_FIELD + _escaped(field.name) + _escaped(field.about) for field in fields)


def _escaped(text: str) -> int:
    shown = visible(text)
    return len(shown.encode()) + 4 * sum(map(shown.count, "<>&"))
