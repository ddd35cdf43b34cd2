"""The first difference of two queries, and the clauses that they consist of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sql_golds import GOLDS, SCHEMAS
from support.sql_trips import SCHEMA, example, task
from support.tables import rows

from dstill.api.protocols import Presentation, RationaleTerms, TestDatabases
from dstill_sql.language.results.causes import LABELS, cause
from dstill_sql.language.results.clauses import clauses, terms

JOINED = "FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id"
DIFFERENCES = rows(__file__, "causes.jsonl")


@pytest.mark.parametrize(("label", "got", "want", "detail"), DIFFERENCES)
def test_names_the_first_difference(label: str, got: str, want: str, detail: str) -> None:
    found = cause(got, want, "duckdb")
    assert (found.label, found.detail) == (label, detail)


def test_spellings_of_one_query_do_not_differ() -> None:
    assert cause("select NAME from drivers d", "SELECT name FROM drivers", "duckdb") is None
    found = cause(
        "SELECT name FROM drivers JOIN trips ON driver_id = drivers.id LIMIT 1",
        "SELECT drivers.name FROM drivers JOIN trips ON trips.driver_id = drivers.id LIMIT 2",
        "duckdb",
    )
    assert found.label == "limit"


@pytest.mark.slow
def test_every_mutant_has_a_cause() -> None:
    sql = task("duckdb")
    for schema, gold in GOLDS[::4]:
        for mutant in TestDatabases.of(sql).mutants(example(gold, None, SCHEMAS[schema])):
            found = sql.cause(mutant.answer, gold)
            assert found is not None, mutant
            assert found.label in LABELS[:-1], mutant
            assert found.detail
    assert sql.causes == LABELS


def test_clauses() -> None:
    query = (
        f"SELECT DISTINCT d.name, COUNT(*) AS n {JOINED} "
        "WHERE t.fare BETWEEN 5 AND 9 AND (d.city = 'Oslo' OR d.active) "
        "AND d.id IN (SELECT driver_id FROM trips WHERE tip > 1) GROUP BY d.name HAVING COUNT(*) > 1 "
        "ORDER BY n DESC, d.name LIMIT 3 OFFSET 1"
    )
    assert clauses(query, "duckdb") == [
        "FROM drivers",
        "FROM trips",
        "JOIN ON drivers.id = t2.driver_id",
        "SELECT drivers.name",
        "SELECT COUNT(*)",
        "DISTINCT",
        "WHERE drivers.active OR drivers.city = 'Oslo'",
        "WHERE drivers.id IN (…)",
        "WHERE t2.fare <= 9",
        "WHERE t2.fare >= 5",
        "HAVING COUNT(*) > 1",
        "GROUP BY drivers.name",
        "FROM trips",
        "SELECT driver_id",
        "WHERE tip > 1",
        "ORDER BY COUNT(*) DESC",
        "ORDER BY …, drivers.name",
        "LIMIT 3",
        "OFFSET 1",
    ]
    assert clauses("-- no answer: none (missing: Weight)", "duckdb") == ["no answer", "missing weight"]
    assert clauses("SELECT", "duckdb") is None


def test_terms() -> None:
    query = "WITH x AS (SELECT city AS c, COUNT(*) AS n FROM drivers GROUP BY city) SELECT c FROM x WHERE n > 2"
    assert terms(query, "duckdb") == ["city", "drivers"]
    assert list(RationaleTerms.of(task("duckdb")).answer_terms("SELECT rider FROM trips WHERE fare > 3")) == [
        "fare",
        "rider",
        "trips",
    ]
    assert terms("no query", "duckdb") == []


@given(st.text(max_size=30), st.sampled_from([gold for _, gold in GOLDS]), st.integers(0, 200))
def test_take_any_text(text: str, gold: str, place: int) -> None:
    cut = gold[:place] + text + gold[place:]
    for answer in (text, cut):
        assert cause(answer, gold, "sqlite") is None or cause(answer, gold, "sqlite") is not None
        assert isinstance(terms(answer, "sqlite"), list)
        assert clauses(answer, "sqlite") is None or clauses(answer, "sqlite")


# --- for people -----------------------------------------------------------------------------


def test_shows_what_only_one_result_has() -> None:
    sql = task("duckdb")
    want = {"columns": ["name", "n"], "rows": [["Ann", 3], ["Bob", None]], "keys": None, "pool": []}
    got = {**want, "rows": [["Ann", 3], ["Cid", 1], ["Dee", 1]]}
    found = Presentation.of(sql).diff_results(got, want)
    assert found.gold == "name | n\nBob | NULL\n1 row alike\n2 rows"
    assert found.answer == "name | n\nCid | 1\nDee | 1\n1 row alike\n3 rows"
    assert Presentation.of(sql).render_result(want) == "name | n\nAnn | 3\nBob | NULL\n2 rows"


def test_shows_orders_that_differ() -> None:
    sql = task("duckdb")
    want = {"columns": ["name"], "rows": [["Ann"], ["Bob"]], "keys": [[1], [2]], "pool": [], "ordered": True}
    turned = {**want, "rows": [["Bob"], ["Ann"]]}
    assert Presentation.of(sql).diff_results(turned, want).answer == "name\n1. Bob\n2. Ann\n2 rows"
    by_luck = {**want, "keys": None, "ordered": False}
    assert Presentation.of(sql).diff_results(by_luck, want).answer == "name\nthe same rows, but not sorted\n2 rows"


def test_shows_the_columns_that_an_answer_uses_first() -> None:
    gold = example("SELECT 1", None, SCHEMA)
    about = {**gold.context, "values": {"drivers.city": ["Oslo", "Bergen"], "drivers.rating": {"min": 1, "max": 5}}}
    found = Presentation.of(task("duckdb")).relevant_schema(
        type(gold)(id="x", question="?", context=about),
        "SELECT d.city FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id WHERE rating > 4",
    )
    assert found.title == "columns of toy"
    assert dict(found.used) == {
        "drivers.city": "TEXT: Oslo, Bergen",
        "trips.driver_id": "INT: refers to drivers.id",
        "drivers.id": "INT: key",
        "drivers.rating": "DOUBLE: 1 to 5",
    }
    assert len(found.used) + len(found.rest) == 13
    assert not Presentation.of(task("duckdb")).relevant_schema(gold, "no query").used
