"""A whole task pack that conforms, in one file: questions about small tables, answered by a dialect of SQL.

    names of Red things below 20   →   SELECT name FROM things WHERE colour = Red AND price < 20

It implements all that the conformance kit checks: refusals, clauses, causes, a grammar, a form, mutants, test
databases, known answers, and an executor on sqlite3 with a timeout. Tests break one part of it at a time.
"""

from __future__ import annotations

import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from dstill import Check, Task, hookimpl
from dstill.api import (
    Cause,
    ConstrainedOutput,
    Engine,
    Example,
    Executor,
    Form,
    Grammar,
    KnownAnswers,
    Linked,
    Mutant,
    Outcome,
    OutcomeKind,
    Problem,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabase,
    TestDatabases,
)
from dstill.api.setting import setting
from dstill.errors import DataError
from dstill.linked import Item
from dstill.linked.names import stems

REFUSAL = "CANNOT"
COLOURS = ("Red", "Blue", "Green", "Black")
TABLES = {"shop": "things", "library": "books", "garden": "plants"}
COLUMNS = ("name", "colour", "price")
WORDS = r"[A-Za-z]\w{0,19}"
QUERY = re.compile(
    rf"SELECT (?P<column>{WORDS}) FROM (?P<tables>{WORDS}(?: JOIN {WORDS})*)(?: WHERE (?P<where>.+?))?"
    rf"(?: ORDER BY (?P<order>{WORDS})(?P<desc> DESC)?)?(?: LIMIT (?P<limit>[0-9]{{1,4}}))?"
)
CONDITION = re.compile(rf"(?P<column>{WORDS}) (?:= (?P<text>{WORDS})|< (?P<number>[0-9]{{1,6}}))")
EBNF = """root ::= "CANNOT" | "SELECT " COLUMN " FROM " TABLE where? order? limit?
where ::= " WHERE " condition (" AND " condition)*
condition ::= "colour = " COLOUR | "price < " NUMBER
order ::= " ORDER BY " COLUMN " DESC"?
limit ::= " LIMIT " NUMBER
COLUMN ::= "name" | "colour" | "price"
TABLE ::= "things" | "books" | "plants"
COLOUR ::= "Red" | "Blue" | "Green" | "Black"
NUMBER ::= [0-9]{1,4}
"""


@dataclass(frozen=True)
class Query:
    column: str
    tables: tuple[str, ...]
    where: tuple[str, ...] = ()
    order: str = ""
    desc: bool = False
    limit: int | None = None

    def __str__(self) -> str:
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        order = f" ORDER BY {self.order}{' DESC' if self.desc else ''}" if self.order else ""
        limit = "" if self.limit is None else f" LIMIT {self.limit}"
        return f"SELECT {self.column} FROM {' JOIN '.join(self.tables)}{where}{order}{limit}"


def read(answer: str) -> Query:
    """Raises ValueError for what is no query."""
    match = QUERY.fullmatch(" ".join(answer.split())) if len(answer) < 400 else None
    where = tuple(match["where"].split(" AND ")) if match and match["where"] else ()
    if match is None or not all(map(CONDITION.fullmatch, where)):
        raise ValueError(f"'{answer[:40]}' is no query")
    limit = int(match["limit"]) if match["limit"] else None
    tables = tuple(match["tables"].split(" JOIN "))
    return Query(match["column"], tables, where, match["order"] or "", bool(match["desc"]), limit)


def form(example: Example, answer: str) -> Iterable[Problem]:
    try:
        if answer.strip() != REFUSAL:
            read(answer)
    except ValueError as error:
        yield Problem(layer="form", code="syntax_error", message=str(error))


def names(example: Example, answer: str) -> Iterable[Problem]:
    if answer.strip() == REFUSAL:
        return
    query = read(answer)
    columns = [query.column, query.order or "name", *(one.split()[0] for one in query.where)]
    for name in columns:
        if name not in COLUMNS:
            yield Problem(layer="names", code="unknown", message=f"there is no column '{name}'")
    for name in query.tables:
        if name != example.context.get("schema", name):
            yield Problem(layer="names", code="unknown", message=f"there is no table '{name}'")


def rows(db: str, seed: int = 0) -> list[tuple[str, str, int]]:
    """Twelve rows of a database: name, colour, price. No price occurs twice, colours do."""
    draw = random.Random(f"{db} {seed}")
    prices = draw.sample(range(1, 60), 12)
    return [(f"{db}{n}", COLOURS[(n + seed) % 3], price) for n, price in enumerate(prices)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    most: int = setting(9, "Largest number of a question.")


class Shelf(Executor):
    """Runs queries on a table in memory."""

    name = "shelf"
    parallel = 2

    def open(self, task: Task, engine: Engine) -> Shelf:
        super().open(task, engine)
        return self

    def execute(self, answer: str, example: Example) -> Outcome:
        query = read(answer)
        ends = time.monotonic() + self.engine.timeout
        try:
            with closing(self.connect(example)) as connection:
                connection.set_progress_handler(lambda: time.monotonic() > ends, 1_000)
                found = connection.execute(sql(query)).fetchall()
        except sqlite3.Error as error:
            return self.failed(error)
        return self.outcome(query, [row[0] for row in found])

    def connect(self, example: Example) -> sqlite3.Connection:
        database: TestDatabase | None = example.context.get("test_database")
        data = rows(example.context["db"]) if database is None else database.data["rows"]
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        table = example.context["schema"]
        connection.execute(f"CREATE TABLE {table} (name, colour, price)")
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", data)
        return connection

    def failed(self, error: Exception) -> Outcome:
        return Outcome(kind=OutcomeKind.INVALID, reason=f"stopped: {error}")

    def outcome(self, query: Query, found: list[Any]) -> Outcome:
        return Outcome(kind=OutcomeKind.OK, value={"rows": found, "ordered": bool(query.order)})


def sql(query: Query) -> str:
    tables = ", ".join(f"{name} AS t{n}" for n, name in enumerate(query.tables))
    found = [match for one in query.where if (match := CONDITION.fullmatch(one))]
    where = [f"t0.{m['column']} = '{m['text']}'" if m["text"] else f"t0.{m['column']} < {m['number']}" for m in found]
    parts = [f"SELECT t0.{query.column} FROM {tables}", f"WHERE {' AND '.join(where)}" if where else ""]
    parts += [f"ORDER BY t0.{query.order} {'DESC' if query.desc else ''}" if query.order else ""]
    return " ".join([*parts, "" if query.limit is None else f"LIMIT {query.limit}"])


class RowsForm(Form):
    """Columns, tables and words of the question are pointers, all else are tokens."""

    tokens = ("SELECT", "FROM", "JOIN", "WHERE", "AND", "=", "<", "ORDER", "BY", "DESC", "LIMIT", REFUSAL)

    def items(self, example: Example) -> list[Item]:
        names = (*COLUMNS, example.context["schema"])
        return [Item(name=name, words=tuple(stems(name)), kind="column") for name in names]


TEMPLATES = {
    "below": (
        "names of {colour} {table} below {n}",
        "SELECT name FROM {table} WHERE colour = {colour} AND price < {n}",
    ),
    "colours": ("each colour of the {table} below {n}", "SELECT colour FROM {table} WHERE price < {n}"),
    "first": ("the {k} cheapest below {n}", "SELECT name FROM {table} WHERE price < {n} ORDER BY price LIMIT {k}"),
    "last": ("the {n} dearest {table}", "SELECT name FROM {table} ORDER BY price DESC LIMIT {n}"),
    "prices": ("prices of {colour} {table}", "SELECT price FROM {table} WHERE colour = {colour}"),
}
UNSEEN = "prices"  # only `test_unseen_templates` has it


class Rows(
    Task,
    ConstrainedOutput,
    KnownAnswers,
    Linked,
    RationaleTerms,
    ResultProperties,
    Synthesis,
    TestDatabases,
):
    """Questions about small tables."""

    name = "rows"
    Config = Settings
    instructions = "Write a query for a table with the columns name, colour and price."
    executors = ("shelf",)
    data_key = "db"
    data_noun = "database"
    schema_keys = ("schema",)
    causes = ("column", "condition", "order", "other")
    checks: Any = (Check("form", form, parses=True), Check("names", names))

    def examples(self, split: str) -> Iterable[Example]:
        if split == "test_unseen_data":
            yield from self.questions("garden", split, range(10, 60, 10))
            return
        for db in ("shop", "library"):
            limits = {"train": range(10, 60, 10), "validation": range(12, 60, 20), "test": range(14, 60, 10)}
            yield from self.questions(db, split, limits.get(split, range(1)))

    def questions(self, db: str, split: str, limits: Iterable[int]) -> Iterator[Example]:
        for template, (question, answer) in TEMPLATES.items():
            if (template == UNSEEN) != (split == "test_unseen_templates"):
                continue
            for n in limits:
                values = {"table": TABLES[db], "n": n, "k": n % 7 + 2, "colour": COLOURS[n % 3]}
                id = f"{split}-{db}-{template}-{n}"
                yield self.example(id, question.format(**values), answer.format(**values), template, split, db)
        if split != "test_unseen_templates":
            yield self.example(f"{split}-{db}-joke", f"tell the {split} {db} a joke", REFUSAL, "joke", split, db)

    def example(self, id: str, question: str, answer: str, template: str, split: str, db: str) -> Example:
        context = {"db": db, "schema": TABLES[db]}
        why = "nothing here tells jokes" if answer == REFUSAL else f"{' and '.join(self.answer_terms(answer))} decide"
        return Example(
            id=id, question=question, answer=answer, rationale=why, template=template, split=split, context=context
        )

    def model_input(self, example: Example) -> str:
        return f"{example.question}\n{example.context['db']}: {example.context['schema']}"

    def canonical(self, answer: str) -> str:
        try:
            query = read(answer)
        except ValueError:
            return " ".join(answer.split())
        return str(replace(query, where=tuple(sorted(query.where))))

    def is_refusal(self, answer: str) -> bool:
        return answer.strip() == REFUSAL

    def same(self, got: Any, want: Any) -> bool:
        if got["ordered"] or want["ordered"]:
            return bool(got["rows"] == want["rows"])
        return Counter(got["rows"]) == Counter(want["rows"])

    def cause(self, got: str, want: str) -> Cause | None:
        if self.canonical(got) == self.canonical(want):
            return None
        try:
            one, other = read(got), read(want)
        except ValueError:
            return Cause(label="other")
        if one.column != other.column:
            return Cause(label="column")
        return Cause(label="condition" if sorted(one.where) != sorted(other.where) else "order")

    def clauses(self, answer: str) -> Iterable[str] | None:
        try:
            query = read(answer)
        except ValueError:
            return None
        return [query.column, *query.tables, *query.where, f"{query.order} {query.desc}", f"limit {query.limit}"]

    def answer_terms(self, answer: str) -> Iterable[str]:
        try:
            query = read(answer)
        except ValueError:
            return ()
        return sorted({query.column, *(one.split()[0] for one in query.where)})

    def is_empty(self, value: Any) -> bool:
        return not value["rows"]

    def is_trivial(self, value: Any, example: Example) -> bool:
        return not value["rows"]

    def grammar(self, example: Example) -> Grammar | None:
        return Grammar(ebnf=EBNF)

    def form(self) -> Form | None:
        return RowsForm()

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        if context.get("db") not in TABLES:
            raise DataError("there is no such database")
        draw = random.Random(seed)
        made = list(self.questions(context["db"], "", [draw.randint(10, 60)]))
        return [replace(example, id=f"made-{number}") for number, example in enumerate(made[:n])]

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        return [TestDatabase(name=f"rows {n}", data={"rows": rows(example.context["db"], n)}) for n in range(1, k)]

    def mutants(self, example: Example) -> Iterable[Mutant]:
        query = read(example.answer or "")
        other = "price" if query.column == "name" else "name"
        yield Mutant(name="other column", answer=str(replace(query, column=other)))
        if query.where:
            yield Mutant(name="no condition", answer=str(replace(query, where=query.where[1:])))
        if query.order:
            yield Mutant(name="turned order", answer=str(replace(query, desc=not query.desc)))

    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        table = example.context["schema"]
        a, b = "colour = Red", "price < 50"
        yield f"SELECT name FROM {table} WHERE {a} AND {b}", f"SELECT  name FROM {table} WHERE {b} AND {a}"

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        table = example.context["schema"]
        yield f"SELECT name FROM {table} ORDER BY price", f"SELECT name FROM {table} ORDER BY price DESC"
        yield f"SELECT colour FROM {table}", f"SELECT colour FROM {table} LIMIT 3"

    def hostile_answers(self, example: Example) -> Iterable[str]:
        yield f"DROP TABLE {example.context['schema']}"
        yield "SELECT name FROM sqlite_master"

    def runaway_answers(self, example: Example) -> Iterable[str]:
        table = example.context["schema"]
        yield f"SELECT name FROM {' JOIN '.join([table] * 12)} ORDER BY price"


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Rows


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield Shelf
