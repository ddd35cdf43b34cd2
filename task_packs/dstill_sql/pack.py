"""The SQL task: from a question about a database to one query that reads, or a refusal.

    Example(question="which driver earned most in May?", context={"db": "trips"})
    SELECT drivers.name FROM drivers JOIN trips ON trips.driver_id = drivers.id WHERE … LIMIT 1

This module wires the parts together. Each section implements one of dstill's protocols for tasks. A part's module is
imported by the method that uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from dstill.api.protocols import DataProfile, Demo, Presentation, QuestionBrief, ResultProperties, Synthesis
from dstill.api.records import Example, Message, Prompt, Table
from dstill.api.task import Check, Task
from dstill_sql import refusals
from dstill_sql.canonical import canonical_text
from dstill_sql.databases import Database, File, Rows, database_of, rows_of
from dstill_sql.settings import Settings

__all__ = ["Sql"]


class Sql(Task, DataProfile, Demo, Presentation, ResultProperties, Synthesis):
    """Questions about one database, answered by queries that executors run."""

    name = "sql"
    Config = Settings
    config: Settings
    instructions = (
        "Answer the question with one SQL query that only reads. Use the tables and columns of the schema and nothing "
        f"else. If the database cannot answer the question, or it asks for a change, write: {refusals.FORM}"
    )
    executors = ("duckdb", "sqlite", "postgresql")
    data_key = "db"
    data_noun = "database"
    schema_keys = ("schema",)
    answer_keys = ("query", "sql")

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(config)
        from dstill_sql.questions.tally import Tally

        self._tally = Tally()  # of the last call of `synthesize`

    def database(self, example: Example) -> Database | None:
        """The database that the example is about. None if only its name is known. Raises DataError."""
        return database_of(example.context, self.config)

    def data(self, example: Example) -> Rows | File | None:
        """What the answers to the example run on inside this process; None: nothing."""
        if (test := example.context.get("test_database")) is not None:
            return rows_of(test, self.config.dialect)
        found = self.database(example)
        return None if found is None else found.data

    def now(self, example: Example) -> str:
        """What the clock shows while an answer to the example runs, in ISO form. Empty: the time of the run."""
        found = self.database(example)
        return found.now if found else self.config.now

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
        from dstill_sql.layers import layers

        return layers(self.config, self.database)

    def canonical(self, answer: str) -> str:
        return canonical_text(answer, self.config.dialect)

    def is_refusal(self, answer: str) -> bool:
        return refusals.read(answer) is not None

    def same(self, got: Any, want: Any) -> bool:
        from dstill_sql import results

        return results.same(got, want)

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

    # --- Presentation -------------------------------------------------------------------

    def refusal_reason(self, answer: str) -> str:
        found = refusals.read(answer)
        return found.reason if found else ""

    def result_tables(self, value: Any) -> Sequence[Table]:
        rows = tuple(tuple("NULL" if cell is None else str(cell) for cell in row) for row in value["rows"])
        return (Table(columns=tuple(value["columns"]), rows=rows),)

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

    # --- DataProfile --------------------------------------------------------------------

    def licences(self, examples: Sequence[Example]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for example in examples:
            name = str(example.context.get("db", ""))
            if name not in found:
                database = self.database(example)
                found[name] = (database.licence if database else "") or "unknown"
        return found

    # --- Demo ---------------------------------------------------------------------------

    demo_settings: ClassVar[Mapping[str, Any]] = {
        "evaluate.splits": ["test", "test_unseen_templates", "test_unseen_data"],
        "task.sql.n_questions": 8_000,
        "train.max_steps": 300,  # almost every row once
        "train.threads": 1,  # on a busy machine, two threads mostly wait for each other
    }
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {"task.sql.n_questions": 2_000, "train.max_steps": 75}
