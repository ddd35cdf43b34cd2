"""`ask` about values that people write in another way than the data have them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill_querydsl.pack import QueryDsl
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

SCHEMA = 'CREATE TABLE shops (id INTEGER, town TEXT, "kind of" TEXT, size INTEGER); CREATE TABLE staff (town TEXT)'


@pytest.fixture
def sql(tmp_path: Path) -> ValueLookup:
    (tmp_path / "schema.sql").write_text(SCHEMA)
    return ValueLookup.of(Sql(Settings(db="shops", dialect="sqlite", schema=str(tmp_path / "schema.sql"))))


ABOUT_SQL = Example(id="1", question="?", context={"db": "shops"})


def test_texts_that_columns_are_compared_with_are_named(sql: ValueLookup) -> None:
    query = """SELECT * FROM shops AS s WHERE s.town = 'ribe' AND "kind of" IN ('a', 'b') AND size = 3 AND id <> '4'"""
    assert list(sql.named_values(ABOUT_SQL, query)) == [
        NamedValue(item="shops.town", text="ribe"),
        NamedValue(item="shops.kind of", text="a"),
        NamedValue(item="shops.kind of", text="b"),
    ]


def test_a_query_gets_the_value_and_the_column_that_are_meant(sql: ValueLookup) -> None:
    query = "SELECT town FROM shops WHERE shops.town = 'it''s' OR shops.town = 'x'"
    old = NamedValue(item="shops.town", text="it's")
    assert sql.with_value(ABOUT_SQL, query, old, NamedValue(item="shops.town", text="o'clock")) == (
        "SELECT town FROM shops WHERE shops.town = 'o''clock' OR shops.town = 'x'"
    )
    assert list(sql.items_beside(ABOUT_SQL, "shops.town")) == ["shops.kind of"]
    assert sql.with_value(ABOUT_SQL, query, old, NamedValue(item="shops.kind of", text="b")) == (
        "SELECT town FROM shops WHERE shops.\"kind of\" = 'b' OR shops.town = 'x'"
    )


def test_the_most_frequent_values_of_a_column_are_listed(sql: ValueLookup, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shops.db")) as database:
        database.executescript(SCHEMA)
        rows = [("b",), ("c",), ("c",), (None,)]
        database.executemany('INSERT INTO shops ("kind of") VALUES (?)', rows)
        query = sql.values_query(ABOUT_SQL, "shops.kind of", 2)
        assert query.endswith("LIMIT 2")
        listed = sql.listed_values({"rows": database.execute(query).fetchall()})
    assert listed[0] == "c"
    assert not sql.values_query(ABOUT_SQL, "nowhere.kind", 2)


MAPPING = {
    "properties": {
        "town": {"type": "keyword"},
        "title": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "note": {"type": "text"},
        "size": {"type": "integer"},
    }
}
ABOUT_INDEX = Example(id="1", question="?", context={"index": "shops", "mapping": MAPPING})


def test_bodies_name_texts_and_get_the_values_that_are_meant() -> None:
    lookup = ValueLookup.of(QueryDsl())
    clauses = [
        {"term": {"town": {"value": "ribe"}}},
        {"terms": {"title.keyword": ["a", "b"]}},
        {"match": {"note": "long"}},
        {"term": {"size": 3}},
    ]
    body = json.dumps({"query": {"bool": {"filter": clauses}}, "aggs": {"a0": {"terms": {"field": "town"}}}})
    assert list(lookup.named_values(ABOUT_INDEX, body)) == [
        NamedValue(item="town", text="ribe"),
        NamedValue(item="title.keyword", text="a"),
        NamedValue(item="title.keyword", text="b"),
    ]
    old = NamedValue(item="town", text="ribe")
    changed = json.loads(lookup.with_value(ABOUT_INDEX, body, old, NamedValue(item="title", text="Ribe")))
    assert changed["query"]["bool"]["filter"] == [{"term": {"title.keyword": {"value": "Ribe"}}}, *clauses[1:]]
    assert changed["aggs"] == {"a0": {"terms": {"field": "town"}}}
    assert sorted(lookup.items_beside(ABOUT_INDEX, "town")) == ["title"]
    query = json.loads(lookup.values_query(ABOUT_INDEX, "title", 7))
    assert query["aggs"]["values"] == {"terms": {"field": "title.keyword", "size": 7}}
    assert not lookup.values_query(ABOUT_INDEX, "note", 7)
