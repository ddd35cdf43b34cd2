"""Optional protocols: what a task can offer beyond `Task`. A pack names a class for each that it wants.

    class Sums(Task):
        protocols = {Presentation: "dstill_sums.presentation:SumsPresentation", TestDatabases: SumsDatabases}

    class SumsPresentation(Presentation):       # in dstill_sums/presentation.py, loaded on first use
        def render_result(self, value): ...     # `self.task` is the task

    class                what dstill does with it
    AnswerFiles          finds what is wrong in users' files with `dstill check`, and repairs it
    ConstrainedOutput    decodes so that the student writes only what the grammar allows
    TestDatabases        also compares an answer with the gold on small databases
    ResultProperties     accepts other forms of a result, and does not score golds whose results prove nothing
    Presentation         shows results and schemas as the language suggests
    Synthesis            makes questions for the user's own data
    DataProfile          reads what the questions are about from a server, records its licence, watches it for changes
    RationaleTerms       refuses a rationale that does not name what the answer uses
    Linked               trains students that read the schema and write answers that point
    Demo                 shows the pack with `dstill demo`
    KnownAnswers         checks the pack by answers whose verdict its author knows
    ValueLookup          reads a text that the data do not have as the value that it means
    Terms                reads the words of a trade as a glossary says
    Readback             says in plain words what an answer does

Every method has a default, and no class needs another one. dstill gets the objects by `of`: that of the class that the
task names, the same at every call, or else one with the defaults. `class_of` gives the class, for what is known before
there is a task, such as settings of a demo:

    Presentation.of(task).render_result(42)    # "42", unless the pack overrides it
    Demo.class_of(Sums).demo_settings          # {}

If a method that takes an answer or a result raises, dstill reports it and uses the default for that call
(`dstill.api.fallbacks`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dstill.api.answer_files import FileAnswer, Fix
from dstill.api.engine import Engine, ProjectFiles
from dstill.api.form import Form
from dstill.api.glossary import Glossary, Term
from dstill.api.records import Example, Grammar, Mutant, Problem, RelevantSchema, ResultDiff, Table, TestDatabase
from dstill.api.task import Task, TaskProtocol
from dstill.io.pretty_json import highlighted
from dstill.io.strict_json import NotStrict, loads

__all__ = [
    "PROTOCOLS",
    "AnswerFiles",
    "ConstrainedOutput",
    "DataProfile",
    "Demo",
    "KnownAnswers",
    "Linked",
    "NamedValue",
    "NoTestDatabases",
    "Phrase",
    "Presentation",
    "QuestionBrief",
    "RationaleTerms",
    "Readback",
    "ResultProperties",
    "Synthesis",
    "Terms",
    "TestDatabases",
    "ValueLookup",
    "methods_of",
    "owner_of",
]

_LONGEST = 500  # characters of a shown value
_WIDTH = 80  # characters of a line of JSON


class AnswerFiles(TaskProtocol):
    """Files of users that hold answers in the language: `dstill check` reads and repairs them."""

    # Endings of the names of such files, as (".sum",). Rows in .jsonl files are read without it.
    suffixes: ClassVar[tuple[str, ...]] = ()
    # `Problem.code` → what it means, in a sentence: "The query names a field that the data lacks."
    problem_codes: ClassVar[Mapping[str, str]] = {}

    def has_answers(self, text: str, suffix: str) -> bool:
        """Whether a file that was found in a folder is meant: names as ``config.json`` say little. Default: it is.

        Not called for a file that the user names. `text` is its content, which may be anything.
        """
        return True

    def file_answers(self, text: str, suffix: str) -> Iterable[FileAnswer]:
        """The answers in a file, in their order. Default: the whole text without the white space around it.

        `suffix` is one of `suffixes`, or another if the user says that the file is of this task.
        ``[FileAnswer(start=0, end=8), FileAnswer(start=10, end=18, context={"data": "shop"})]``
        """
        return [FileAnswer(start=len(text) - len(text.lstrip()), end=len(text.rstrip()))] if text.strip() else []

    def answer_fixes(self, example: Example, answer: str, problems: Sequence[Problem]) -> Iterable[Fix]:
        """Repairs of `answer`, in which the checks found `problems`, that leave its meaning as it is.

        dstill proves each one before it uses it (`Fix`).
        ``[Fix(edits=(Edit(start=9, end=13, text="10"),), problem=problems[0])]``
        """
        return ()


class ConstrainedOutput(TaskProtocol):
    """The language has a grammar, so decoding can be constrained to valid answers."""

    def grammar(self, example: Example) -> Grammar | None:
        r"""The grammar of a student's answer to `example`. None: it may write anything.

        `predict`, `evaluate` and `serve` call it for each question if decoding is constrained. May raise ConfigError.
        ``Grammar(ebnf='root ::= NUMBER " + " NUMBER\nNUMBER ::= [0-9]+')``, or ``Grammar(json_schema={…})``.
        """
        return None


class NoTestDatabases(Exception):
    """`TestDatabases.test_databases` cannot make any for this gold. The message says why."""


class TestDatabases(TaskProtocol):
    """Small databases that expose a wrong answer whose result on the given data is the gold's by chance.

    Test-suite accuracy: Zhong, Yu and Klein, *Semantic Evaluation for Text-to-SQL with Distilled Test Suites*, 2020,
    https://arxiv.org/abs/2010.02840.
    """

    __test__: ClassVar[bool] = False  # tells pytest that this is not a test class

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        """At most `k` databases on which the gold, ``example.answer``, and its mutants have different results.

        `evaluate` calls it for each answer with the same result as the gold, and `audit` for each gold. Gold and answer
        then run on each database, which the executor gets as ``example.context["test_database"]``. The context of
        `example` also has what `Executor.context` returns. An example:
        ``[TestDatabase(name="other prices", data={"things": […]})]``. Raises NoTestDatabases if it cannot make any.
        """
        return ()

    def mutants(self, example: Example) -> Iterable[Mutant]:
        """Wrong answers that a model might give: the gold with one change that alters its meaning.

        `audit` runs them and counts how many have another result than the reference on the test databases.
        ``[Mutant(name="< → > at price", answer="price > 20")]``.
        """
        return ()


class ResultProperties(TaskProtocol):
    """Properties of results: whether an answer is right, and whether a gold can show it."""

    # Whether `Task.same` lets the gold's result decide what counts, such as an order only where the gold sorts.
    # Otherwise `dstill pack check` expects it to be symmetric.
    reference_decides: ClassVar[bool] = False

    def accepts(self, got: Any, want: Any, example: Example) -> bool | None:
        """Whether who asked ``example.question`` would take `got` for its answer; `want` is the result of the gold.

        It decides whether an answer is correct, on the data and on each test database. Default: they are the same.
        A result may show more than was asked for, or in another form: ``set(want) <= set(got)``. None: no, but only
        because of how much data there is, as where a default cuts a list; a test database then says nothing.
        """
        return self.task.same(got, want)

    def is_empty(self, value: Any) -> bool:
        """Whether `value`, a gold's result, is empty; `generate` then drops the question. Often ``not value``."""
        return False

    def is_trivial(self, value: Any, example: Example) -> bool:
        """Whether `value`, a gold's result, is nothing or everything, so that agreeing with it proves nothing.

        Called for each gold that runs. `evaluate` counts such questions, but does not score them.
        """
        return False

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        """Whether `value`, a gold's result, depends on chance, such as a page of hits that ends within a tie.

        `audit` lists such golds.
        """
        return False


class Presentation(TaskProtocol):
    """How results and schemas are shown to people."""

    def render_result(self, value: Any) -> str:
        """A result as a few lines of text. Default: its JSON, cut after 500 characters.

        `predict --execute`, `demo`, `serve` and `review` show it.
        """
        return _short(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        """How the answer's result, `got`, differs from the gold's, `want`: a few lines each. Default: both results.

        Called for each answer with another result than the reference, on the example's own data or on `database`. The
        report shows it.
        """
        return ResultDiff(
            gold=self.render_result(want),
            answer=self.render_result(got),
            test_database=database.name if database else "",
        )

    def highlight(self, answer: str) -> Sequence[tuple[str, str]]:
        """`answer` laid out for reading, in parts: the kind of each and its text.

        Kinds are ``key``, ``string``, ``number``, ``keyword`` and ``comment``; an empty one has no colour:
        ``[("keyword", "SELECT"), ("", " 1")]``. The page of `serve` shows it, and the report its lines. Default: strict
        JSON is put on lines, and other text is one part.
        """
        try:
            loads(answer)
        except NotStrict:
            return [("", answer)]
        return highlighted(answer, _WIDTH)

    def snippets(self, answer: str, example: Example) -> Sequence[tuple[str, str]]:
        """Ways to run `answer`, which passed the checks, elsewhere: a name and the text to copy. Default: none.

        ``[("curl", "curl http://localhost:9200/logs/_search …")]``. The page of `serve` offers them. The answer is
        untrusted: quote it for the shell, and for the language of the program.
        """
        return ()

    def refusal_reason(self, answer: str) -> str:
        """Why `answer`, a refusal, refuses, for people. Default: nothing.

        ``"nothing holds the sales (missing: sales)"``. `ask` and `predict` show it.
        """
        return ""

    def result_tables(self, value: Any, answer: str, whole: bool = False) -> Sequence[Table]:
        """The result of `answer` as tables, for `ask`, `predict --execute` and `serve`. Empty: see `render_result`.

        ``[Table(columns=("colour", "#things"), rows=(("red", "12"),))]``. Headings and cells are for people, as
        `dstill.io.readable` makes them. `whole`: for a file that programs read, with nothing rounded or cut.
        """
        return ()

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        """The schema that a person reads to judge `answer`: the fields that it uses, then the other fields.

        `review`, `serve` and the report call it. Default: the example's context, each value cut after 500 characters.
        """
        rest = tuple((name, _short(value)) for name, value in example.context.items())
        return RelevantSchema(title="context" if rest else "", rest=rest)


@dataclass(frozen=True, kw_only=True)
class QuestionBrief:
    """The part about the questions in the prompt of a teacher that invents them."""

    about: str  # what the questions are about; data in it are fenced (`dstill.io.strict_json.fenced`)
    answers: str = ""  # how answers are written, for a teacher that also answers; empty: `Task.instructions`
    categories: Mapping[str, str] = field(default_factory=dict)  # category → a line that describes it
    topics: Sequence[str] = ()  # names of what the data hold: each request asks for questions about some of them
    # Item → texts of its values that `about` shows. `dstill adapt --teacher` asks how people call them, if the task has
    # the setting ``aliases``, a file of such names (`dstill.api.values`).
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)  # `Example.context` of the invented questions


class Synthesis(TaskProtocol):
    """Questions about data that the pack does not know, such as the user's own."""

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        """At most `n` questions with gold and rationale about the data in `context`; the same for the same `seed`.

        `dstill data questions` calls it. `context` holds what the pack's `options` add, which describes the user's
        data. It may also hold ``focus``, with ``categories`` and ``templates``: how often a student failed on each of
        these, to make more questions of these kinds. May raise UsageError or DataError.
        """
        return ()

    def warnings(self) -> Iterable[str]:
        """Warnings for the user about the questions that `synthesize` just made, one line each.

        Called after `synthesize`: ``["warning: no question uses 3 of the fields"]``.
        """
        return ()

    def question_brief(self, context: Mapping[str, Any]) -> QuestionBrief | None:
        """How to ask a teacher to invent questions about the data in `context`, the same as in `synthesize`.

        `dstill data questions --teacher` and `dstill adapt --teacher` call it. None: the prompt has
        `Task.instructions` instead. May raise UsageError.
        """
        return None


class DataProfile(TaskProtocol):
    """The data that the questions are about: where they come from, and whether they changed."""

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles | None:
        """The files and settings of a new project for the data on the server `engine`. None: the task reads no server.

        `dstill init --engine-url` calls it and writes the files. `settings` is the ``Config`` of the executor that
        takes the address. Must only read from the server. May raise ServiceError, AuthError or UsageError.
        """
        return None

    def choices(self, engine: Engine, settings: Any = None) -> Mapping[str, Mapping[str, Any]]:
        """The names of the data on the server `engine`, each with the settings that choose it.

        ``{"logs": {"executor.remote.data": "logs"}}``. Empty: the address says which. A page lists them. `settings` is
        as for `describe`. Must only read from the server. May raise ServiceError, AuthError or UsageError.
        """
        return {}

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """A description of the data that `examples` are about, as JSON values in the form of `Executor.facts`.

        `generate` and `train` record it. ``{"logs": {"fields": {"status": "long"}}}``. May raise DataError.
        """
        return {}

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        """Changes of the data since the student was trained, one line each: ``["the field 'status' is gone"]``.

        `predict` and `serve` call it and warn the user. `then` is what `data_facts` returned for the training data,
        `now` what it or `Executor.facts` returns now.
        """
        return ()

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        """Name of the data behind `examples` → its licence: ``{"flights": "CC0-1.0"}``. A user's own is ``unknown``.

        The dataset card and the card of an exported student show it.
        """
        return {}


class RationaleTerms(TaskProtocol):
    """A rationale must name something that the answer uses."""

    def answer_terms(self, answer: str) -> Iterable[str]:
        """The terms that a rationale for `answer` should name, such as the fields that it uses: ``["status", "took"]``.

        Called for each reply of a teacher. A rationale that names none of them is refused. Empty: any is accepted.
        """
        return ()


class Linked(TaskProtocol):
    """The language has a form that students of the kind ``linked`` read and write."""

    def form(self) -> Form | None:
        """How questions are read with their schema, and how answers become tokens and pointers. None: there is none.

        Called once for each training, and once when a student of such a kind is loaded. May raise DataError.
        """
        return None


class Terms(TaskProtocol):
    """A glossary (`dstill.api.glossary`) says what words of a trade mean in the data."""

    def glossary(self, example: Example) -> Glossary:
        """The terms about the example's data. Raises DataError for one that names what is not there."""
        return Glossary()

    def probe(self, example: Example, term: Term) -> str:
        """An answer that uses the term, to try it: how many rows meet a condition, a few values of anything else."""
        return ""


class Demo(TaskProtocol):
    """`dstill demo --task NAME` shows the pack. dstill reads the class attributes before it creates the task."""

    # By dotted key: {"task.sums.rows": 8000}; empty: no demo. Added to the recipe of ``train.student`` or of the
    # default student. Settings of ``train`` are for that student alone: another one trains with its own recipe.
    demo_settings: ClassVar[Mapping[str, Any]] = {}
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {}  # override these with ``--quick``: less data, fewer steps


class KnownAnswers(TaskProtocol):
    """Answers whose verdict the author knows. `dstill pack check` calls each method for one example of each data."""

    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        """Pairs of answers that are one answer in two spellings: equal canonical forms, equal results.

        ``[("price < 20 and colour = red", "colour = red and price < 20")]``
        """
        return ()

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        """Pairs of answers with different results on the example's data or on a test database of the first.

        The second one is a mistake that models make: ``[("order by price", "order by price desc")]``
        """
        return ()

    def hostile_answers(self, example: Example) -> Iterable[str]:
        """Answers that the checks must refuse, so that they never run: they change data, read files, or cost too much.

        ``["DROP TABLE things"]``
        """
        return ()

    def runaway_answers(self, example: Example) -> Iterable[str]:
        """Answers that the checks accept and that run without end: the executor stops them after `Engine.timeout`.

        The outcome is INVALID if the engine is in this process, as the answer is at fault. It may be UNAVAILABLE on a
        server, which others use too. ``["FROM a CROSS JOIN b CROSS JOIN c CROSS JOIN d"]``
        """
        return ()


@dataclass(frozen=True, kw_only=True)
class NamedValue:
    """A text that an answer compares an item of the schema with."""

    item: str  # by its full name: "drivers.town"
    text: str


class ValueLookup(TaskProtocol):
    """The values that an answer names can be looked up in the data, when the answer finds nothing."""

    def named_values(self, example: Example, answer: str) -> Iterable[NamedValue]:
        """The texts that `answer`, which passed the checks, compares whole values of items with.

        ``[NamedValue(item="drivers.town", text="pring")]``
        """
        return ()

    def items_beside(self, example: Example, item: str) -> Iterable[str]:
        """Other items with texts that a condition on `item` may mean: ``["drivers.county"]``."""
        return ()

    def values_query(self, example: Example, item: str, most: int) -> str:
        """An answer that lists the most frequent values of `item`, at most `most`. Empty: they cannot be listed."""
        return ""

    def listed_values(self, value: Any) -> Sequence[str]:
        """The values in the result of a `values_query`."""
        return ()

    def with_value(self, example: Example, answer: str, old: NamedValue, new: NamedValue) -> str:
        """`answer` with `new` wherever it compares the item of `old` with its text."""
        return answer


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A part of an answer in plain words."""

    text: str  # with what joins it to the phrase before it: ", newest first"
    kind: str = ""  # data, condition, shown, group, order or limit; empty: words that only join
    items: Sequence[str] = ()  # names of what it uses of the schema: ("jobs.status",)
    values: Sequence[str] = ()  # texts, numbers and dates that it compares with, as the answer has them: ("done",)


class Readback(TaskProtocol):
    """Answers in plain words, for people who do not read the language."""

    def read_back(self, example: Example, answer: str) -> Sequence[Phrase]:
        """`answer`, which passed the checks, in plain words; empty: no words for it.

        The texts of the phrases, one after the other, are the sentence. It says all that decides the result, so
        answers with the same sentence have the same canonical form. A part without words of its own is said as the
        answer has it.
        ``[Phrase(text="jobs", kind="data"), Phrase(text=" where status is 'done'", kind="condition", …)]``
        """
        return ()


PROTOCOLS: tuple[type[TaskProtocol], ...] = (
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Demo,
    KnownAnswers,
    Linked,
    Presentation,
    RationaleTerms,
    Readback,
    ResultProperties,
    Synthesis,
    Terms,
    TestDatabases,
    ValueLookup,
)


def methods_of(home: type[Task] | type[TaskProtocol]) -> tuple[str, ...]:
    """The names of the methods that `Task` or a protocol defines: ``("answer_terms",)``."""
    return tuple(name for name, value in vars(home).items() if not name.startswith("_") and callable(value))


def owner_of(task: type[Task], name: str) -> type[Task] | type[TaskProtocol]:
    """The class of a pack that `name` belongs to: that of its task, or the one that this names for a protocol."""
    return next(
        (kind.class_of(task) for kind in PROTOCOLS if kind in task.protocols and name in vars(kind)),
        task,
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
