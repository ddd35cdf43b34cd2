"""The SQL task: from a question about a database to one query that reads, or a refusal.

    Example(question="which driver earned most in May?", context={"db": "trips"})
    SELECT drivers.name FROM drivers JOIN trips ON trips.driver_id = drivers.id WHERE … LIMIT 1

This module wires the parts together. Each section implements one of dstill's protocols for tasks. A part's module is
imported by the method that uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dstill.api.protocols import (
    ConstrainedOutput,
    Linked,
    Presentation,
    RationaleTerms,
    ResultProperties,
    TestDatabases,
)
from dstill.api.records import (
    Cause,
    Example,
    Grammar,
    Message,
    Mutant,
    Prompt,
    RelevantSchema,
    ResultDiff,
    Table,
    TestDatabase,
)
from dstill.api.task import Check, Task
from dstill_sql import refusals
from dstill_sql.canonical import canonical_text
from dstill_sql.causes import LABELS, cause
from dstill_sql.databases import Database, File, Rows, database_of, rows_of
from dstill_sql.settings import Settings

if TYPE_CHECKING:
    from dstill.api.form import Form
    from dstill_sql.testsuites.suites import Suites

__all__ = ["Sql"]


class Sql(Task, ConstrainedOutput, Linked, Presentation, RationaleTerms, ResultProperties, TestDatabases):
    """Questions about one database, answered by queries that executors run."""

    name = "sql"
    Config = Settings
    config: Settings
    instructions = (
        "Answer the question with one SQL query that only reads. Use the tables and columns of the schema and nothing "
        f"else. If the database cannot answer the question, or it asks for a change, write: {refusals.FORM}"
    )
    causes = LABELS
    executors = ("duckdb", "sqlite", "postgresql")
    data_key = "db"
    data_noun = "database"
    schema_keys = ("schema",)
    answer_keys = ("query", "sql")

    def database(self, example: Example) -> Database | None:
        """The database that the example is about. None if only its name is known. Raises DataError."""
        return database_of(example.context, self.config)

    def data(self, example: Example) -> Rows | File | None:
        """What the answers to the example run on inside this process; None: nothing."""
        if (test := example.context.get("test_database")) is not None:
            return rows_of(test, self.config.dialect)
        found = self.database(example)
        return None if found is None else found.data

    # --- questions and teaching ---------------------------------------------------------

    def examples(self, split: str) -> Iterable[Example]:
        return iter(())

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
        from dstill_sql.layers import layers

        return layers(self.config, self.database)

    def canonical(self, answer: str) -> str:
        return canonical_text(answer, self.config.dialect)

    def is_refusal(self, answer: str) -> bool:
        return refusals.read(answer) is not None

    def same(self, got: Any, want: Any) -> bool:
        from dstill_sql import results

        return results.same(got, want)

    def cause(self, got: str, want: str) -> Cause | None:
        return cause(got, want, self.config.dialect)

    def clauses(self, answer: str) -> Iterable[str] | None:
        from dstill_sql.clauses import clauses

        return clauses(answer, self.config.dialect)

    # --- TestDatabases ------------------------------------------------------------------

    @cached_property
    def _suites(self) -> Suites:
        from dstill_sql.testsuites.suites import Suites

        return Suites(self, self.config, self.database)

    def mutants(self, example: Example) -> Iterable[Mutant]:
        return self._suites.mutants(example)

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        return self._suites.databases(example, k)

    # --- ConstrainedOutput ------------------------------------------------------------------

    def grammar(self, example: Example) -> Grammar | None:
        from dstill_sql.grammar import grammar_of

        found = self.database(example)
        return None if found is None else grammar_of(found, self.config.guard)

    # --- Linked -------------------------------------------------------------------------

    def form(self) -> Form:
        from dstill_sql.linked.form import SqlForm

        return SqlForm(self.database, self.config.guard)

    # --- ResultProperties ---------------------------------------------------------------

    def is_empty(self, value: Any) -> bool:
        from dstill_sql import results

        return results.is_empty(value)

    def is_trivial(self, value: Any, example: Example) -> bool:
        from dstill_sql import results

        return results.is_trivial(value)

    def is_nondeterministic(self, value: Any, example: Example) -> bool:
        from dstill_sql import results

        return results.is_nondeterministic(value)

    # --- RationaleTerms -----------------------------------------------------------------

    def answer_terms(self, answer: str) -> Iterable[str]:
        from dstill_sql.clauses import terms

        return terms(answer, self.config.dialect)

    # --- Presentation -------------------------------------------------------------------

    def render_result(self, value: Any) -> str:
        from dstill_sql import shown

        return shown.render(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        from dstill_sql import shown

        return shown.diff(got, want, database.name if database else "")

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        from dstill_sql import shown
        from dstill_sql.statements import NotOneQuery, read

        found = self.database(example)
        if found is None:
            return RelevantSchema()
        try:
            query = read(answer, self.config.dialect)
        except NotOneQuery:
            query = None
        return shown.excerpt(found, query)

    def refusal_reason(self, answer: str) -> str:
        found = refusals.read(answer)
        return found.reason if found else ""

    def result_tables(self, value: Any) -> Sequence[Table]:
        rows = tuple(tuple("NULL" if cell is None else str(cell) for cell in row) for row in value["rows"])
        return (Table(columns=tuple(value["columns"]), rows=rows),)
