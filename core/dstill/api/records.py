"""The rows that move through dstill, in the order in which they arise.

    teaching:    Example → Prompt → Reply → Draft → Record | Rejection(problems)
    evaluation:  Example → Prompt → Prediction → Draft → Verdict

Every class is a frozen, keyword-only dataclass. Every row in a file has its example's ``id``, so all files of a run can
be joined by it. `Row.to_row` makes the JSON object of a row, `Row.from_row` reads one back:

    {"id": "train-17", "question": "take x, add 4, then multiply by y", "answer": "x 4 + y *", …}

Answers are always text, even if the language is JSON: dstill keeps what a model wrote, unchanged. A `Record` writes its
context and extra columns as JSON text, too: their keys differ from row to row, but all files of a dataset need the same
columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Literal, Self

from dstill.api.splits import SPLITS
from dstill.io.strict_json import dumps, loads
from dstill.io.typed_json import convert

__all__ = [
    "SCHEMA_VERSION",
    "SPLITS",
    "Cause",
    "Draft",
    "Example",
    "Grammar",
    "Level",
    "Message",
    "ModelInput",
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
    "TeacherRequest",
    "TestDatabase",
    "Usage",
    "Verdict",
]

# The format of run.json and of every row. dstill refuses another one.
SCHEMA_VERSION = 1

_JSON_COLUMNS = ("context", "extra")  # of a record


class Row:
    """Base of the classes that are rows of a file: converts them to JSON objects and back."""

    def to_row(self) -> dict[str, Any]:
        """The fields as a dictionary that ``json.dumps`` takes; rows inside of it are converted too."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Read what `to_row` wrote, and ignore unknown keys.

        Raises ValueError (`dstill.io.typed_json.Misfit`) that names the key if a value is missing or has a wrong type.
        """
        converted: Self = convert(cls, row)
        return converted


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
    """How far an answer came. A rate at a level counts only verdicts that were checked up to that level."""

    UNPARSED = 0  # the text holds no answer in the language
    PARSED = 1  # the answer is in the language, but a check refused it
    VALID = 2  # the checks found no error
    EXECUTED = 3  # the engine ran it
    CORRECT = 4  # its result is the reference answer's


class Severity(StrEnum):
    """Whether a `Problem` refuses the answer."""

    ERROR = "error"  # the answer is refused
    WARNING = "warning"  # legal, but probably not what was meant


@dataclass(frozen=True, kw_only=True)
class Problem(Row):
    """One thing that a check found in an answer."""

    layer: str  # `Check.name` of the check that found it: syntax, schema, guard …
    code: str  # a stable word that reports count by: unknown_field
    message: str  # for people; quotes the wrong part of the answer
    pointer: str = ""  # where in the answer: a JSON pointer, or line:column
    hint: str = ""  # what to do about it
    suggestion: str | None = None  # the right value, if it is known
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether this problem refuses the answer."""
        return self.severity == Severity.ERROR

    def __str__(self) -> str:
        place = f" at {self.pointer}" if self.pointer else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.layer}: {self.message}{place}{hint}"


@dataclass(frozen=True, kw_only=True)
class Example(Row):
    """One question, with its reference answer (the gold) if that is known."""

    id: str  # unique in a run
    question: str
    context: Mapping[str, Any] = field(default_factory=dict)  # what the task needs to know: data, a schema … (JSON)
    answer: str | None = None  # the gold; None: not known
    rationale: str | None = None  # why the gold is right; None: not known
    category: str = ""  # the kind of question, for choosing worked examples and for reports
    template: str = ""  # what the question was made from; no other split has a template of test_unseen_templates
    split: str = ""  # one of SPLITS; empty: the one that `Task.examples` was asked for, of other questions a drawn one
    extra: Mapping[str, Any] = field(default_factory=dict)  # the user's own columns, which dstill copies unread


@dataclass(frozen=True, kw_only=True)
class Message(Row):
    """One message of a conversation with a chat model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """The request to a teacher about one example."""

    example: Example
    messages: tuple[Message, ...]
    max_tokens_factor: int = 1  # multiplies the reply's token limit: more than 1 after a reply that was cut off


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
        """Tokens of prompt and reply together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, kw_only=True)
class Price:
    """Prices of a model, in US dollars for a million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """The price of `usage`, in US dollars."""
        return (self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens) / 1e6


@dataclass(frozen=True, kw_only=True)
class Reply(Row):
    """A teacher's reply, as it came."""

    id: str  # of the example
    text: str
    model: str = ""  # as the endpoint names it
    finish_reason: str = "stop"  # as chat completions have it: stop, length, content_filter …
    usage: Usage | None = None  # None: the endpoint did not say, which never counts as zero
    guess: Usage | None = None  # an estimate for caps and costs, if a paid endpoint did not report `usage`
    seconds: float | None = None  # from request to reply; None: not measured


@dataclass(frozen=True, kw_only=True)
class TeacherRequest(Row):
    """A question that a teacher was asked, and the keys of its replies in the reply store: a row of requests.jsonl."""

    id: str  # of the example
    example: Example
    keys: tuple[str, ...] = ()  # in the order of the requests
    problems: tuple[Problem, ...] = ()  # why there is no further reply


@dataclass(frozen=True, kw_only=True)
class Draft(Row):
    """Answer and rationale parsed from a reply or prediction, not checked yet."""

    answer: str
    rationale: str = ""
    notes: tuple[str, ...] = ()  # what parsing repaired, such as "took away a markdown fence"


@dataclass(frozen=True, kw_only=True)
class Record(Row):
    """A question with a checked answer and its rationale: one row of the dataset. Fields as in `Example`."""

    id: str
    question: str
    rationale: str
    answer: str
    context: Mapping[str, Any] = field(default_factory=dict)
    category: str = ""
    template: str = ""
    split: str = "train"
    teacher: str = ""  # name of the teacher that wrote the answer; empty: it came with the question
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """As `Row.to_row`, with `context` and `extra` as JSON text."""
        row = super().to_row()
        return {**row, **{name: dumps(row[name]) for name in _JSON_COLUMNS}}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """As `Row.from_row`; `context` and `extra` may be objects or JSON text."""
        texts = {name: row[name] for name in _JSON_COLUMNS if isinstance(row.get(name), str)}
        return super().from_row({**row, **{name: loads(text) for name, text in texts.items()}})

    @property
    def example(self) -> Example:
        """The question with this record's answer as its gold."""
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
    """A reply that did not become a record, and why: a row of rejects.jsonl."""

    id: str  # of the example
    question: str
    problems: tuple[Problem, ...]
    text: str = ""  # the reply


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One sequence that a student learns to write: task_prefix + source → target."""

    task_prefix: str  # "predict: " or "explain: "
    source: str  # `Task.model_input`
    target: str
    weight: float = 1.0  # of this pair's loss
    example: Example | None = None  # of the record, with its answer and rationale; students that read schemas need it


@dataclass(frozen=True, kw_only=True)
class ModelInput:
    """The text that a trained student reads for one question."""

    text: str  # the objective's prompt: task prefix and `Task.model_input`
    example: Example  # for students that read more than text


@dataclass(frozen=True, kw_only=True)
class Prediction(Row):
    """A student's output, as it came."""

    id: str  # of the example
    text: str
    seconds: float | None = None  # to write it; None: not measured
    tokens: int | None = None  # written; None: not counted
    truncated: bool = False  # it reached the token limit before it ended
    logprob: float | None = None  # natural logarithm of the probability of all its tokens; None: not known
    least_logprob: float | None = None  # of its least probable token; None: not known
    agreement: float | None = None  # share of drawn answers that are the same, 0 to 1; None: none were drawn


class OutcomeKind(StrEnum):
    """Whether an answer ran, and if not, whose fault that is."""

    OK = "ok"
    INVALID = "invalid"  # the checks or the engine refused the answer: the answer's fault
    UNSUPPORTED = "unsupported"  # this engine cannot run it faithfully, but another could: not the answer's fault
    UNAVAILABLE = "unavailable"  # timeout, lost connection or partial result: not the answer's fault


@dataclass(frozen=True, kw_only=True)
class Outcome(Row):
    """The outcome of running an answer."""

    kind: OutcomeKind
    reason: str = ""  # why it is not OK, in a line
    value: Any = None  # the result, in the form that `Task.same` compares
    raw: Any = None  # the engine's whole reply; None: not kept
    problems: tuple[Problem, ...] = ()  # the errors of the checks, if these kept the answer from running


@dataclass(frozen=True, kw_only=True)
class TestDatabase:
    """Small data on which the gold and its mutants have different results."""

    __test__: ClassVar[bool] = False  # tells pytest that this is not a test class

    name: str  # for messages
    data: Mapping[str, Any]  # in the form that the task's executors load


@dataclass(frozen=True, kw_only=True)
class RelevantSchema:
    """The schema that a person reads to judge an answer, as pairs of a name and a few words about it."""

    title: str = ""  # what this is the schema of
    used: tuple[tuple[str, str], ...] = ()  # names that the answer uses
    rest: tuple[tuple[str, str], ...] = ()  # the other names


@dataclass(frozen=True, kw_only=True)
class Mutant(Row):
    """The gold with one change, to test whether data show the difference."""

    name: str  # the change and its place: "< → <= at price"
    answer: str


@dataclass(frozen=True, kw_only=True)
class Cause(Row):
    """The first difference between an answer and the gold."""

    label: str  # one of `Task.causes`: field, operator, value, missing clause …
    detail: str = ""  # for a person: what the answer has, and what the gold has


@dataclass(frozen=True, kw_only=True)
class ResultDiff(Row):
    """How the results of the gold and of an answer differ, for a person: a few lines each."""

    gold: str  # the gold's result
    answer: str  # the answer's result
    test_database: str = ""  # the test database on which they differ; empty: the example's own data


@dataclass(frozen=True, kw_only=True)
class Overlap(Row):
    """How many clauses an answer shares with its gold. Equal clauses count as often as they occur."""

    shared: int  # in both
    got: int  # in the answer
    want: int  # in the gold

    @property
    def precision(self) -> float:
        """Share of the answer's clauses that the gold has, from 0 to 1."""
        return self.shared / self.got if self.got else float(not self.want)

    @property
    def recall(self) -> float:
        """Share of the gold's clauses that the answer has, from 0 to 1."""
        return self.shared / self.want if self.want else float(not self.got)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall: 1 if the clauses are equal, 0 if none is shared."""
        return 2 * self.shared / (self.got + self.want) if self.got + self.want else 1.0


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """The grammar of a constrained decoder: a JSON Schema, or EBNF for a language that is not JSON."""

    json_schema: Mapping[str, Any] | None = None
    ebnf: str | None = None  # one rule a line, `root` first; names in capitals are tokens
    # The text around rationale and answer, if the student writes both: before the rationale, between the two, after the
    # answer. None: the student writes the answer alone.
    frame: tuple[str, str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict(Row):
    """How far one answer came, and how far it was checked: a row of the verdict files."""

    id: str  # of the example
    reached: Level  # how far it came
    checked: Level  # how far it was followed: up to VALID without an executor, CORRECT also needs a gold
    exact: bool | None = None  # whether its canonical text is the gold's; None: no gold
    problems: tuple[Problem, ...] = ()  # what the checks found, warnings included
    outcome: str = ""  # `OutcomeKind` of the run; empty: it was not run
    reason: str = ""  # why it came no further, in a line
    gold_error: str = ""  # why the gold failed, so that the verdict does not count; empty: it did not
    n_test_databases: int = 0  # how many it ran on; 0 for an answer that is the gold in another spelling
    test_suite_skipped: str = ""  # why it did not run on test databases
    result_diff: ResultDiff | None = None  # if it ran with another result than the reference
    trivial: bool = False  # the gold finds nothing or everything: counted, but not part of the accuracy
    expects_refusal: bool = False  # the gold is a refusal
    refused: bool = False  # the answer is a refusal
    category: str = ""  # of the example, as are the next two
    template: str = ""
    split: str = ""
    cause: Cause | None = None  # what went wrong first, if the failure counts
    clauses: Overlap | None = None  # None: the language has no clauses, or there is no gold

    @property
    def correct(self) -> bool:
        """Whether the answer reached `Level.CORRECT`."""
        return self.reached == Level.CORRECT


@dataclass(frozen=True, kw_only=True)
class Score(Row):
    """A metric's value over a set of verdicts, with its 95 % confidence interval."""

    name: str  # of the metric
    value: float | None  # None: not measured, which is not 0
    n: int  # verdicts that it was measured on
    low: float | None = None  # the interval; None: it has none
    high: float | None = None
    note: str = ""  # for a person: why it was not measured, or how to read it
    uncounted: Mapping[str, int] = field(default_factory=dict)  # reason → verdicts that it leaves out


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of a report or of a result. Cells are plain text: whoever writes the table escapes them."""

    columns: tuple[str, ...]  # headings; a terminal aligns a column to the right if its heading starts with #
    rows: tuple[tuple[str, ...], ...]
    title: str = ""  # shown where several tables follow one another
    spare: int = 0  # how many of the last columns a narrow terminal may drop


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section of a report, as plain data: the report escapes it and lays it out."""

    title: str
    order: int = 100  # sections are sorted by it, lowest first
    text: str = ""
    table: Table | None = None
    scores: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)  # row → column → rate, drawn as bars
    folded: bool = False  # for the few who look for it: the page shows the title alone until somebody opens it
    svg: str = ""  # put in unescaped: markup that the plugin wrote itself, with no data in it
