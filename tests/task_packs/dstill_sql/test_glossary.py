"""The glossary of a database: terms as other names, values, computed columns and joins, in questions and in answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill import config as configuration
from dstill.api.checking import find_problems
from dstill.api.glossary import Glossary
from dstill.api.protocols import Presentation
from dstill.api.protocols import Terms as TermsOfTask
from dstill.api.records import Draft, Example
from dstill.api.task import data_of
from dstill.api.values import Values
from dstill.errors import DataError
from dstill.factory import Setup
from dstill.linked import Item, read
from dstill.linked.known import same_value
from dstill.plugins import load, part_sections
from dstill.stages.predict import live_data
from dstill.stages.predict.memory import Memory
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor
from dstill_sql.form.items import Tables
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.glossary import probe, with_terms
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.database.terms import Terms, expanded
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

DDL = """
CREATE TABLE crews (id INTEGER PRIMARY KEY, name VARCHAR, status VARCHAR);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY, crew_id INTEGER, status VARCHAR, promised_on DATE, finished_on DATE, qty INTEGER, price DOUBLE
);
"""
CREWS = [(1, "north", "done"), (2, "south", "open")]
JOBS = [
    (1, 1, "done", "2026-01-01", "2026-01-02", 2, 5.0),
    (2, 1, "open", "2026-01-05", "2026-01-02", 3, 5.0),
    (3, 2, "done", "2026-01-01", "2026-01-04", 9, 5.0),
    (4, 2, None, "2026-01-01", None, 1, 1.0),
    (5, 2, "open", "2026-01-03", "2026-01-03", 7, 0.5),
]
LATE, REVENUE = "finished_on > promised_on", "qty * price"
TERMS: dict[str, dict[str, Any]] = {
    "late": {"of": "jobs", "condition": LATE, "also": ["overdue", "behind schedule"]},
    "revenue": {"measure": REVENUE, "description": "without tax"},
    "costly": {"condition": "revenue > 12"},
    "trouble": {"condition": "late AND costly OR qty = 1"},
    "ready": {"of": "jobs", "condition": "status = 'done'"},
}
COSTLY = f"({REVENUE}) > 12"
TROUBLE = f"({LATE}) AND ({COSTLY}) OR qty = 1"


def glossary(**terms: dict[str, Any]) -> Glossary:
    return Glossary.read(terms, "words.toml")


def database(
    terms: dict[str, dict[str, Any]], dialect: Any = "sqlite", denied: tuple[str, ...] = (), **more: Any
) -> Database:
    made = Database(name="works", schema=SqlSchema.read(DDL, dialect), **more)
    return with_terms(made, glossary(**terms), Limits(denied=denied))


SQLITE = database(TERMS)
DUCKDB = database(TERMS, "duckdb")


def terms_in(dialect: str) -> Terms | None:
    return (SQLITE if dialect == "sqlite" else DUCKDB).terms


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Callable[[str], list[Any]]]]:
    """The same rows in SQLite and DuckDB, by the name of the dialect."""
    with closing(sqlite3.connect(":memory:")) as lite, duckdb.connect(":memory:") as duck:
        lite.executescript(DDL)
        duck.execute(DDL)
        for table, rows in (("crews", CREWS), ("jobs", JOBS)):
            marks = ", ".join("?" * len(rows[0]))
            lite.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
            duck.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        yield {
            "sqlite": lambda query: lite.execute(query).fetchall(),
            "duckdb": lambda query: duck.execute(query).fetchall(),
        }


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "wrong"),
    [
        ({"boss": {"means": "jobs.statsu"}}, "there is no 'jobs.statsu'. Did you mean 'jobs.status'?"),
        ({"boss": {"means": "job"}}, "there is no 'job'. Did you mean 'jobs'?"),
        ({"boss": {"means": "status"}}, "several tables have 'status': crews, jobs"),
        ({"boss": {"means": "nothing.at.all"}}, "there is no 'nothing.at.all'."),
        ({"late": {"condition": "finishd_on > promised_on"}}, "no column 'finishd_on'. Did you mean 'finished_on'?"),
        ({"late": {"of": "job", "condition": LATE}}, "there is no table 'job'. Did you mean 'jobs'?"),
        ({"late": {"condition": f"job.{LATE}"}}, "there is no table 'job'. Did you mean 'jobs'?"),
        ({"late": {"of": "crews", "condition": LATE}}, "its columns are not of one table"),
        ({"late": {"condition": "jobs.qty > 1 AND crews.name = 'north'"}}, "its columns are not of one table"),
        ({"late": {"condition": "qty > 1 AND name = 'north'"}}, "its columns are not of one table"),
        ({"ready": {"condition": "status = 'done'"}}, "these tables have such columns: crews, jobs"),
        ({"late": {"condition": "COUNT(*) > 3"}}, "is not about single rows"),
        ({"late": {"condition": "SUM(qty) > 3"}}, "is not about single rows"),
        ({"best": {"measure": "MAX(price)"}}, "is not about single rows"),
        ({"late": {"condition": "ROW_NUMBER() OVER (ORDER BY id) > 1"}}, "is not about single rows"),
        ({"late": {"condition": "qty > (SELECT AVG(qty) FROM jobs)"}}, "is not about single rows"),
        ({"late": {"condition": "qty IN (SELECT id FROM crews)"}}, "is not about single rows"),
        ({"late": {"condition": "EXISTS (SELECT 1 FROM crews)"}}, "is not about single rows"),
        ({"late": {"condition": "qty > 1 AS late"}}, "is not about single rows"),
        ({"late": {"condition": "qty > 1, price"}}, "is not an expression"),
        ({"late": {"condition": "qty > 1 FROM jobs"}}, "is not an expression"),
        ({"late": {"condition": "qty FROM jobs WHERE qty > 1"}}, "is not an expression"),
        ({"late": {"condition": "qty > 1; DROP TABLE jobs"}}, ""),
        ({"late": {"condition": "qty >"}}, ""),
        ({"late": {"condition": "qty > 1 UNION SELECT 1"}}, ""),
        ({"late": {"condition": ["qty > 1"]}}, "the condition is not text"),
        ({"late": {"condition": {"range": {"qty": {"gt": 1}}}}}, "the condition is not text"),
        ({"late": {"condition": "1 = 1"}}, "it has no column"),
        ({"late": {"condition": "qty * price"}}, "is not a condition"),
        ({"revenue": {"measure": "qty > price"}}, "is a condition"),
        ({"status": {"of": "jobs", "condition": LATE}}, "'jobs' has a column 'status'"),
        ({"Promised On": {"of": "jobs", "condition": LATE}}, "'jobs' has a column 'promised_on'"),
        ({"late": {"condition": "late OR qty > 1"}}, "there is no column 'late'"),
        ({"a": {"condition": "b OR qty > 1"}, "b": {"condition": "a OR qty > 2"}}, "there is no column 'b'"),
        ({"crew": {"join": "jobs.crew_id"}}, "'jobs.crew_id' is not a join"),
        ({"crew": {"join": "jobs.crew_id = crews.id = jobs.id"}}, "is not a join"),
        ({"crew": {"join": "jobs.crewid = crews.id"}}, "there is no 'jobs.crewid'. Did you mean 'jobs.crew_id'?"),
        ({"crew": {"join": "jobs.crew_id = crew.id"}}, "there is no 'crew.id'. Did you mean 'crews.id'?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb", "postgres"])
def test_a_term_that_the_database_cannot_have_is_named(
    terms: dict[str, dict[str, Any]], wrong: str, dialect: str
) -> None:
    with pytest.raises(DataError) as raised:
        database(terms, dialect)
    assert wrong in raised.value.what
    assert raised.value.where.startswith(f"words.toml, [{next(iter(terms))}]")


def test_an_error_shows_a_join_as_it_was_written() -> None:
    with pytest.raises(DataError, match=r"there is no 'crew_id'"):
        database({"crew": {"join": "crew_id = crews.id"}})


def test_terms_of_another_database_are_not_read() -> None:
    others = {
        "late": {"condition": "nobody > nothing", "data": "elsewhere"},
        "ours": {"condition": LATE, "data": "works"},
    }
    made = database(others)
    assert made.terms is not None
    assert [column.name for column in made.terms.columns["jobs"]] == ["ours"]
    assert "late" not in made.terms.glossary.text


def test_a_name_has_one_meaning_in_a_database_too() -> None:
    """A term of all data and one of this database may not have the same name."""
    with pytest.raises(DataError, match="late"):
        database({"late": {"condition": LATE}, "Late": {"condition": "qty > 5", "data": "works"}})


# --- answers with terms -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "by_hand"),
    [
        ("SELECT id FROM jobs WHERE late", f"SELECT id FROM jobs WHERE {LATE}"),
        ("SELECT id FROM jobs WHERE NOT late", f"SELECT id FROM jobs WHERE NOT ({LATE})"),
        ("SELECT id FROM jobs WHERE late = TRUE", f"SELECT id FROM jobs WHERE {LATE}"),
        ("SELECT id FROM jobs WHERE late = FALSE", f"SELECT id FROM jobs WHERE NOT ({LATE})"),
        ("SELECT id FROM jobs WHERE TRUE = late", f"SELECT id FROM jobs WHERE {LATE}"),
        ("SELECT id FROM jobs WHERE FALSE = late AND qty > 1", f"SELECT id FROM jobs WHERE NOT ({LATE}) AND qty > 1"),
        ("SELECT id FROM jobs WHERE NOT late = FALSE", f"SELECT id FROM jobs WHERE {LATE}"),
        ("SELECT id FROM jobs WHERE late <> TRUE", f"SELECT id FROM jobs WHERE ({LATE}) <> TRUE"),
        ("SELECT id FROM jobs WHERE late IS NULL", f"SELECT id FROM jobs WHERE ({LATE}) IS NULL"),
        ("SELECT id FROM jobs WHERE late OR qty = 3", f"SELECT id FROM jobs WHERE ({LATE}) OR qty = 3"),
        ("SELECT id FROM jobs WHERE trouble AND qty < 5", f"SELECT id FROM jobs WHERE ({TROUBLE}) AND qty < 5"),
        ("SELECT id FROM jobs WHERE NOT trouble", f"SELECT id FROM jobs WHERE NOT ({TROUBLE})"),
        ("SELECT id FROM jobs WHERE trouble = FALSE", f"SELECT id FROM jobs WHERE NOT ({TROUBLE})"),
        ("SELECT id FROM jobs WHERE revenue BETWEEN 2 AND 15", f"SELECT id FROM jobs WHERE {REVENUE} BETWEEN 2 AND 15"),
        ("SELECT id FROM jobs WHERE LATE", f"SELECT id FROM jobs WHERE {LATE}"),
        ('SELECT id FROM "jobs" WHERE "late"', f"SELECT id FROM jobs WHERE {LATE}"),
        ("SELECT late FROM jobs", f"SELECT {LATE} FROM jobs"),
        ("SELECT id, revenue FROM jobs", f"SELECT id, {REVENUE} FROM jobs"),
        ("SELECT revenue * 2, 100 / revenue, -revenue FROM jobs",
         f"SELECT ({REVENUE}) * 2, 100 / ({REVENUE}), -({REVENUE}) FROM jobs"),
        ("SELECT DISTINCT late FROM jobs", f"SELECT DISTINCT {LATE} FROM jobs"),
        ("SELECT late, COUNT(*) FROM jobs GROUP BY late", f"SELECT {LATE}, COUNT(*) FROM jobs GROUP BY {LATE}"),
        ("SELECT late, SUM(revenue) FROM jobs GROUP BY late ORDER BY late DESC",
         f"SELECT {LATE}, SUM({REVENUE}) FROM jobs GROUP BY {LATE} ORDER BY {LATE} DESC"),
        ("SELECT id FROM jobs ORDER BY revenue DESC LIMIT 2", f"SELECT id FROM jobs ORDER BY {REVENUE} DESC LIMIT 2"),
        ("SELECT COUNT(DISTINCT late), MAX(revenue), AVG(revenue) FROM jobs",
         f"SELECT COUNT(DISTINCT ({LATE})), MAX({REVENUE}), AVG({REVENUE}) FROM jobs"),
        ("SELECT COUNT(*) FILTER (WHERE late), SUM(revenue) FILTER (WHERE NOT costly) FROM jobs",
         f"SELECT COUNT(*) FILTER (WHERE {LATE}), SUM({REVENUE}) FILTER (WHERE NOT ({COSTLY})) FROM jobs"),
        ("SELECT crew_id FROM jobs GROUP BY crew_id HAVING SUM(revenue) > 30",
         f"SELECT crew_id FROM jobs GROUP BY crew_id HAVING SUM({REVENUE}) > 30"),
        ("SELECT CASE WHEN late THEN 'x' ELSE 'y' END FROM jobs",
         f"SELECT CASE WHEN {LATE} THEN 'x' ELSE 'y' END FROM jobs"),
        ("SELECT j.late AS l, SUM(j.revenue) AS s FROM jobs AS j GROUP BY j.late",
         "SELECT j.finished_on > j.promised_on, SUM(j.qty * j.price) FROM jobs j"
         " GROUP BY j.finished_on > j.promised_on"),
        ("SELECT a.id, b.id FROM jobs a JOIN jobs b ON a.late = b.late WHERE b.costly",
         "SELECT a.id, b.id FROM jobs a JOIN jobs b"
         " ON (a.finished_on > a.promised_on) = (b.finished_on > b.promised_on) WHERE b.qty * b.price > 12"),
        ("SELECT crews.name FROM jobs JOIN crews ON crews.id = jobs.crew_id WHERE jobs.ready",
         "SELECT crews.name FROM jobs JOIN crews ON crews.id = jobs.crew_id WHERE jobs.status = 'done'"),
        ("SELECT id FROM jobs WHERE revenue > (SELECT AVG(revenue) FROM jobs WHERE late)",
         f"SELECT id FROM jobs WHERE {REVENUE} > (SELECT AVG({REVENUE}) FROM jobs WHERE {LATE})"),
        ("SELECT name FROM crews WHERE id IN (SELECT crew_id FROM jobs WHERE costly)",
         f"SELECT name FROM crews WHERE id IN (SELECT crew_id FROM jobs WHERE {COSTLY})"),
        ("SELECT name FROM crews AS c WHERE EXISTS (SELECT 1 FROM jobs AS j WHERE j.crew_id = c.id AND j.ready)",
         "SELECT name FROM crews c WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.crew_id = c.id AND j.status = 'done')"),
        ("SELECT x.late FROM (SELECT late, qty FROM jobs) AS x WHERE x.late",
         f"SELECT x.l FROM (SELECT {LATE} AS l, qty FROM jobs) AS x WHERE x.l"),
        ("SELECT id FROM jobs WHERE late IN (SELECT late FROM jobs WHERE qty > 5)",
         f"SELECT id FROM jobs WHERE ({LATE}) IN (SELECT {LATE} FROM jobs WHERE qty > 5)"),
        ("WITH x AS (SELECT late, revenue FROM jobs) SELECT SUM(revenue) FROM x WHERE late",
         f"WITH x AS (SELECT {LATE} AS l, {REVENUE} AS r FROM jobs) SELECT SUM(r) FROM x WHERE l"),
        ("SELECT id FROM jobs WHERE late UNION SELECT id FROM jobs WHERE costly",
         f"SELECT id FROM jobs WHERE {LATE} UNION SELECT id FROM jobs WHERE {COSTLY}"),
        ("SELECT id, RANK() OVER (PARTITION BY late ORDER BY revenue) FROM jobs",
         f"SELECT id, RANK() OVER (PARTITION BY {LATE} ORDER BY {REVENUE}) FROM jobs"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_the_definition_takes_the_place_of_a_term(
    engines: dict[str, Callable[[str], list[Any]]], written: str, by_hand: str, dialect: str
) -> None:
    answer = expanded(written, terms_in(dialect))
    in_order = "ORDER BY" in written and "OVER" not in written
    ran, expected = (engines[dialect](query) for query in (answer, by_hand))
    assert ran == expected if in_order else sorted(ran, key=str) == sorted(expected, key=str)


def combined(leaves: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
    def joined(pair: tuple[tuple[str, str], tuple[str, str]], word: str) -> tuple[str, str]:
        (left, l_hand), (right, r_hand) = pair
        return f"{left} {word} {right}", f"({l_hand}) {word} ({r_hand})"

    return st.one_of(
        st.tuples(leaves, leaves).map(lambda pair: (f"({pair[0][0]}) AND ({pair[1][0]})", joined(pair, "AND")[1])),
        st.tuples(leaves, leaves).map(lambda pair: (f"({pair[0][0]}) OR ({pair[1][0]})", joined(pair, "OR")[1])),
        leaves.map(lambda one: (f"NOT ({one[0]})", f"NOT ({one[1]})")),
        leaves.map(lambda one: (f"({one[0]}) = FALSE", f"({one[1]}) = FALSE")),
        leaves.map(lambda one: (f"({one[0]}) IS NULL", f"({one[1]}) IS NULL")),
    )


LEAVES = st.sampled_from([
    (text.format(name), text.format(f"({meaning})"))
    for name, meaning in (("late", LATE), ("costly", COSTLY), ("trouble", TROUBLE), ("ready", "status = 'done'"))
    for text in ("{}", "NOT {}", "{} = TRUE", "{} = FALSE", "FALSE = {}", "{} <> TRUE", "COALESCE({}, FALSE)")
] + [("revenue > 4", f"{REVENUE} > 4"), ("2 * revenue - 1 < qty", f"2 * ({REVENUE}) - 1 < qty")])  # fmt: skip


@given(st.recursive(LEAVES, combined, max_leaves=5), st.sampled_from(["sqlite", "duckdb"]))
def test_any_condition_of_terms_finds_the_rows_of_its_definitions(
    engines: dict[str, Callable[[str], list[Any]]], condition: tuple[str, str], dialect: str
) -> None:
    words, by_hand = condition
    answer = expanded(f"SELECT id FROM jobs WHERE {words}", terms_in(dialect))
    ran, expected = (engines[dialect](query) for query in (answer, f"SELECT id FROM jobs WHERE {by_hand}"))
    assert sorted(ran) == sorted(expected)


@pytest.mark.parametrize(
    ("written", "by_hand"),
    [
        ("WITH x AS (SELECT late FROM jobs UNION ALL SELECT late FROM jobs) SELECT COUNT(*) FROM x WHERE late",
         f"WITH x AS (SELECT {LATE} AS l FROM jobs UNION ALL SELECT {LATE} FROM jobs) SELECT COUNT(*) FROM x WHERE l"),
        ("SELECT x.revenue FROM (SELECT revenue FROM jobs UNION SELECT price FROM jobs) AS x",
         f"SELECT x.r FROM (SELECT {REVENUE} AS r FROM jobs UNION SELECT price FROM jobs) AS x"),
        ("SELECT revenue FROM jobs UNION SELECT price FROM jobs ORDER BY revenue",
         f"SELECT {REVENUE} AS r FROM jobs UNION SELECT price FROM jobs ORDER BY r"),
        ("SELECT jobs.id FROM jobs JOIN crews ON crews.id = jobs.crew_id WHERE ready",
         "SELECT jobs.id FROM jobs JOIN crews ON crews.id = jobs.crew_id WHERE jobs.status = 'done'"),
        ("SELECT id FROM jobs WHERE EXISTS (SELECT 1 FROM crews WHERE crews.id = jobs.crew_id AND ready)",
         "SELECT id FROM jobs WHERE jobs.status = 'done'"),
        # a name that the answer gives is no column of the definition
        ("SELECT 10 - id AS qty FROM jobs ORDER BY revenue, id",
         "SELECT 10 - id FROM jobs ORDER BY jobs.qty * jobs.price, id"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_definitions_keep_their_meaning_among_other_tables(
    engines: dict[str, Callable[[str], list[Any]]], written: str, by_hand: str, dialect: str
) -> None:
    answer = expanded(written, terms_in(dialect))
    assert sorted(engines[dialect](answer)) == sorted(engines[dialect](by_hand))
    assert engines[dialect](answer) == engines[dialect](by_hand) or "ORDER BY" not in written


@pytest.mark.parametrize(
    "text",
    [
        "SELECT id FROM jobs WHERE status = 'late'",
        "SELECT name AS late FROM crews ORDER BY late",
        "SELECT x.late FROM (SELECT qty AS late FROM jobs) AS x",
        "-- no answer: nothing",
        "SELECT  *  FROM jobs",
    ],
)
def test_a_query_without_terms_stays_as_it_is_written(text: str) -> None:
    if not text.startswith("--"):
        assert expanded(text, SQLITE.terms) == text
    assert expanded(text, None) == text
    assert expanded(text, database({"job": {"means": "jobs"}}).terms) == text  # other names need no definitions


def test_a_name_of_a_column_that_is_a_word_of_sql_is_quoted(engines: dict[str, Callable[[str], list[Any]]]) -> None:
    made = database({"order": {"of": "jobs", "condition": LATE}, "24 h": {"of": "jobs", "condition": "qty > 2"}})
    for term in glossary(order={"of": "jobs", "condition": LATE}, **{"24 h": {"condition": "qty > 2"}}).terms:
        assert engines["sqlite"](probe(term, made))[0][0] > 0


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_every_term_is_tried_by_a_query_that_runs(engines: dict[str, Callable[[str], list[Any]]], dialect: str) -> None:
    terms = {
        **TERMS,
        "work": {"means": "jobs"},
        "team": {"means": "name"},
        "state": {"means": "jobs.status"},
        "closed": {"means": "jobs.status", "value": "done"},
        "o'clock": {"means": "jobs.status", "value": "it's"},
        "buyer": {"join": "jobs.crew_id = crews.id"},
    }
    made = database(terms, dialect)
    found = {term.name: engines[dialect](probe(term, made)) for term in glossary(**terms).terms}
    counts = {name: rows[0][0] for name, rows in found.items() if name not in ("revenue", "team", "state")}
    assert counts == {
        "late": 2, "costly": 2, "trouble": 2, "ready": 2, "work": 5, "closed": 2, "o'clock": 0, "buyer": 5
    }  # fmt: skip
    assert [len(found[name]) for name in ("revenue", "team", "state")] == [3, 2, 3]


# --- what students read -----------------------------------------------------------------


def items(terms: dict[str, dict[str, Any]], denied: tuple[str, ...] = (), **more: Any) -> dict[str, Item]:
    return {
        item.name: item for item in Tables(database(terms, denied=denied, **more), limits=Limits(denied=denied)).items
    }


def test_terms_are_items() -> None:
    found = items({**TERMS, "work": {"means": "jobs"}, "team": {"means": "crews.name", "also": ["gang"]}})
    assert found["jobs"].called == ("work",)
    assert found["crews.name"].called == ("team", "gang")
    late, revenue = found["jobs.late"], found["jobs.revenue"]
    assert late.called == ("late", "overdue", "behind schedule")
    assert (late.kind, revenue.kind) == ("boolean", "number")
    assert set(late.made_of) == {"jobs.finished_on", "jobs.promised_on"}
    assert set(found["jobs.trouble"].made_of) == {*late.made_of, "jobs.qty", "jobs.price"}
    assert late.needs == found["jobs.qty"].needs
    assert "tax" in revenue.description
    assert found["jobs.qty"].made_of == ()


def test_terms_of_denied_columns_are_no_items() -> None:
    found = items({**TERMS, "cost": {"means": "jobs.price"}}, denied=("jobs.price",))
    assert {"jobs.price", "jobs.revenue", "jobs.costly", "jobs.trouble"}.isdisjoint(found)
    assert "jobs.late" in found
    assert not any("cost" in item.called for item in found.values())
    whole_table = items(TERMS, denied=("jobs",))
    assert not any(name.startswith("jobs.") for name in whole_table)


@pytest.mark.parametrize(
    ("denied", "term"),
    [
        ("my.jobs", {"means": "my.jobs"}),
        ("my.jobs", {"means": "my.jobs.pay"}),
        ("my.jobs.pay", {"means": "pay"}),
        ("my.jobs", {"condition": "pay > 3"}),
        ("my.jobs.pay", {"measure": "pay * 2"}),
    ],
)
def test_terms_of_a_denied_table_with_a_point_in_its_name_are_hidden(denied: str, term: dict[str, Any]) -> None:
    schema = SqlSchema.read('CREATE TABLE "my.jobs" (pay INTEGER, place VARCHAR)', "sqlite")
    made = Database(name="works", schema=schema)
    hidden, shown = (with_terms(made, glossary(x=term), Limits(denied=names)) for names in ((denied,), ()))
    assert hidden.terms
    assert not hidden.terms.glossary.terms
    assert shown.terms
    assert '"my.jobs"' in probe(shown.terms.glossary.terms[0], shown)


@pytest.mark.parametrize(
    "term",
    [{"means": "jobs.pay"}, {"means": "pay"}, {"measure": "Pay * 2"}, {"condition": "pay > qty"}, {"means": "wages"}],
)
def test_terms_of_what_a_server_hides_are_hidden(term: dict[str, Any]) -> None:
    """The schema that was read from a server has no denied columns."""
    terms = {"x": term, "y": {"condition": "x > 3"}, "late": {"condition": LATE}}
    known = database(terms, denied=("jobs.pay", "wages")).terms
    assert known is not None
    assert [shown.name for shown in known.glossary.terms] == ["late"]
    with pytest.raises(DataError, match="there is no"):
        database({"x": {"means": "payment"}}, denied=("jobs.pay", "wages"))


def test_definitions_do_not_grow_without_end() -> None:
    terms: dict[str, dict[str, Any]] = {"t0": {"condition": "qty > 1"}}
    for number in range(1, 20):
        terms[f"t{number}"] = {"condition": f"t{number - 1} OR t{number - 1}"}
    with pytest.raises(DataError, match="parts, with those of other terms") as raised:
        database(terms)
    assert "[t" in str(raised.value.where)


@pytest.mark.parametrize(
    ("term", "wrong"),
    [
        ({"means": "jobs", "value": "Sam"}, "is a table, which has no value"),
        ({"measure": "status", "of": "jobs"}, "'status' is TEXT, and a measure is a number"),
        ({"join": "jobs.status = crews.id"}, "'status' is TEXT, and 'id' is INTEGER"),
    ],
)
def test_terms_without_sense_are_named(term: dict[str, Any], wrong: str) -> None:
    with pytest.raises(DataError, match=wrong):
        database({"x": term})


def test_a_known_value_has_other_names() -> None:
    terms = {
        "finished": {"means": "jobs.status", "value": "done", "also": ["closed"]},
        "lost": {"means": "jobs.status", "value": "gone"},  # a value that was not known
    }
    known = Values.read({"jobs.status": ["done", "open"]})
    values = items(terms, values=known)["jobs.status"].values
    assert [same_value(text, values) for text in ("finished", "Closed", "done", "LOST", "open")] == [
        "done", "done", "done", "gone", "open",
    ]  # fmt: skip
    assert same_value("finished", items({}, values=known)["jobs.status"].values) is None


def test_words_of_a_term_link_to_it_and_to_nothing_else() -> None:
    schema = Tables(database(TERMS), limits=Limits())
    numbers = {item.name: number for number, item in enumerate(schema.items)}
    reading = read("jobs of a status that are behind schedule", schema)
    late = {place: kind for (place, item), kind in reading.links.items() if item == numbers["jobs.late"]}
    assert {reading.words[place].text: kind for place, kind in late.items()} == {
        "jobs": "above", "behind": "name", "schedule": "name",
    }  # fmt: skip
    linked = {reading.words[place].text for place, item in reading.links if item != numbers["jobs.late"]}
    assert linked.isdisjoint({"behind", "schedule"})


def test_a_join_of_the_glossary_is_a_reference() -> None:
    made = database({"buyer": {"join": "jobs.crew_id = crews.id"}})
    (reference,) = made.schema.references
    assert (reference.table, reference.columns, reference.to, reference.to_columns) == (
        "jobs", ("crew_id",), "crews", ("id",)
    )  # fmt: skip
    assert database({}).schema.references == ()


# --- the task ---------------------------------------------------------------------------

WORDS = """
[late]
of = "jobs"
condition = "finished_on > promised_on"
also = ["overdue"]

[team]
means = "crews.name"

[finished]
means = "jobs.status"
value = "done"
"""
EXAMPLE = Example(id="1", question="how many overdue jobs are there?", context={"db": "works"})


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., Sql]:
    def made(words: str = WORDS, **more: Any) -> Sql:
        (tmp_path / "schema.sql").write_text(DDL)
        file = tmp_path / f"glossary{len(words)}.toml"
        file.write_text(words)
        files = {"schema": str(tmp_path / "schema.sql"), "glossary": str(file)}
        return Sql(Settings(**{"db": "works", "dialect": "sqlite", **files, **more}))

    return made


def test_a_task_has_the_terms_of_its_glossary(task: Callable[..., Sql]) -> None:
    of = TermsOfTask.of(task())
    terms = of.glossary(EXAMPLE)
    assert [term.name for term in terms.terms] == ["late", "team", "finished"]
    assert list(map(str, terms.named(EXAMPLE.question))) == ["late = finished_on > promised_on"]
    assert [of.probe(EXAMPLE, term) for term in terms.terms] == [
        "SELECT COUNT(*) FROM jobs WHERE finished_on > promised_on",
        "SELECT name FROM crews LIMIT 3",
        "SELECT COUNT(*) FROM jobs WHERE status = 'done'",
    ]
    elsewhere = Example(id="1", question="?", context={"db": "elsewhere"})
    assert not of.glossary(elsewhere)
    assert of.probe(elsewhere, terms.terms[0]) == ""


@pytest.mark.parametrize(
    ("denied", "hidden"),
    [((), set()), (("jobs.finished_on",), {"late"}), (("crews",), {"team"}), (("jobs.status",), {"finished"})],
)
def test_probes_of_the_terms_that_all_may_read_pass_the_checks(
    task: Callable[..., Sql], denied: tuple[str, ...], hidden: set[str]
) -> None:
    made = task(guard=Limits(denied=denied))
    of = TermsOfTask.of(made)
    terms = of.glossary(EXAMPLE).terms
    assert {term.name for term in terms} == {"late", "team", "finished"} - hidden
    for term in terms:
        assert not [p for p in find_problems(made, EXAMPLE, Draft(answer=of.probe(EXAMPLE, term))) if p.is_error]


def test_teachers_read_the_terms(task: Callable[..., Sql]) -> None:
    message = task().prompt(EXAMPLE, []).messages[-1].content
    assert "late (also overdue) means finished_on > promised_on" in message
    assert "finished means jobs.status = done" in message
    assert "late BOOLEAN" not in message  # the schema has only real columns


def test_without_a_glossary_nothing_changes(task: Callable[..., Sql]) -> None:
    plain, empty = task(glossary=""), task("")
    for made in (plain, empty):
        assert not TermsOfTask.of(made).glossary(EXAMPLE)
        assert made.prompt(EXAMPLE, []).messages == plain.prompt(EXAMPLE, []).messages
        assert "Here " not in made.prompt(EXAMPLE, []).messages[-1].content
        database_ = made.database(EXAMPLE)
        assert database_ is not None
        assert database_.terms is None
        assert not any(item.called or item.made_of for item in Tables(database_, limits=Limits()).items)
    assert task().model_input(EXAMPLE).count("late") == plain.model_input(EXAMPLE).count("late")


def test_computed_columns_are_not_shown_as_columns_of_the_data(task: Callable[..., Sql]) -> None:
    shown = Presentation.of(task()).relevant_schema(EXAMPLE, "SELECT id FROM jobs")
    assert not any("late" in name for name, _ in (*shown.used, *shown.rest))


def test_terms_of_denied_columns_are_hidden(task: Callable[..., Sql]) -> None:
    made = task(guard=Limits(denied=("crews.name", "jobs.status")))
    shown = made.prompt(EXAMPLE, []).messages[-1].content
    assert [term.name for term in TermsOfTask.of(made).glossary(EXAMPLE).terms] == ["late"]
    assert "team" not in shown
    assert "done" not in shown


def test_values_of_denied_columns_stay_hidden(task: Callable[..., Sql]) -> None:
    made = task(guard=Limits(denied=("jobs.status",))).database(EXAMPLE)
    assert made is not None
    assert made.values.get("jobs.status") is None


def test_a_bad_glossary_ends_the_reading_of_the_data(task: Callable[..., Sql]) -> None:
    with pytest.raises(DataError, match="no column 'finishd_on'") as raised:
        TermsOfTask.of(task('[late]\ncondition = "finishd_on > promised_on"')).glossary(EXAMPLE)
    assert raised.value.where.endswith(".toml, [late]")


# --- the base student -------------------------------------------------------------------

BASE_WORDS = """
[late]
condition = "finished_on > promised_on"
also = ["overdue", "behind schedule"]

[turnover]
measure = "qty * price"

[finished]
means = "jobs.status"
value = "done"

[worksite]
means = "jobs.city"
"""


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Predictor]:
    folder: Path = tmp_path_factory.mktemp("works")
    with closing(sqlite3.connect(folder / "works.db")) as connection:
        connection.execute(
            "CREATE TABLE jobs (id INTEGER PRIMARY KEY, city TEXT, status TEXT, promised_on DATE, finished_on DATE, "
            "qty INTEGER, price INTEGER)"
        )
        cities = ["Oslo", "Bergen", "Oslo", "Bergen", "Oslo"]
        rows = [(id, city, status, *rest) for (id, _, status, *rest), city in zip(JOBS, cities, strict=True)]
        connection.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    (folder / "glossary.toml").write_text(BASE_WORDS)
    plugins = load()
    flags: dict[str, object] = {
        "project.task": "sql",
        "train.student": "base:sql",
        "train.objective": "label-only",
        "engine.url": f"sqlite:///{folder / 'works.db'}",
        "task.sql.glossary": str(folder / "glossary.toml"),
    }

    def setup(**more: object) -> Setup:
        sections = part_sections(plugins)
        return Setup(plugins, configuration.load(use_files=False, flags={**flags, **more}, sections=sections))

    with live_data.kept(live_data.describe(setup())) as settings:
        run = live_data.from_base("works", setup(**settings))
        with Predictor(run, execute=True, memory=Memory(run.task, folder / "feedback.jsonl")) as made:
            yield made


def ask(predictor: Predictor, question: str) -> PredictedAnswer:
    (answered,) = predictor.answer([predictor.example(question)])
    return answered


def rows(answered: PredictedAnswer) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in answered.result["rows"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "found", "told"),
    [
        ("how many jobs are late?", [(2,)], ("late = finished_on > promised_on",)),
        ("How many overdue jobs are there?", [(2,)], ("late = finished_on > promised_on",)),
        ("how many jobs are behind schedule?", [(2,)], ("late = finished_on > promised_on",)),
        ("what is the total turnover of the jobs?", [(74.5,)], ("turnover = qty * price",)),
        ("how many jobs are finished?", [(2,)], ("finished = jobs.status = done",)),
        ("how many jobs per worksite?", [("Bergen", 2), ("Oslo", 3)], ("worksite = jobs.city",)),
        ("how many jobs are there?", [(5,)], ()),
    ],
)
def test_the_base_student_knows_the_terms(
    predictor: Predictor, question: str, found: list[Any], told: tuple[str, ...]
) -> None:
    answered = ask(predictor, question)
    assert answered.ok, answered.reason
    assert sorted(rows(answered)) == found
    assert answered.glossary == told
    assert "late" not in answered.answer
    assert "turnover" not in answered.answer
    assert not [problem.message for problem in answered.problems]


@pytest.mark.slow
def test_a_confirmed_answer_is_given_again_and_for_another_value(predictor: Predictor) -> None:
    memory = predictor.memory
    assert memory is not None
    example = predictor.example("figures of the Oslo jobs")
    confirmed = predictor.checked(example, "SELECT id, qty FROM jobs WHERE city = 'Oslo' ORDER BY id")
    memory.append(confirmed, "right", None, model="base", data=data_of(predictor.setup.task, example))
    same, other, unlike = (
        ask(predictor, question)
        for question in ("Figures of the OSLO jobs?", "figures of the bergen jobs", "how many jobs are late in Oslo?")
    )
    assert (same.answered_by, rows(same)) == ("memory", [(1, 2), (3, 9), (5, 7)])
    assert (other.answered_by, rows(other)) == ("memory", [(2, 3), (4, 1)])
    assert unlike.answered_by == "student"
