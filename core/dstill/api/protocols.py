"""What a task may offer beyond `Task`. A pack inherits the classes that it wants beside it, and overrides what it can:

    class Sql(Task, Presentation, TestDatabases): ...

    class                what dstill does with it
    ConstrainedOutput    the student writes only what the grammar allows
    TestDatabases        an answer that agrees with the gold must agree on small databases, too
    ResultProperties     golds whose results prove nothing are left out
    Presentation         results and schemas are shown as the language wants them
    Synthesis            questions for data of the user's own
    DataProfile          what the questions are about: read from a server, licensed, watched for changes
    RationaleTerms       a rationale must name what the answer uses
    Demo                 `dstill demo` shows the pack

Every method has a default, and no class needs another. dstill asks through `of`, which gives the task itself where it
is of that class and the defaults where it is not:

    Presentation.of(task).render_result(42)    # "42", unless the pack shows it otherwise

Methods that are given an answer or a result may raise: dstill then reports it and takes the default
(`dstill.api.careful`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Iterable, Mapping, Self, Sequence

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.records import Example, Grammar, Mutant, RelevantSchema, ResultDiff, Table, TestDatabase
from dstill.api.task import Task

__all__ = [
    "PROTOCOLS",
    "ConstrainedOutput",
    "DataProfile",
    "Demo",
    "NoTestDatabases",
    "Presentation",
    "QuestionBrief",
    "RationaleTerms",
    "ResultProperties",
    "Synthesis",
    "TestDatabases",
]

_LONGEST = 500  # characters of a value that is shown


class _Protocol:
    @classmethod
    def of(cls, task: Task) -> Self:
        """`task` itself if it is of this class, else an object with the defaults."""
        return task if isinstance(task, cls) else cls()


class ConstrainedOutput(_Protocol):
    """The language has a grammar, so that a student writes nothing else."""

    def grammar(self, example: Example) -> Grammar | None:
        """What a student may write for `example`; None: anything.

        `predict`, `evaluate` and `serve` call it for each question when decoding is constrained. May raise ConfigError.
        ``Grammar(ebnf='root ::= NUMBER " + " NUMBER\\nNUMBER ::= [0-9]+')``, or ``Grammar(json_schema={…})``.
        """
        return None


class NoTestDatabases(Exception):
    """`TestDatabases.test_databases` can make none for this gold; its text says why."""


class TestDatabases(_Protocol):
    """Small databases on which a wrong answer that agrees with the gold on the given data shows itself.

    Test-suite accuracy: Zhong, Yu and Klein, *Semantic Evaluation for Text-to-SQL with Distilled Test Suites*, 2020,
    https://arxiv.org/abs/2010.02840.
    """

    __test__: ClassVar[bool] = False  # pytest: this is no test class, whatever its name

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        """At most `k` databases that tell the gold, ``example.answer``, from its mutants. Raises NoTestDatabases.

        `evaluate` calls it for an answer that agrees with the gold, `audit` for each gold; both run on each
        database: the executor finds it as ``example.context["test_database"]``. The context also holds what
        `Executor.context` knows. ``[TestDatabase(name="other prices", data={"things": […]})]``.
        """
        return ()

    def mutants(self, example: Example) -> Iterable[Mutant]:
        """The gold with one change each, which means something else: wrong answers that a model might give.

        `audit` calls it, runs them and counts how many the test databases tell from the gold.
        ``[Mutant(name="< → > at price", answer="price > 20")]``.
        """
        return ()


class ResultProperties(_Protocol):
    """What the result of a gold is worth for telling right answers from wrong ones."""

    def is_empty(self, value: Any) -> bool:
        """Whether `value`, a gold's result, finds nothing, so that `generate` drops the question: ``not value``."""
        return False

    def is_trivial(self, value: Any, example: Example) -> bool:
        """Whether `value`, a gold's result, is nothing or everything, so that agreeing with it proves nothing.

        Called for each gold that is run. `evaluate` counts such questions and leaves them out of the score.
        """
        return False

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        """Whether `value`, a gold's result, depends on chance, as a page that ends inside a tie does.

        `audit` lists such golds.
        """
        return False


class Presentation(_Protocol):
    """How results and schemas are shown to people."""

    def render_result(self, value: Any) -> str:
        """A result in a few lines. By default its JSON, cut after 500 characters.

        `predict --execute`, `demo`, `serve` and `review` show it.
        """
        return _short(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        """Where the result of an answer differs from the gold's, in a few lines each. By default both as a whole.

        Called for an answer with another result than the gold, on the example's own data or on `database`; the
        report's failure browser shows it.
        """
        return ResultDiff(
            gold=self.render_result(want), answer=self.render_result(got), corpus=database.name if database else ""
        )

    def result_tables(self, value: Any) -> Sequence[Table]:
        """A result as tables; empty: `render_result` shows it. `predict --execute` and `serve` ask for them.

        ``[Table(columns=("colour", "# things"), rows=(("red", "12"),))]``
        """
        return ()

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        """What a person reads next to the question to judge `answer`: first the fields that it uses, then the rest.

        `review`, `serve` and the report call it. By default the example's context, cut short.
        """
        rest = tuple((name, _short(value)) for name, value in example.context.items())
        return RelevantSchema(title="context" if rest else "", rest=rest)


@dataclass(frozen=True, kw_only=True)
class QuestionBrief:
    """What a teacher who invents questions is told."""

    about: str  # what the questions are about; data stand in fences (`dstill.io.strict_json.fenced`)
    categories: Mapping[str, str] = field(default_factory=dict)  # kinds of questions, with a line on each
    context: Mapping[str, Any] = field(default_factory=dict)  # of every question that results


class Synthesis(_Protocol):
    """Questions for data that the pack has not seen, such as a user's own."""

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        """At most `n` questions with gold and rationale, made from `context`; the same ones for the same `seed`.

        `dstill data questions` calls it. `context` holds what the pack's `options` add, which describes the user's
        data, and maybe ``focus``: ``categories`` and ``templates``, each with how often a student failed there, to
        make more of these. May raise UsageError or DataError.
        """
        return ()

    def warnings(self) -> Iterable[str]:
        """What a person should know about the questions that were made last, a line each.

        Called after `synthesize`: ``["warning: no questions are made of 3 fields"]``.
        """
        return ()

    def question_brief(self, context: Mapping[str, Any]) -> QuestionBrief | None:
        """What a teacher is told who is to invent questions about `context`, the same one as in `synthesize`.

        For `dstill data questions --teacher`. None: the teacher is shown `Task.instructions`. May raise UsageError.
        """
        return None


class DataProfile(_Protocol):
    """What the questions are about: where it comes from, and whether it changed."""

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles | None:
        """What the server `engine` holds, as the files and settings of a project; None: the task reads no server.

        `settings` is the section of the executor that takes the url, an instance of its ``Config``.
        `dstill init --engine-url` calls it and writes them. Must only read. May raise ServiceError, AuthError or
        UsageError.
        """
        return None

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """A description, as JSON, of the data that `examples` are about, in the form of `Executor.facts`.

        `generate` and `train` keep it. ``{"logs": {"fields": {"status": "long"}}}``. May raise DataError.
        """
        return {}

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        """What a student learned of that is gone or has changed, a line each, for a person who uses the student.

        `predict` and `serve` call it. `then` is a result of `data_facts`, `now` another one or one of
        `Executor.facts`. ``["the field 'status' is gone"]``
        """
        return ()

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        """The licence of the data behind `examples`, by the name of the data; ``unknown`` for a user's own.

        The dataset card and an exported student show it: ``{"weblogs": "CC0-1.0"}``.
        """
        return {}


class RationaleTerms(_Protocol):
    """A rationale can be held to naming what the answer uses."""

    def answer_terms(self, answer: str) -> Iterable[str]:
        """What a rationale for `answer` should name, such as the fields that it uses: ``["status", "took"]``.

        Called for each reply of a teacher. A rationale that names none of them is refused; without terms, none is.
        """
        return ()


class Demo(_Protocol):
    """`dstill demo --task NAME` shows the pack. dstill asks the class, before there is a task."""

    name: ClassVar[str]
    demo_settings: ClassVar[Mapping[str, Any]] = {}  # by dotted key: {"train.num_train_epochs": 5.0}; none: no demo
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {}  # put over them by ``--quick``: less data, fewer steps


PROTOCOLS = (
    ConstrainedOutput,
    DataProfile,
    Demo,
    Presentation,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabases,
)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"
