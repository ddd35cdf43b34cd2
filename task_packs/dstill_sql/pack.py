"""The SQL task: from a question about a database to one query that reads, or a refusal.

    Example(question="which driver earned most in May?", context={"db": "trips"})
    SELECT drivers.name FROM drivers JOIN trips ON trips.driver_id = drivers.id WHERE … LIMIT 1

This module wires the parts together. Each section implements one of dstill's protocols for tasks. A part's module is
imported by the method that uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.api.answer_files import FileAnswer, Fix
from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import (
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Demo,
    KnownAnswers,
    Linked,
    Presentation,
    QuestionBrief,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabases,
)
from dstill.api.records import (
    Cause,
    Example,
    Grammar,
    Message,
    Mutant,
    Problem,
    Prompt,
    RelevantSchema,
    ResultDiff,
    Table,
    TestDatabase,
)
from dstill.api.task import Check, data_of
from dstill.errors import MissingExtra
from dstill_sql.declarations import TASK
from dstill_sql.files.codes import CODES
from dstill_sql.files.reading import SUFFIXES
from dstill_sql.language import refusals
from dstill_sql.language.database.about_databases import AboutDatabases
from dstill_sql.language.results.labels import LABELS
from dstill_sql.settings import Settings

if TYPE_CHECKING:
    from dstill.api.form import Form, Token
    from dstill.linked import Reading
    from dstill_sql.language.database.schema import Schema
    from dstill_sql.testdata.suites import Suites

__all__ = ["Sql"]


class Sql(
    AboutDatabases,
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Demo,
    KnownAnswers,
    Linked,
    Presentation,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabases,
    declared=TASK,
):
    """Questions about one database, answered by queries that executors run."""

    instructions = (
        "Answer the question with one SQL query that only reads. Use the tables and columns of the schema and nothing "
        f"else. If the database cannot answer the question, or it asks for a change, write: {refusals.FORM}"
    )
    causes = LABELS
    data_key = "db"
    schema_keys = ("schema",)
    answer_keys = ("query", "sql")
    reference_decides = True  # whether an order and ties count

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        if find_spec("sqlglot") is None:
            raise MissingExtra("the SQL pack", "sql", "sqlglot")
        from dstill_sql.questions.tally import Tally

        self._tally = Tally()  # of the last call of `synthesize`

    # --- questions and teaching ---------------------------------------------------------

    @cached_property
    def _splits(self) -> Mapping[str, list[Example]]:
        from dstill_sql.questions.example_splits import splits_of

        return splits_of(self.config, self.seed)

    def examples(self, split: str) -> Iterable[Example]:
        from dstill_sql.questions.example_splits import unseen_data

        if split == "test_unseen_data":
            return iter(unseen_data(self.config, self.seed))
        return iter(self._splits.get(split, ()))

    def model_input(self, example: Example) -> str:
        from dstill_sql.prompting import schema_line

        found = self.database(example)
        return example.question if found is None else f"{example.question}\n{schema_line(found, example.question)}"

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        form = self.reply_text("which tables, columns and conditions, and why", "SELECT …")
        system = f"{self.instructions}\n\nReply in this form and nothing else:\n{form}"
        messages = [Message(role="system", content=system)]
        for shot in shots:
            messages.append(Message(role="user", content=f"Question: {shot.question}"))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        found = self.database(example)
        schema = "" if found is None else f"Schema ({self.config.dialect}):\n{found.schema.ddl()}\n\n"
        messages.append(Message(role="user", content=f"{schema}Question: {example.question}"))
        return Prompt(example=example, messages=tuple(messages))

    # --- checking and comparing answers ------------------------------------------------------------------------

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        from dstill_sql.language.layers import layers

        return layers(self.config, self.database)

    def canonical(self, answer: str) -> str:
        from dstill_sql.language.canonical import canonical_text

        return canonical_text(answer, self.config.dialect)

    def is_refusal(self, answer: str) -> bool:
        return refusals.read(answer) is not None

    def same(self, got: Any, want: Any) -> bool:
        from dstill_sql.language.results import compare

        return compare.same(got, want)

    def cause(self, got: str, want: str) -> Cause | None:
        from dstill_sql.language.results.causes import cause

        return cause(got, want, self.config.dialect)

    def clauses(self, answer: str) -> Iterable[str] | None:
        from dstill_sql.language.results.clauses import clauses

        return clauses(answer, self.config.dialect)

    # --- AnswerFiles --------------------------------------------------------------------

    suffixes = SUFFIXES
    problem_codes = CODES

    def has_answers(self, text: str, suffix: str) -> bool:
        from dstill_sql.files import reading

        return reading.has_answers(text, self.config.dialect)

    def file_answers(self, text: str, suffix: str) -> Iterable[FileAnswer]:
        from dstill_sql.files import reading

        return reading.answers(text, self.config.dialect)

    def answer_fixes(self, example: Example, answer: str, problems: Sequence[Problem]) -> Iterable[Fix]:
        from dstill_sql.files.fixes import fixes

        found = self.database(example)
        return fixes(answer, problems, found.schema if found else None, self.config.dialect)

    # --- TestDatabases ------------------------------------------------------------------

    @cached_property
    def _suites(self) -> Suites:
        from dstill_sql.testdata.suites import Suites

        return Suites(self, self.config, self.database)

    def mutants(self, example: Example) -> Iterable[Mutant]:
        return self._suites.mutants(example)

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        return self._suites.databases(example, k)

    # --- DataProfile --------------------------------------------------------------------

    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        from dstill_sql.engines.describe import describe

        return describe(engine, settings, self.config)

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        from dstill_sql.engines.catalogs import facts_of

        found = {data_of(self, example): self.database(example) for example in examples}
        return {name: facts_of(one.schema) for name, one in found.items() if name and one is not None}

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        from dstill_sql.language.database.drift import unlearnt

        return unlearnt(then, now)

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        found = {data_of(self, example): self.database(example) for example in examples}
        return {name: (one.licence if one else "") or "unknown" for name, one in found.items()}

    # --- ConstrainedOutput ------------------------------------------------------------------

    def grammar(self, example: Example) -> Grammar | None:
        from dstill_sql.language.grammar import grammar_of

        found = self.database(example)
        return None if found is None else grammar_of(found, self.config.guard)

    # --- Linked -------------------------------------------------------------------------

    def form(self) -> Form:
        from dstill_sql.form.sql_form import SqlForm
        from dstill_sql.questions.references import references_of

        return SqlForm(self.database, self.config.guard, references_of, _replay)

    # --- ResultProperties ---------------------------------------------------------------

    def is_empty(self, value: Any) -> bool:
        from dstill_sql.language.results import compare

        return compare.is_empty(value)

    def is_trivial(self, value: Any, example: Example) -> bool:
        from dstill_sql.language.results import compare

        return compare.is_trivial(value)

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        from dstill_sql.language.results import compare

        return compare.is_nondeterministic(value)

    # --- RationaleTerms -----------------------------------------------------------------

    def answer_terms(self, answer: str) -> Iterable[str]:
        from dstill_sql.language.results.clauses import terms

        return terms(answer, self.config.dialect)

    # --- Presentation -------------------------------------------------------------------

    def render_result(self, value: Any) -> str:
        from dstill_sql.language.results import rendering

        return rendering.render(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        from dstill_sql.language.results import rendering

        return rendering.diff(got, want, database.name if database else "")

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        from dstill_sql.language.results import rendering
        from dstill_sql.language.statements import NotOneQuery, read

        found = self.database(example)
        if found is None:
            return RelevantSchema()
        try:
            query = read(answer, self.config.dialect)
        except NotOneQuery:
            query = None
        return rendering.excerpt(found, query)

    def refusal_reason(self, answer: str) -> str:
        return refusals.reason(answer)

    def highlight(self, answer: str) -> Sequence[tuple[str, str]]:
        from dstill_sql.language.results.formatting import highlight

        return highlight(answer, self.config.dialect)

    def snippets(self, answer: str, example: Example) -> Sequence[tuple[str, str]]:
        from dstill_sql.language.results.formatting import snippets

        return tuple(snippets(answer, str(example.context.get("db", self.config.db)), self.config.dialect))

    def result_tables(self, value: Any) -> Sequence[Table]:
        from dstill_sql.language.results import rendering

        return (rendering.table(value),)

    # --- Synthesis ----------------------------------------------------------------------

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        from dstill_sql.questions.example_splits import synthesized
        from dstill_sql.questions.tally import Tally

        self._tally = Tally()
        return synthesized({"db": self.config.db, **context}, self.config, n, seed, self._tally)

    def warnings(self) -> Iterable[str]:
        return self._tally.lines()

    def question_brief(self, context: Mapping[str, Any]) -> QuestionBrief:
        from dstill_sql.prompting import question_brief

        example = Example(id="", question="", context={"db": self.config.db, **context})
        return question_brief(example, self.database(example))

    # --- KnownAnswers -------------------------------------------------------------------

    def _schema(self, example: Example) -> Schema:
        from dstill_sql.language.database.schema import Schema

        found = self.database(example)
        return Schema(tables=()) if found is None else found.schema

    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        from dstill_sql import known_answers

        return known_answers.equal(self._schema(example))

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        from dstill_sql import known_answers

        return known_answers.different(self._schema(example))

    def hostile_answers(self, example: Example) -> Iterable[str]:
        from dstill_sql import known_answers

        return known_answers.hostile(self._schema(example))

    def runaway_answers(self, example: Example) -> Iterable[str]:
        from dstill_sql import bundle, known_answers

        data = data_of(self, example)
        is_further = bundle.is_bundled(data) and data != bundle.NAMES[0]  # each takes a second
        return () if is_further else known_answers.runaway(self._schema(example))

    # --- Demo ---------------------------------------------------------------------------

    demo_settings: ClassVar[Mapping[str, Any]] = {
        "evaluate.splits": ["test", "test_unseen_templates", "test_unseen_data"],
        "task.sql.n_questions": 8_000,
        "train.max_steps": 300,  # almost every row once
        "train.threads": 1,  # on a busy machine, two threads mostly wait for each other
    }
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {"task.sql.n_questions": 2_000, "train.max_steps": 75}


def _replay(seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """As `invented.stream.replay`, which training alone needs."""
    from dstill_sql.questions.invented_schemas.stream import replay

    return replay(seed)
