"""The rows that move through dstill, in the order in which they arise.

    teaching:    Example → Prompt → Reply → Draft → Record | Rejection(problems)
    evaluation:  Example → Prompt → Prediction → Draft → Verdict

Every class is a frozen, keyword-only dataclass, and every row that reaches a file
carries its example's ``id``, which joins all files of a run. ``to_row`` makes the
JSON object of a row, ``from_row`` reads one back:

    {"id": "weblogs-17", "question": "requests that failed with 503", "answer": "{…}", …}

Answers are text everywhere, also where the language is JSON: what a model wrote is
kept as it was written. A `Record` writes its context and extra columns as JSON text, too:
their form differs from row to row, and every set of a dataset has to have the same columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Literal, Mapping, Self

from dstill.api.splits import SPLITS
from dstill.io.strict_json import dumps, loads
from dstill.io.typed_json import built

__all__ = [
    "SCHEMA_VERSION",
    "SPLITS",
    "Cause",
    "Draft",
    "Example",
    "Grammar",
    "Inquiry",
    "Level",
    "Message",
    "Mutant",
    "Outcome",
    "OutcomeKind",
    "Overlap",
    "Pair",
    "Prediction",
    "Price",
    "Problem",
    "Prompt",
    "Record",
    "Rejection",
    "RelevantSchema",
    "Reply",
    "ResultDiff",
    "Row",
    "Score",
    "Section",
    "Severity",
    "Table",
    "TestDatabase",
    "Usage",
    "Verdict",
]

# Of every file of a run. A newer one than this program knows is refused by name.
SCHEMA_VERSION = 1

_JSON_COLUMNS = ("context", "extra")  # of a record


class Row:
    """What every row of a file can do: become a JSON object, and come back from one."""

    def to_row(self) -> dict[str, Any]:
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `to_row` wrote; keys that this class does not know are ignored.

        Raises ValueError (`dstill.io.typed_json.Misfit`) for a value of another type, naming it.
        """
        made: Self = built(cls, row)
        return made


def _plain(value: Any) -> Any:
    if isinstance(value, Row):
        return value.to_row()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (IntEnum, StrEnum)):
        return value.value
    return value


class Level(IntEnum):
    """How far an answer came. A rate at a level is taken over the verdicts checked that far."""

    UNPARSED = 0
    PARSED = 1
    VALID = 2
    EXECUTED = 3
    CORRECT = 4


class Severity(StrEnum):
    ERROR = "error"  # the answer is refused
    WARNING = "warning"  # legal, but probably not what was meant


@dataclass(frozen=True, kw_only=True)
class Problem(Row):
    """One thing that a check found in an answer."""

    layer: str  # the check that found it: syntax, schema, guard …
    code: str  # stable, for counting: unknown_field
    message: str  # for a person: names what stood there
    pointer: str = ""  # JSON pointer, or line:column, into the answer
    hint: str = ""  # what to do
    suggestion: str | None = None  # the value that would be right, where one is known
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        return self.severity == Severity.ERROR

    def __str__(self) -> str:
        place = f" at {self.pointer}" if self.pointer else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.layer}: {self.message}{place}{hint}"


@dataclass(frozen=True, kw_only=True)
class Example(Row):
    """One question, before anybody answered it."""

    id: str
    question: str
    context: Mapping[str, Any] = field(default_factory=dict)  # what the task needs beside it: data, a schema …
    answer: str | None = None  # gold, where it is known before a teacher is asked
    rationale: str | None = None  # why that gold, likewise
    category: str = ""
    template: str = ""  # what the question was made from; splits never share a test_unseen_templates one
    split: str = ""  # one of SPLITS; empty: the curation decides
    extra: Mapping[str, Any] = field(default_factory=dict)  # columns of the user's that dstill does not read


@dataclass(frozen=True, kw_only=True)
class Message(Row):
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a teacher is asked about one example."""

    example: Example
    messages: tuple[Message, ...]
    room: int = 1  # how many times its usual length the reply may have: more, after one that was cut


@dataclass(frozen=True, kw_only=True)
class Usage(Row):
    """Tokens of one reply, as the endpoint counted them."""

    prompt_tokens: int
    completion_tokens: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )

    @property
    def total(self) -> int:
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, kw_only=True)
class Price:
    """USD for a million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        return (self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens) / 1e6


@dataclass(frozen=True, kw_only=True)
class Reply(Row):
    """What a teacher said, raw."""

    id: str
    text: str
    model: str = ""
    finish_reason: str = "stop"  # stop, length, content_filter …
    usage: Usage | None = None  # None: the endpoint did not say; never counted as zero
    guess: Usage | None = None  # then, of a reply that is paid for: what it is taken to be, for caps and the cost
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Inquiry(Row):
    """A question that a teacher was asked, and where its replies lie."""

    id: str
    example: Example
    keys: tuple[str, ...] = ()  # of its replies in the reply store, in the order in which they were asked for
    problems: tuple[Problem, ...] = ()  # why there is no further reply


@dataclass(frozen=True, kw_only=True)
class Draft(Row):
    """A reply or prediction taken apart, not yet checked."""

    answer: str
    rationale: str = ""
    notes: tuple[str, ...] = ()  # repairs that parsing made, as "took away a markdown fence"


@dataclass(frozen=True, kw_only=True)
class Record(Row):
    """A checked question with rationale and answer: one row of the dataset."""

    id: str
    question: str
    rationale: str
    answer: str
    context: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    template: str = ""
    split: str = "train"
    teacher: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        row = super().to_row()
        return {**row, **{name: dumps(row[name]) for name in _JSON_COLUMNS}}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        texts = {name: row[name] for name in _JSON_COLUMNS if isinstance(row.get(name), str)}
        return super().from_row({**row, **{name: loads(text) for name, text in texts.items()}})

    @property
    def example(self) -> Example:
        """The question again, with this record's answer as gold."""
        return Example(
            id=self.id,
            question=self.question,
            context=self.context,
            answer=self.answer,
            rationale=self.rationale,
            category=self.category,
            template=self.template,
            split=self.split,
        )


@dataclass(frozen=True, kw_only=True)
class Rejection(Row):
    """A reply that did not become a record, and why."""

    id: str
    question: str
    problems: tuple[Problem, ...]
    text: str = ""  # the reply


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One sequence that a student learns: task_prefix + source → target."""

    task_prefix: str  # "predict: ", "explain: "
    source: str
    target: str
    weight: float = 1.0  # of this pair's branch in the loss


@dataclass(frozen=True, kw_only=True)
class Prediction(Row):
    """What a student wrote, raw."""

    id: str
    text: str
    seconds: float | None = None
    tokens: int | None = None
    truncated: bool = False  # it stopped at max_new_tokens, not by itself


class OutcomeKind(StrEnum):
    OK = "ok"
    INVALID = "invalid"  # the checks or the engine refused the answer: the answer's fault
    UNSUPPORTED = "unsupported"  # this engine cannot run it faithfully; another could
    UNAVAILABLE = "unavailable"  # timeout, lost connection, partial result: nobody's fault


@dataclass(frozen=True, kw_only=True)
class Outcome(Row):
    """What running an answer gave."""

    kind: OutcomeKind
    reason: str = ""
    value: Any = None  # the result in the executor's own form, for `Task.same`
    raw: Any = None  # the engine's whole reply, where it is kept
    problems: tuple[Problem, ...] = ()  # errors that the checks found: it was not run at all


@dataclass(frozen=True, kw_only=True)
class TestDatabase:
    """Small data to run answers on, made so that the gold differs from its mutants."""

    __test__: ClassVar[bool] = False  # pytest: this is no test class, whatever its name

    name: str
    data: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RelevantSchema:
    """What a person reads beside a question to judge its answer: names, and a few words on each."""

    title: str = ""  # what it is the schema of
    used: tuple[tuple[str, str], ...] = ()  # what the answer uses
    rest: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Mutant(Row):
    """The gold with one change, for seeing whether data can tell the two apart."""

    name: str  # what was changed, and where: "gte→gt at /query/range/took"
    answer: str


@dataclass(frozen=True, kw_only=True)
class Cause(Row):
    """The first difference between an answer and the gold."""

    label: str  # field, operator, value, missing clause …
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultDiff(Row):
    """Where the results of the gold and of an answer are apart, for a person: a few lines each."""

    gold: str
    answer: str
    corpus: str = ""  # the test database that told them apart; empty: the example's own data


@dataclass(frozen=True, kw_only=True)
class Overlap(Row):
    """The clauses of an answer and of its gold, as bags: how many both have, and how many each."""

    shared: int
    got: int
    want: int

    @property
    def precision(self) -> float:
        return self.shared / self.got if self.got else float(not self.want)

    @property
    def recall(self) -> float:
        return self.shared / self.want if self.want else float(not self.got)

    @property
    def f1(self) -> float:
        """1 where the bags are equal; 0 where they share nothing."""
        return 2 * self.shared / (self.got + self.want) if self.got + self.want else 1.0


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What a decoder may write: a JSON Schema, or EBNF for a language that is not JSON."""

    json_schema: Mapping[str, Any] | None = None
    ebnf: str | None = None  # `root` first, a rule a line; names in capitals are tokens
    # What stands around the answer: its opening, what leads from free text to the answer, and the end.
    frame: tuple[str, str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict(Row):
    """How far one prediction came, and how far it was followed."""

    id: str
    reached: Level
    checked: Level  # EXECUTED and CORRECT need an executor; without one they are "not checked"
    exact: bool | None = None  # canonical text equals the gold's; None: no gold
    problems: tuple[Problem, ...] = ()
    outcome: str = ""  # OutcomeKind of the run, or empty when nothing was run
    reason: str = ""  # why it is not further, in a line
    gold_error: str = ""  # the gold itself failed: never held against the student
    corpora: int = 0  # on how many test databases it ran too: of an answer that agrees, and is not the gold's own
    unchecked: str = ""  # why it did not run on them
    contrast: ResultDiff | None = None  # of an answer that ran with another result than the gold
    vacuous: bool = False  # the gold tells nothing (empty or everything): left out of accuracy, counted
    expects_refusal: bool = False  # the right answer is to refuse
    refused: bool = False  # the answer was to refuse
    category: str = ""
    template: str = ""
    split: str = ""
    cause: Cause | None = None  # of a failure that counts: what went wrong first
    clauses: Overlap | None = None  # None: the language has none, or there is no gold

    @property
    def correct(self) -> bool:
        return self.reached == Level.CORRECT


@dataclass(frozen=True, kw_only=True)
class Score(Row):
    """A figure over verdicts, with its interval and count."""

    name: str
    value: float | None  # None: not measured (never 0)
    n: int
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a report or of a result: every cell is text and is escaped by the writer."""

    columns: tuple[str, ...]  # in a terminal one whose name begins with # is set to the right
    rows: tuple[tuple[str, ...], ...]
    title: str = ""  # where several stand below one another
    spare: int = 0  # of the last columns, how many may be left out where there is no room


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a report, in plain data: the report's writer escapes and lays it out."""

    title: str
    order: int = 100
    text: str = ""
    table: Table | None = None
    svg: str = ""  # trusted markup from the plugin itself, never from data
