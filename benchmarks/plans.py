"""Scores the base of plans in two languages that it never saw, on questions that people wrote, without training.

    python -m benchmarks.plans ../shared/people                       # the published base
    python -m benchmarks.plans ../shared/people --student build/base/plans/student --page docs/people.md

In SQL all questions of `../shared/people/sql` count, by the task's own verdict on the data alone. In jq those whose
gold reads one table without a query inside: its rows are the document, and the program is right if it gives the rows
of the gold, in any order. The jq pack's own questions are about its document `trails`. Only totals are printed.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlglot
from benchmarks.people import TASKS, share, write_table
from sqlglot import exp

from dstill.answering import steps
from dstill.api.records import Example, ModelInput, Prediction
from dstill.io.jsonl import read_rows
from dstill.plans.form import PlanForm
from dstill.stages.predict import live_data
from dstill.synthesis.plans import Plan, Skip
from dstill.synthesis.subjects import Subject
from dstill_linked.generation import LinkedGenerator
from dstill_linked.saving import read_scorer
from dstill_sql.pack import Sql
from dstill_sql.questions.formal.subject import subject_of
from dstill_sql.questions.formal.writing import write
from dstill_sql.questions.lexicon import Lexicon
from dstill_sql.questions.references import references_of

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = map(str, (TESTS, TESTS / "third_party" / "dstill_jq" / "src"))

__all__ = ["main"]

REFUSAL = 'error("missing")'
MOST_ROWS = 3_000  # of a table that becomes a document
Right = Iterator[tuple[str, bool]]  # the set of a question, and whether the answer is right


def main() -> None:
    parser = argparse.ArgumentParser(description="Score the base of plans on questions that people wrote")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--student", type=Path, default=PlanForm.bases["plans"])
    parser.add_argument("--page", type=Path, help="write the table into this page, docs/people.md")
    arguments = parser.parse_args()
    asked, right = Counter[str](), Counter[str]()
    for score in (in_sql, in_jq, of_jq):
        for name, is_right in score(arguments.folder / "sql", arguments.student):
            asked[name] += 1
            right[name] += is_right
    lines = ["| questions | n | right |", "| --- | ---: | --- |"]
    lines += [f"| {name} | {asked[name]} | {share(right[name], asked[name])} |" for name in asked]
    print("\n".join(lines))
    if arguments.page:
        write_table(arguments.page, "plans", lines)


class Answering:
    """The base, answering about one subject after another in one language."""

    def __init__(self, student: Path, write: Callable[[Plan], str], refusal: str) -> None:
        self.subject: Subject | None = None
        self.form = PlanForm(lambda _: self.subject, write, refusal)
        scorer, facts = read_scorer(student, self.form)
        self.generator = LinkedGenerator(scorer, self.form, facts)

    def answers(self, examples: Sequence[Example]) -> list[str]:
        """An answer to each question about `subject`."""
        return [one.text for one in self.generator.generate([ModelInput(text=e.question, example=e) for e in examples])]


def grouped(folder: Path) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """The questions of each database."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for _, row in read_rows(folder / "questions.jsonl"):
        groups.setdefault(row["db"], []).append(row)
    yield from groups.items()


def in_sql(folder: Path, student: Path) -> Right:
    for name, rows in grouped(folder):
        with TASKS["sql"](folder, name, None, 0) as (setup, context):
            setup = live_data.from_base(name, setup).setup
            task = setup.task
            assert isinstance(task, Sql)
            examples = [Example(id=r["id"], question=r["question"], answer=r["answer"], context=context) for r in rows]
            database = task.database(examples[0])
            assert database is not None
            schema, references = database.schema, references_of(database.schema)

            def in_sqlite(plan: Plan, schema: Any = schema) -> str:
                try:
                    return sqlglot.transpile(write(plan, schema), read="duckdb", write="sqlite")[0]
                except KeyError as error:
                    raise Skip(f"no column {error}") from None

            answering = Answering(student, in_sqlite, "-- no answer: it is not in the data")
            answering.subject = subject_of(database, Lexicon.of(schema, references), references)
            written = [Prediction(id="1", text=text) for text in answering.answers(examples)]
            with setup.opened_executor() as executor:
                pairs = zip(examples, written, strict=True)
                verdicts = steps.judge(setup.plugins, task, pairs, setup.objective, executor)
                yield from ((f"SQL, part {r['part']}", v.correct) for r, v in zip(rows, verdicts, strict=True))


def in_jq(folder: Path, student: Path) -> Right:
    language = import_module("support.jq_plans")
    answering = Answering(student, language.write, REFUSAL)
    for name, rows in grouped(folder):
        with closing(sqlite3.connect(folder / "databases" / f"{name}.sqlite")) as database:
            documents: dict[str, tuple[list[dict[str, Any]], Subject]] = {}
            for row in rows:
                if (table := _only_table(row["answer"])) is None:
                    continue
                if table not in documents:
                    objects = _objects(database, table)
                    documents[table] = objects, language.subject_of(table, objects)
                objects, answering.subject = documents[table]
                (program,) = answering.answers([Example(id="1", question=row["question"])])
                want = [tuple(found) for found in database.execute(row["answer"])]
                yield f"jq, one table, part {row['part']}", _gives(program, objects, want)


def of_jq(_: Path, student: Path) -> Right:
    language, asked = import_module("support.jq_plans"), import_module("dstill_jq.questions")
    answering, objects = Answering(student, language.write, REFUSAL), asked.document(asked.UNSEEN_DATA)
    answering.subject = language.subject_of(asked.UNSEEN_DATA, objects)
    examples = asked.questions("test_unseen_data")
    for example, program in zip(examples, answering.answers(examples), strict=True):
        gold = example.answer or ""
        refuses = gold.startswith("error(")
        want = [] if refuses else _rows(_results(gold, objects), 0)
        right = program.startswith("error(") if refuses else _gives(program, objects, want)
        yield "jq, its own questions about an unseen document", right


def _only_table(gold: str) -> str | None:
    """The table that a gold reads; None: several, or it has a query inside."""
    query = sqlglot.parse_one(gold, read="sqlite")
    tables = {table.name.lower() for table in query.find_all(exp.Table)}
    inside = query.find(exp.Subquery, exp.SetOperation)
    return tables.pop() if len(tables) == 1 and inside is None else None


def _objects(database: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """The rows of a table as objects, with names that jq reads as paths."""
    found = database.execute(f'SELECT * FROM "{table}" LIMIT {MOST_ROWS}')
    names = [re.sub(r"\W", "_", part[0]) for part in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def _gives(program: str, objects: Sequence[Mapping[str, Any]], want: Sequence[tuple[Any, ...]]) -> bool:
    try:
        results = _results(program, objects)
    except ValueError:
        return False
    width = len(want[0]) if want else 0
    return _plain(_rows(results, width)) == _plain(want)


def _results(program: str, objects: Any) -> list[Any]:
    found: list[Any] = import_module("jq").compile(program).input_value(objects).all()
    return found


def _rows(results: list[Any], width: int) -> list[tuple[Any, ...]]:
    """The results as rows. One array is its elements, but for a row of so many columns."""
    is_array = len(results) == 1 and isinstance(results[0], list)
    if is_array and (not results[0] or isinstance(results[0][0], list) or width in (0, 1) or len(results[0]) != width):
        results = results[0]
    return [tuple(result) if isinstance(result, list) else (result,) for result in results]


def _plain(rows: Iterable[tuple[Any, ...]]) -> list[str]:
    return sorted(json.dumps([round(float(v), 4) if isinstance(v, (int, float)) else v for v in row]) for row in rows)


if __name__ == "__main__":
    main()
