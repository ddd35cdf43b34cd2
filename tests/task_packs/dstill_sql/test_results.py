"""What `results.same` promises for any results, and what `running` reads to keep it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sql_trips import ROWS, example, executor, run

from dstill.api.records import OutcomeKind
from dstill_sql.engines.running import MOST_ROWS
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.results.compare import cell, is_empty, is_nondeterministic, same, tied

BOTH = pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.1, 0.30000000000000004, 0.3, 2.5, 1e308, -0.0, 2.0**60, 10**400]),
    st.sampled_from(["", "a", "A", "1", "01", "2024-05-01", "2024-05-01 00:00:00", "2024-05-01T00:00:00Z", "nan"]),
)
ODD = st.recursive(
    st.one_of(CELLS, st.floats(), st.text(max_size=3), st.binary(max_size=2), st.dates(), st.decimals(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=2), inner, max_size=2)),
    max_leaves=4,
)


def result(rows: list[list[Any]], keys: list[list[Any]] | None = None, **more: Any) -> dict[str, Any]:
    width = len(rows[0]) if rows else 1
    names = [f"c{place}" for place in range(width)]
    return {"columns": names, "rows": rows, "keys": keys, "pool": [], "before": [], "ordered": keys is not None, **more}


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[Any] = CELLS) -> list[list[Any]]:
    width = draw(st.integers(1, 4))
    return draw(st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6))


@given(tables(), st.randoms())
def test_order_of_rows_and_columns_does_not_count(rows: list[list[Any]], random: Any) -> None:
    order = list(range(len(rows[0])))
    random.shuffle(order)
    other = [[row[place] for place in order] for row in rows]
    random.shuffle(other)
    assert same(result(rows), result(rows))
    assert same(result(other), result(rows))
    assert same(result(rows), result(other))


@given(tables(st.integers(0, 1)), tables(st.integers(0, 1)))
def test_is_symmetric_without_an_order(one: list[list[Any]], other: list[list[Any]]) -> None:
    assert same(result(one), result(other)) == same(result(other), result(one))


@given(tables(), st.integers(0, 5))
def test_a_row_more_or_less_counts(rows: list[list[Any]], place: int) -> None:
    more = [*rows, rows[place % len(rows)]]
    assert not same(result(more), result(rows))
    assert not same(result(rows), result(more))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=7).map(sorted), st.randoms())
def test_rows_that_tie_come_in_any_order(keys: list[int], random: Any) -> None:
    rows = [[key, place] for place, key in enumerate(keys)]
    want = result([[place] for _, place in rows], [[key] for key in keys])
    shuffled = sorted(rows, key=lambda row: (row[0], random.random()))
    assert same(result([[place] for _, place in shuffled], [[key] for key, _ in shuffled]), want)
    if len(set(keys)) > 1:
        backwards = [[place] for _, place in reversed(rows)]
        assert not same(result(backwards, [[key] for key in reversed(keys)]), want)
        assert not same(result([[place] for _, place in rows]), want), "an order that no engine promises"


@given(st.lists(st.integers(0, 2), min_size=2, max_size=8).map(sorted), st.data())
def test_a_page_may_have_any_rows_that_tie(keys: list[int], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(keys) - 1))
    end = data.draw(st.integers(start + 1, len(keys)))
    rows = list(enumerate(keys))
    want = result(
        [[place] for place, _ in rows[start:end]],
        [[key] for key in keys[start:end]],
        pool=[[place] for place, key in rows[end:] if key == keys[end - 1]],
        before=[[place] for place, key in rows[:start] if key == keys[start]],
    )
    turned = sorted(rows, key=lambda row: (row[1], data.draw(st.integers(0, 9))))[start:end]
    assert same(result([[place] for place, _ in turned], [[key] for _, key in turned]), want)


@given(ODD, ODD)
@hypothesis.example(Decimal("sNaN"), None)
def test_never_raises(one: Any, other: Any) -> None:
    assert isinstance(same(one, other), bool)
    got, want = result([[one, other]], [[one]]), result([[other, one]], [[other]], pool=[[one, one]])
    assert isinstance(same(got, want), bool)
    assert same(got, got)
    for broken in ({**want, "rows": one}, {**want, "keys": one}, {**want, "pool": other}, {**want, "columns": one}):
        assert isinstance(same(got, broken), bool)
        assert isinstance(same(broken, want), bool)
    assert isinstance(cell(one), (str, int, float, list, dict, type(None)))


EQUAL = [
    (1, 1.0), (1, True), (0.1 + 0.2, 0.3), (1 / 3, 0.333333333333), (0.1 + 0.2 - 0.3, 0), (10**16, 1e16),
    ("2024-05-01", "2024-05-01 00:00:00"), ("2024-05-01T10:00:00Z", "2024-05-01 10:00:00.000"), (2019, "2019"),
    ("2024-05-01 10:00", "2024-05-01 10:00:00+00:00"),
]  # fmt: skip
UNEQUAL = [
    (0, None), ("", None), (0.333, 1 / 3), (12345678.91, 12345679.13), (2460000.5, 2460000.6), (7, "007"), (1.5, "1.5"),
    ("a", "A"), ("2024-05-01", "2024-05-01 00:00:01"), ("2024-05", "2024-05-01"), (10**17, 10**17 + 1), (1, "1.0"),
    ("x 00:00:00", "x"), (-1, 1), (float(2**53) * 4, 2**53),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_are_equal(one: Any, other: Any) -> None:
    assert same(result([[one]]), result([[other]]))
    assert same(result([[other]]), result([[one]]))


@pytest.mark.parametrize(("one", "other"), UNEQUAL)
def test_are_not_equal(one: Any, other: Any) -> None:
    assert not same(result([[one]]), result([[other]]))
    assert not same(result([[other]]), result([[one]]))


def test_cells_are_json() -> None:
    tz = timezone(timedelta(hours=2))
    values = [
        (Decimal("2.50"), 2.5), (Decimal("3"), 3), (Decimal("NaN"), "NaN"), (float("inf"), "inf"), (b"\x01", "01"),
        (date(2024, 5, 1), "2024-05-01"), (datetime(2024, 5, 1, 2, tzinfo=tz), "2024-05-01 00:00:00"),
        (time(9, 30), "09:30:00"), (timedelta(days=30, microseconds=1), "2592000.000001 s"), ([1], "[1]"),
        (datetime(2024, 5, 1, tzinfo=UTC), "2024-05-01 00:00:00"), (10**30, 10**30),
    ]  # fmt: skip
    assert [cell(value) for value, _ in values] == [wanted for _, wanted in values]


def test_sort_keys_tie_within_what_adding_up_may_differ() -> None:
    assert tied([0.1 + 0.2, "a"], [0.3, "a"])
    assert not tied([0.3001, "a"], [0.3, "a"])
    assert not tied([None], [0])


def test_columns_with_equal_bags_are_paired_by_their_rows() -> None:
    width = 9
    rows = [[(row * column + row) % 7 for column in range(width)] for row in range(7)]
    turned = [list(reversed(row)) for row in rows]
    assert same(result(turned), result(rows))
    broken = [*turned[:-2], [*turned[-2][:-1], turned[-1][-1]], [*turned[-1][:-1], turned[-2][-1]]]
    assert not same(result(broken), result(rows))


def test_all_rows_that_tie_are_as_good_as_some() -> None:
    want = result([["Ann"]], [[4.9]], pool=[["Cid"]])
    assert same(result([["Ann"], ["Cid"]]), want)
    assert not same(result([["Ann"], ["Bob"]]), want)
    assert not same(result([["Ann"], ["Cid"]]), result([["Ann"]], pool=[["Cid"]])), "LIMIT without ORDER BY"


def test_what_a_result_shows() -> None:
    assert is_empty(result([]))
    assert is_empty(result([[None, 0]]))
    assert not is_empty(result([[0], [0]]))
    assert is_nondeterministic(result([["Ann"]], [[4.9]], pool=[["Cid"]]))
    assert not is_nondeterministic(result([["Ann"]], [[4.9]], pool=[["Ann"]]))
    assert is_nondeterministic(result([["Ann"]], [[4.9]], before=[["Cid"]]))


# --- sort keys of queries ---------------------------------------------------------------

KEYS = [
    ("SELECT name FROM drivers WHERE rating > 4 ORDER BY rating DESC, id", [[4.9, 1], [4.9, 3], [4.5, 2], [4.1, 5]]),
    ("SELECT * FROM drivers WHERE rating > 4 ORDER BY rating, id", [[4.1, 5], [4.5, 2], [4.9, 1], [4.9, 3]]),
    ("SELECT name, id FROM drivers WHERE id < 3 ORDER BY 2 DESC", [[2], [1]]),
    ("SELECT id, -id AS turned FROM drivers WHERE id < 3 ORDER BY turned + 1", [[-1], [0]]),
    ("SELECT DISTINCT city FROM drivers WHERE city IS NOT NULL ORDER BY LENGTH(city) DESC", [[6], [4]]),
    ("SELECT city, COUNT(*) FROM drivers WHERE id <> 5 GROUP BY city ORDER BY MAX(id)", [[2], [3], [4]]),
    ("SELECT name FROM drivers WHERE id < 3 UNION SELECT rider FROM trips ORDER BY 1 LIMIT 2", [["Ann"], ["Bob"]]),
    ("SELECT DISTINCT city FROM drivers WHERE id < 3 ORDER BY id", [[0], [1]]),  # its own order
    ("SELECT name FROM drivers WHERE id < 3", None),
]


@BOTH
@pytest.mark.parametrize(("query", "keys"), KEYS)
def test_keys(query: str, keys: Any, dialect: Dialect) -> None:
    found = run(query, dialect)
    assert found["keys"] == keys
    assert all(len(row) == len(found["columns"]) for row in found["rows"])
    assert not any(name.startswith("sort_key") for name in found["columns"])


@BOTH
def test_a_page_has_the_rows_that_tie_around_it(dialect: Dialect) -> None:
    found = run("SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC LIMIT 1 OFFSET 1", dialect)
    assert sorted([*found["rows"], *found["before"]]) == [["Ann"], ["Cid"]]
    assert run("SELECT name FROM drivers ORDER BY id LIMIT 1 OFFSET 9", dialect)["rows"] == []
    assert run("SELECT name FROM drivers ORDER BY id LIMIT 0", dialect)["rows"] == []
    assert len(run("SELECT name FROM drivers LIMIT 2", dialect)["pool"]) == 3


@BOTH
def test_many_ties_are_all_read(dialect: Dialect) -> None:
    rows = {**ROWS, "trips": [[n, 1, f"r{n}", 1.0, 1, 1, None] for n in range(2_500)]}
    found = run("SELECT rider FROM trips ORDER BY fare LIMIT 1", dialect, rows)
    assert len(found["pool"]) == 2_499


@BOTH
def test_too_many_rows_are_the_answer_s_fault(dialect: Dialect) -> None:
    rows = {**ROWS, "trips": [[n, 1, "r", 1.0, 1, 1, None] for n in range(150)]}
    query = "SELECT a.id FROM trips AS a JOIN trips AS b ON a.seats = b.seats"
    outcome = executor(dialect).run(query, example(query, rows))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, f"the result has more than {MOST_ROWS:,} rows")
