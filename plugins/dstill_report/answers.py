"""Collects the answers that the report shows: all that are wrong, and a sample of those that are right.

    collect(run)  →  Answers(rows=(Answer(id="test-17", kind="wrong result", …), …), n_wrong=31, n_right=469, …)

Each row has a diff of answer and gold and of their results (`dstill_report.diff`), and the fields that they use. Texts
are cut so that all rows together stay below `BUDGET` bytes; `dstill runs trace` shows them in full.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from dstill.answering import steps
from dstill.api.protocols import Presentation
from dstill.api.records import SPLITS, Cause, Example, Level, Prediction, Problem, Record, ResultDiff, Verdict
from dstill.api.task import Task, data_of
from dstill.cli.console import visible
from dstill.io.strict_json import dumps
from dstill_evaluate.metrics import why_uncounted
from dstill_report.diff import Line, diff_answers, diff_lines

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["Answer", "Answers", "Data", "Field", "collect", "kind_of"]

# Bytes of HTML for all answers together: the page stays below 3 MB.
BUDGET = 2_600_000
# Bytes of HTML tags around one answer, around one marked part or empty line, and around one field.
ANSWER_MARKUP, MARK_MARKUP, FIELD_MARKUP = 700, 13, 60
CUTS = (20_000, 6_000, 3_000, 1_500, 700, 300)  # maximum characters per text; the first one that fits the budget wins
MAX_DATA = 8  # data sets whose fields are listed
SAMPLE = 50  # right answers

_Judged = tuple[Record, Prediction, Verdict, str]  # and how it failed, as in `kind_of`


@dataclass(frozen=True, kw_only=True)
class Field:
    """A part of the data that an answer uses, for example a field of a mapping."""

    name: str
    about: str
    used_by: str = ""  # "gold" or "student"; empty: both


@dataclass(frozen=True, kw_only=True)
class Data:
    """All fields of one data set."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer of the student beside its gold."""

    id: str
    split: str
    category: str
    about: str  # name of the data that the question is about
    kind: str  # how the answer failed, as in `kind_of`; empty: it is right
    cause: str  # label of the first cause; empty if the answer is right or does not count
    detail: str  # of the cause
    question: str
    rationale: str  # the teacher's
    reason: str
    gold: tuple[Line, ...]
    answer: tuple[Line, ...]
    words: tuple[tuple[Line, ...], tuple[Line, ...]]  # what gold and answer do; empty: the task has none
    results: tuple[tuple[Line, ...], tuple[Line, ...]]  # of gold and answer; empty if they do not differ
    test_database: str  # the test database where the results differ; empty: on the data itself
    fields: tuple[Field, ...]  # used by the gold or the answer
    data: int | None  # index of its data in `Answers.data`; None: not listed
    problems: tuple[Problem, ...]

    @property
    def label(self) -> str:
        """The fault, in a word or two."""
        return self.cause or self.kind


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The wrong answers of a run, in the order of its records, and then the sample of right ones."""

    rows: tuple[Answer, ...]  # as many as the size budget allows
    n_wrong: int  # including those without a row
    n_right: int  # including those that are not in the sample
    labels: dict[str, int]  # what went wrong → how often, the most frequent first
    data: tuple[Data, ...] = ()

    @property
    def wrong(self) -> list[Answer]:
        """The rows that are wrong or could not be judged."""
        return [row for row in self.rows if row.kind]

    @property
    def right(self) -> list[Answer]:
        """The rows of the sample."""
        return [row for row in self.rows if not row.kind]


@dataclass(frozen=True, kw_only=True)
class _Read:
    """An answer before its texts are cut and compared."""

    record: Record
    prediction: Prediction
    verdict: Verdict
    kind: str
    gold: str  # laid out by the pack, as is the answer
    answer: str  # parsed from the prediction
    words: tuple[str, str]  # what gold and answer do; empty: it is a refusal or not valid, or the task has none
    fields: tuple[Field, ...]
    data: int | None
    about: str

    @property
    def texts(self) -> tuple[str, ...]:
        record, results = self.record, self.verdict.result_diff or ResultDiff(gold="", answer="")
        reason = self.verdict.gold_error or self.verdict.reason
        texts = (record.question, record.rationale, self.gold, self.answer, reason, results.gold, results.answer)
        return (*texts, *self.words)


def collect(run: Run) -> Answers:
    """Wrong answers of the student, over all judged splits, and a sample of its right ones."""
    data = _AllData(run)
    judged = list(_judged(run))
    wrong = [row for row in judged if row[-1]]
    right = [row for row in judged if not row[-1] and row[2].correct]
    rows = [_read(run, data, *row) for row in (*wrong, *_sample(right))]
    labels = Counter(verdict.cause.label if verdict.cause else kind for _, _, verdict, kind in wrong)
    budget = BUDGET - sum(_size_of_fields(row.fields) for row in data.listed)
    return Answers(
        rows=_within(budget, rows),
        n_wrong=len(wrong),
        n_right=len(right),
        labels=dict(labels.most_common()),
        data=tuple(data.listed),
    )


def _sample(right: Sequence[_Judged]) -> list[_Judged]:
    """At most `SAMPLE` of `right`, drawn by the hash of their ids: as many of each split and category as possible."""
    drawn = sorted(right, key=lambda row: hashlib.sha256(row[0].id.encode("utf-8", "backslashreplace")).digest())
    seen: Counter[tuple[str, str]] = Counter()
    turns = []
    for row in drawn:
        seen[place := (row[0].split, row[0].category)] += 1
        turns.append(seen[place])
    chosen = sorted(range(len(drawn)), key=lambda n: (turns[n], n))[:SAMPLE]
    ids = {drawn[n][0].id for n in chosen}
    return [row for row in right if row[0].id in ids]


def _within(budget: int, read: Sequence[_Read]) -> tuple[Answer, ...]:
    """Rows of at most `budget` bytes: texts are cut first, and if that is not enough, the last rows are dropped."""
    longest = [max(map(len, row.texts)) for row in read]
    rows: dict[tuple[int, int], tuple[Answer, int]] = {}  # (index, length of its longest text) → row, size in bytes
    for cut in CUTS:
        lower_bound = sum(min(len(text), cut) for row in read for text in row.texts)
        if cut != CUTS[-1] and lower_bound > budget:
            continue
        keys = [(index, min(length, cut)) for index, length in enumerate(longest)]
        for key in keys:
            if key not in rows:
                row = _answer(read[key[0]], cut)
                rows[key] = row, _size(row)
        ends = list(accumulate(rows[key][1] for key in keys))
        if not ends or ends[-1] <= budget:
            break
    return tuple(rows[key][0] for key, end in zip(keys, ends, strict=True) if end <= budget)


def kind_of(verdict: Verdict) -> str:
    """How an answer failed, for example "wrong result"; empty if it passed every check that was run."""
    if verdict.reached < Level.VALID:
        return "unparsed" if verdict.reached == Level.UNPARSED else "invalid"
    if uncounted := why_uncounted(verdict):
        return "" if uncounted == "not checked" else uncounted
    if verdict.reached == Level.VALID:
        return "refusal" if verdict.refused or verdict.expects_refusal else "engine refused"
    if verdict.correct:
        return ""
    return "wrong on a test database" if verdict.result_diff and verdict.result_diff.test_database else "wrong result"


def _judged(run: Run) -> Iterator[_Judged]:
    verdicts = {verdict.id: verdict for verdict in run.verdicts()}
    predictions = {prediction.id: prediction for prediction in run.predictions()}
    for split in SPLITS:
        for record in run.records(split):
            verdict, prediction = verdicts.get(record.id), predictions.get(record.id)
            if verdict is not None and prediction is not None:
                yield record, prediction, verdict, kind_of(verdict)


# --- one row ----------------------------------------------------------------------------


def _read(run: Run, data: _AllData, record: Record, prediction: Prediction, verdict: Verdict, kind: str) -> _Read:
    draft, gold = steps.draft_of(prediction, run.objective, run.task), record.answer
    answer = draft.answer if draft is not None else prediction.text
    is_valid = verdict.reached >= Level.VALID and not verdict.refused
    return _Read(
        record=record,
        prediction=prediction,
        verdict=verdict,
        kind=kind,
        gold=_laid_out(run.task, record.answer),
        answer=_laid_out(run.task, answer),
        words=(
            "" if run.task.is_refusal(gold) else steps.in_words(run.task, record.example, gold),
            steps.in_words(run.task, record.example, answer) if is_valid else "",
        ),
        fields=tuple(_fields(run, record.example, answer)),
        data=data.index_of(record.example),
        about=data_of(run.task, record),
    )


def _laid_out(task: Task, answer: str) -> str:
    """An answer on lines. JSON stays as it is: the diff lays it out, with the keys in the gold's order."""
    return answer if task.json_answers else "".join(text for _, text in Presentation.of(task).highlight(answer))


def _fields(run: Run, example: Example, answer: str) -> Iterator[Field]:
    """The fields that the gold or the answer uses."""
    gold, student = (
        dict(Presentation.of(run.task).relevant_schema(example, text).used) for text in (example.answer or "", answer)
    )
    for name, about in (gold | student).items():
        used_by = "student" if name not in gold else "gold" if name not in student else ""
        yield Field(name=name, about=about, used_by=used_by)


class _AllData:
    """The data sets that the answers are about, without duplicates."""

    def __init__(self, run: Run) -> None:
        self.task = run.task
        self.listed: list[Data] = []
        self._indices: dict[str, int | None] = {}  # by the context of the example

    def index_of(self, example: Example) -> int | None:
        """The index in `listed` of the data that `example` is about; None if it is not listed."""
        key = dumps(dict(example.context))
        if key not in self._indices:
            self._indices[key] = self._add(example)
        return self._indices[key]

    def _add(self, example: Example) -> int | None:
        excerpt = Presentation.of(self.task).relevant_schema(example, "")
        fields = tuple(Field(name=name, about=about) for name, about in excerpt.rest)
        if not fields or len(self.listed) == MAX_DATA:
            return None
        self.listed.append(Data(title=excerpt.title, fields=fields))
        return len(self.listed) - 1


def _answer(row: _Read, cut: int) -> Answer:
    record, verdict, results = row.record, row.verdict, row.verdict.result_diff
    cause = verdict.cause or Cause(label="")
    gold, answer = diff_answers(_cut(row.gold, cut), _cut(row.answer, cut))
    lines = [_cut(text, cut).split("\n") for text in (results.gold, results.answer)] if results else [[], []]
    return Answer(
        id=record.id,
        split=record.split,
        category=record.category,
        about=row.about,
        kind=row.kind,
        cause=cause.label,
        detail="" if cause.detail == verdict.reason else _cut(cause.detail, cut),
        question=_cut(record.question, cut),
        rationale=_cut(record.rationale, cut),
        reason=_cut(verdict.gold_error or verdict.reason, cut),
        gold=gold,
        answer=answer,
        words=diff_lines(*([_cut(text, cut)] if text else [] for text in row.words)),
        results=diff_lines(*lines),
        test_database=results.test_database if results else "",
        fields=row.fields,
        data=row.data,
        # the reason repeats the first problem's message
        problems=tuple(p for p in verdict.problems[:5] if p.pointer or p.hint or p.message != verdict.reason),
    )


def _cut(text: str, cut: int) -> str:
    return text if len(text) <= cut else f"{text[:cut]}… ({len(text) - cut:,} more characters)"


def _size(row: Answer) -> int:
    """Bytes of HTML that a row takes."""
    lines = [line for side in (row.gold, row.answer, *row.results) for line in side]
    marks = sum(sum(part.differs for part in line.parts) if line.parts else 1 for line in lines)
    problems = [text for p in row.problems for text in (p.layer, p.message, p.pointer, p.hint)]
    names = [
        row.id,
        row.about,
        row.test_database,
        row.test_database,
        *(2 * [row.split, row.category, row.kind, row.cause]),
    ]
    texts = [row.question, row.rationale, row.reason, row.detail, *names, *problems, *(line.text for line in lines)]
    return ANSWER_MARKUP + MARK_MARKUP * marks + _size_of_fields(row.fields) + _escaped_size("\n".join(texts))


def _size_of_fields(fields: Iterable[Field]) -> int:
    return sum(FIELD_MARKUP + _escaped_size(field.name) + _escaped_size(field.about) for field in fields)


def _escaped_size(text: str) -> int:
    """Bytes of `text` in UTF-8, with ``&lt;``, ``&gt;`` and ``&amp;``."""
    shown = visible(text)
    return len(shown.encode()) + 4 * sum(map(shown.count, "<>&"))
