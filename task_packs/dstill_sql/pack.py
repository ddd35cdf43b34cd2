"""The SQL task: from a question about a database to one query that reads, or a refusal.

    Example(question="which driver earned most in May?", context={"db": "trips"})
    SELECT drivers.name FROM drivers JOIN trips ON trips.driver_id = drivers.id WHERE … LIMIT 1

This module has what every task has; `dstill_sql.protocols` has the rest. A part's module is imported by the method that
uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any, ClassVar

from dstill.api.protocols import (
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
from dstill.api.records import Cause, Example, Message, Prompt
from dstill.api.task import Check, TaskProtocol
from dstill.errors import MissingExtra
from dstill_sql.declarations import TASK
from dstill_sql.language import refusals
from dstill_sql.language.database.about_databases import AboutDatabases
from dstill_sql.language.results.labels import LABELS
from dstill_sql.settings import Settings

__all__ = ["Sql"]


class Sql(AboutDatabases, declared=TASK):
    """Questions about one database, answered by queries that executors run."""

    instructions = (
        "Answer the question with one SQL query that only reads. Use the tables and columns of the schema and nothing "
        f"else. If the database cannot answer the question, or it asks for a change, write: {refusals.FORM}"
    )
    causes = LABELS
    data_key = "db"
    schema_keys = ("schema",)
    answer_keys = ("query", "sql")
    protocols: ClassVar[Mapping[type[TaskProtocol], str]] = {
        AnswerFiles: "dstill_sql.protocols.answer_files:SqlFiles",
        ConstrainedOutput: "dstill_sql.protocols.constrained_output:SqlOutput",
        DataProfile: "dstill_sql.protocols.data_profile:SqlDataProfile",
        Demo: "dstill_sql.protocols.demo:SqlDemo",
        KnownAnswers: "dstill_sql.protocols.known_answers:SqlKnownAnswers",
        Linked: "dstill_sql.protocols.linked:SqlLinked",
        Presentation: "dstill_sql.protocols.presentation:SqlPresentation",
        RationaleTerms: "dstill_sql.protocols.rationale_terms:SqlTerms",
        Readback: "dstill_sql.protocols.readback:SqlReadback",
        ResultProperties: "dstill_sql.protocols.result_properties:SqlResults",
        Synthesis: "dstill_sql.protocols.synthesis:SqlSynthesis",
        Terms: "dstill_sql.protocols.glossary:SqlGlossary",
        TestDatabases: "dstill_sql.protocols.test_databases:SqlTestDatabases",
        ValueLookup: "dstill_sql.protocols.value_lookup:SqlValueLookup",
    }

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        if find_spec("sqlglot") is None:
            raise MissingExtra("the SQL pack", "sql", "sqlglot")

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

        data = self.database(example)
        return example.question if data is None else f"{example.question}\n{schema_line(data, example.question)}"

    def prompt(self, example: Example, shots: Sequence[Example]) -> Prompt:
        form = self.reply_text("which tables, columns and conditions, and why", "SELECT …")
        system = f"{self.instructions}\n\nReply in this form and nothing else:\n{form}"
        messages = [Message(role="system", content=system)]
        for shot in shots:
            messages.append(Message(role="user", content=f"Question: {shot.question}"))
            messages.append(Message(role="assistant", content=self.reply_text(shot.rationale or "", shot.answer or "")))
        database = self.database(example)
        schema = "" if database is None else f"Schema ({self.config.dialect}):\n{database.schema.ddl()}\n\n"
        if terms := Terms.of(self).glossary(example).text:
            schema += f"Here {terms}.\n\n"
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
