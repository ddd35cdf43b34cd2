"""Queries in plain words: every part is said, no alias is, and two queries with the same words are the same query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from hypothesis import example as also
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp
from support.sql_golds import GOLDS, SCHEMAS
from support.tables import rows
from tools.base.sql import written

from dstill.api.checking import find_problems
from dstill.api.protocols import Readback
from dstill.api.records import Draft, Example
from dstill_sql.language import refusals
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import parsed
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

SCHEMA = """
CREATE TABLE mechanics (id INTEGER PRIMARY KEY, name TEXT, boss_id INTEGER REFERENCES mechanics (id), hired DATE);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, mechanic_id INTEGER REFERENCES mechanics (id), status TEXT, warranty BOOLEAN,
  labour_eur DOUBLE, started TIMESTAMP
);
"""
SAID = rows(__file__, "readback.jsonl")
KINDS = {"", "data", "condition", "shown", "group", "order", "limit"}


@cache
def task(dialect: Dialect) -> Sql:
    return Sql(Settings(dialect=dialect, guard=Limits(nodes=5_000)))


def read_back(query: str, dialect: Dialect = "duckdb", schema: str = SCHEMA) -> list[Any]:
    """The phrases of a query, which passes the checks."""
    asked = Example(id="1", question="?", context={"db": "garage", "schema": schema})
    problems = find_problems(task(dialect), asked, Draft(answer=query))
    assert not [str(problem) for problem in problems if problem.is_error], query
    return list(Readback.of(task(dialect)).read_back(asked, query))


def text(query: str, dialect: Dialect = "duckdb", schema: str = SCHEMA) -> str:
    return "".join(phrase.text for phrase in read_back(query, dialect, schema))


@pytest.mark.parametrize(("dialect", "query", "said"), SAID)
def test_says_each_construct(dialect: Dialect, query: str, said: str) -> None:
    assert text(query, dialect) == said


def test_phrases_have_kinds_items_and_values() -> None:
    query = (
        "SELECT m.name, COUNT(*) FROM jobs j JOIN mechanics m ON j.mechanic_id = m.id WHERE j.status = 'done' AND NOT "
        "j.warranty AND j.labour_eur > 20 GROUP BY m.name ORDER BY COUNT(*) DESC LIMIT 5"
    )
    assert [(phrase.kind, phrase.text, tuple(phrase.items), tuple(phrase.values)) for phrase in read_back(query)] == [
        ("data", "jobs", ("jobs",), ()),
        ("data", " with their mechanics", ("jobs.mechanic_id", "mechanics.id", "mechanics"), ()),
        ("condition", " where status is 'done'", ("jobs.status",), ("done",)),
        ("condition", " and warranty is no", ("jobs.warranty",), ()),
        ("condition", " and labour eur is more than 20", ("jobs.labour_eur",), ("20",)),
        ("shown", ", counted", (), ()),
        ("group", " for each name", ("mechanics.name",), ()),
        ("order", ", largest first", (), ()),
        ("limit", ", the first 5", (), ("5",)),
    ]


def test_refusal_has_no_words() -> None:
    assert read_back(refusals.write(["wages"])) == []


def test_says_a_query_about_an_unknown_database() -> None:
    asked = Example(id="1", question="?", context={"db": "elsewhere"})
    phrases = Readback.of(task("duckdb")).read_back(asked, "SELECT a0.Name FROM Staff a0 JOIN Team a1 ON a0.t = a1.id")
    assert "".join(phrase.text for phrase in phrases) == "staff with team whose id is staff t, showing staff name"


# --- golds -----------------------------------------------------------------------------


def golds(dialect: Dialect) -> list[Example]:
    """Questions of templates about bundled databases; in DuckDB, those that were written one by one, too."""
    made = Sql(Settings(dialect=dialect, n_questions=400))
    every: Iterable[Example] = (one for split in SPLITS for one in made.examples(split))
    toys = (Example(id="", question="?", context={"db": name, "schema": SCHEMAS[name]}, answer=a) for name, a in GOLDS)
    of_sets = (one for name in written.DEVELOPMENT for one in written.questions(name)) if dialect == "duckdb" else ()
    return [one for part in (every, toys, of_sets) for one in part if refusals.read(one.answer or "") is None]


SPLITS = ("train", "validation", "test", "test_unseen_templates")


def is_said_otherwise(literal: exp.Literal) -> bool:
    """``LIMIT 1``, ``SELECT 1`` of EXISTS, one day before today, steps of SQLite's DATE, and formats of dates."""
    within = (exp.Limit, exp.Select, exp.Interval, exp.Count)
    return (literal.name == "1" and isinstance(literal.parent, within)) or isinstance(
        literal.parent, (exp.Anonymous, exp.Date, exp.TimeToStr)
    )


@pytest.mark.parametrize("dialect", DIALECTS)
def test_golds_with_the_same_words_are_the_same_query(dialect: Dialect) -> None:
    queries = defaultdict(dict[str, str])
    for gold in golds(dialect):
        answer = gold.answer or ""
        phrases = Readback.of(task(dialect)).read_back(gold, answer)
        said = "".join(phrase.text for phrase in phrases)
        assert said.isprintable()
        assert {phrase.kind for phrase in phrases} <= KINDS
        for literal in parsed(answer, dialect).find_all(exp.Literal):
            plain = said.replace("''", "'")
            assert literal.name.strip("%") in plain or is_said_otherwise(literal), (literal.name, answer, said)
        key = f"{gold.context.get('db')}: {said}"
        queries[key].setdefault(task(dialect).canonical(answer), answer)
    assert [same for same in queries.values() if len(same) > 1] == []
    assert len(queries) > 400


# --- any query -------------------------------------------------------------------------


def test_two_hundred_conditions_are_all_said() -> None:
    query = "SELECT id FROM jobs WHERE " + " AND ".join(f"labour_eur <> {n}" for n in range(200))
    phrases = read_back(query)
    assert [phrase.values for phrase in phrases if phrase.kind == "condition"] == [(str(n),) for n in range(200)]


NAMES = 'CREATE TABLE "odd table" ("a.b" TEXT, "x y" TEXT, "x_y" TEXT, "!!" TEXT, "\x1b[2J" TEXT, "`" TEXT);'


@pytest.mark.parametrize(
    ("query", "schema", "said"),
    [
        ("WITH jobs AS (SELECT id FROM jobs) SELECT COUNT(*) FROM jobs", SCHEMA, "`WITH jobs AS (SELECT id FROM jobs)"),
        ("SELECT id FROM jobs WHERE status = 'a\nb\x1b[2J\u202e'", SCHEMA, r"status is 'a\u000ab\u001b[2J\u202e'"),
        ('SELECT "x y" FROM "odd table" WHERE x_y = \'1\'', NAMES, "where odd table.x_y is '1', showing odd table.x y"),
        ('SELECT "!!", "\x1b[2J" FROM "odd table"', NAMES, r"showing odd table.!! and 2 j"),
        ("SELECT id FROM jobs WHERE status = 'it''s' OR status = '\"''s'", SCHEMA, "is \"it's\" or status is '\"''s'"),
        (f"SELECT id FROM jobs WHERE {'(' * 25}id = 1{')' * 25}", SCHEMA, "jobs where id is 1, showing id"),
        (f"SELECT id FROM jobs WHERE id = {' + '.join('1' * 300)}", SCHEMA, "id is 1 + 1 + 1"),
        (f"SELECT id FROM jobs WHERE id = {'9' * 5000}", SCHEMA, "id is 9999"),
        (f"SELECT id FROM jobs WHERE {'NOT ' * 41}warranty", SCHEMA, "not (not (warranty is no))"),
    ],
)  # fmt: skip
def test_odd_queries_are_said_on_one_line(query: str, schema: str, said: str) -> None:
    words = text(query, schema=schema)
    assert said in words
    assert words.isprintable()


def test_what_would_be_too_long_is_said_as_sql() -> None:
    order = ", ".join(["c0 || 'y'"] * 60)
    query = f"SELECT status || '{'x' * 400}' AS c0 FROM jobs AS a0 ORDER BY {order}"
    assert text(query).startswith("`SELECT status || 'xxx")


AROUND = [
    "NOT {}", "-{}", "UPPER({})", "SUM({})", "{} IN (1, {})", "CAST({} AS DATE)", "COALESCE({}, 0)", "ABS({}, 1)",
    "CASE WHEN {} THEN 1 END", "{} BETWEEN 1 AND 2", "EXISTS (SELECT {} FROM mechanics)", "(SELECT {})",
    "SUM({}) OVER (PARTITION BY {})", "{} - INTERVAL 1 DAY", "DATE_TRUNC('month', {})",
]  # fmt: skip
EXPRESSIONS = st.recursive(
    st.sampled_from(
        ["id", "j.status", "labour_eur", "warranty", "started", "1", "'x'", "NULL", "TRUE", "CURRENT_DATE", "COUNT(*)"]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "=", "<", "AND", "OR", "LIKE", "||", "IS", "*"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
        st.tuples(
            st.sampled_from(AROUND),
            inner,
        ).map(lambda parts: parts[0].replace("{}", parts[1])),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, EXPRESSIONS, st.sampled_from(DIALECTS))
@also("id", "id", "duckdb")
def test_any_answer_that_passes_the_checks_is_said(shown: str, condition: str, dialect: Dialect) -> None:
    query = f"SELECT {shown} AS c0 FROM jobs AS j WHERE {condition} GROUP BY c0 ORDER BY c0, {shown} LIMIT 3"
    asked = Example(id="1", question="?", context={"db": "garage", "schema": SCHEMA})
    if not any(problem.is_error for problem in find_problems(task(dialect), asked, Draft(answer=query))):
        said = text(query, dialect)
        assert said.isprintable()
        assert "c0" not in said.replace("`", "")
