"""Results that a person takes for the answer, and those that are another one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.sql_trips import ROWS, Tables, example, executor, run, task

from dstill.api.judging import judge
from dstill.api.records import Draft, Verdict
from dstill_sql.language.results.accepting import accepts

BEST = "SELECT name FROM drivers WHERE rating = (SELECT MAX(rating) FROM drivers)"
SORTED = "SELECT name FROM drivers ORDER BY name"
TWO = "SELECT name FROM drivers ORDER BY name LIMIT 2"
RIDERS = "SELECT rider FROM trips"


@pytest.mark.parametrize(
    ("question", "gold", "answer", "accepted"),
    [
        ("Who drives?", "SELECT name FROM drivers", "SELECT id, name, city FROM drivers", True),
        ("Who drives?", "SELECT name FROM drivers", "SELECT id, city FROM drivers", False),  # another column
        ("Name and city?", "SELECT name, city FROM drivers", "SELECT name FROM drivers", False),  # one is missing
        ("How many?", "SELECT COUNT(*) FROM drivers", "SELECT COUNT(*), MAX(id) FROM trips", False),
        ("Seats and fares?", "SELECT seats, fare FROM trips", "SELECT id, fare, seats FROM trips", True),
        ("The best driver?", BEST, "SELECT name FROM drivers ORDER BY rating DESC LIMIT 1", True),  # of two
        ("The best driver?", BEST, "SELECT name FROM drivers ORDER BY rating LIMIT 1", False),
        ("The best driver?", BEST, "SELECT MAX(rating) FROM drivers", False),  # the value in place of who has it
        # only where the extreme is asked for
        ("Who is in Oslo?", "SELECT name FROM drivers WHERE city = 'Oslo'",
         "SELECT name FROM drivers WHERE city = 'Oslo' ORDER BY city LIMIT 1", False),
        ("Who rode?", RIDERS, f"{RIDERS} GROUP BY rider", True),
        ("Who rode?", f"{RIDERS} GROUP BY rider", RIDERS, True),
        ("Which different people rode?", f"{RIDERS} GROUP BY rider", RIDERS, False),
        ("Who rode, for each trip?", RIDERS, f"{RIDERS} GROUP BY rider", False),
        ("Who rode?", RIDERS, f"{RIDERS} WHERE id < 6", False),  # both repeat, and differ
        ("Who drives, by name?", SORTED, "SELECT name FROM drivers", False),
        ("The first two drivers?", TWO, f"SELECT name FROM ({TWO}) AS t ORDER BY name DESC", True),
        ("Sort the first two drivers.", TWO, f"SELECT name FROM ({TWO}) AS t ORDER BY name DESC", False),
        ("When did Eli join?", "SELECT joined FROM drivers WHERE name = 'Eli'",
         "SELECT MIN(joined) FROM drivers WHERE name = 'Eli'", True),  # nothing is nothing
        ("How many trips has Eli?", "SELECT id FROM trips WHERE rider = 'Eli'",
         "SELECT COUNT(*) FROM trips WHERE rider = 'Eli'", False),
    ],
)  # fmt: skip
def test_what_a_person_accepts(question: str, gold: str, answer: str, accepted: bool) -> None:
    assert accepts(run(answer, "sqlite"), run(gold, "sqlite"), question, gold, "sqlite") is accepted


@pytest.mark.parametrize("other", [None, {}, {"columns": 3}, {"columns": [], "rows": [[1]], "keys": None, "pool": []}])
def test_what_is_no_result_is_not_accepted(other: object) -> None:
    assert not accepts(other, run(RIDERS, "sqlite"), "?", RIDERS, "sqlite")


# --- what the data never break ------------------------------------------------------------

SCHEMA = "CREATE TABLE stops (id INTEGER PRIMARY KEY, sign TEXT, code TEXT, town TEXT, seats INTEGER);"
STOPS: Tables = {
    "stops": [[1, "a", "OSL", "Oslo", 2], [2, "b", "OSL", "Oslo", 9], [3, "c", "BGO", "Bergen", 4],
              [4, "d", "BGO", "Bergen", 1], [5, "e", "OSL", "Oslo", 7]],
}  # fmt: skip


def verdict(question: str, gold: str, answer: str, rows: Tables = STOPS, schema: str = SCHEMA) -> Verdict:
    asked = replace(example(gold, rows, schema), question=question)
    return judge(task("sqlite"), asked, Draft(answer=answer), executor("sqlite"))


IN_OSLO = "SELECT COUNT(*) FROM stops WHERE code = 'OSL'"
BY_TOWN = "SELECT COUNT(*) FROM stops WHERE town = 'Oslo'"
ALMOST: Tables = {"stops": [*STOPS["stops"], [6, "f", "BGO", "Oslo", 3], [7, "g", "OSL", "Bergen", 3]]}


def test_a_name_stands_for_its_code_if_they_determine_each_other() -> None:
    judged = verdict("How many stops are in Oslo?", IN_OSLO, BY_TOWN)
    assert judged.correct
    assert judged.n_test_databases > 1
    named = verdict("How many stops have the code OSL?", IN_OSLO, BY_TOWN)
    other = verdict("How many stops are in Oslo?", IN_OSLO, BY_TOWN, ALMOST)
    assert not named.correct
    assert "on the test database" in named.reason
    assert not other.correct
    assert "on the test database" in other.reason
    assert not verdict("How many stops are in Oslo?", IN_OSLO, f"{BY_TOWN} AND seats > 1").correct


NONE = "SELECT sign FROM stops WHERE NOT id IN (SELECT seats FROM stops)"
NOT_EXISTS = "SELECT sign FROM stops AS s WHERE NOT EXISTS (SELECT 1 FROM stops AS o WHERE o.seats = s.id)"


def test_no_null_is_made_up_where_the_data_have_none() -> None:
    assert verdict("Which signs?", NONE, NOT_EXISTS).correct
    with_null: Tables = {"stops": [*STOPS["stops"][:-1], [6, "f", "OSL", "Oslo", None]]}
    gold, answer = "SELECT COUNT(*) FROM stops", "SELECT COUNT(seats) FROM stops WHERE seats > 0 OR seats IS NULL"
    assert not verdict("How many stops?", gold, answer, with_null).correct


def test_unique_texts_stay_unique_but_not_those_that_make_groups() -> None:
    one, several = "SELECT seats FROM stops WHERE sign = 'a'", "SELECT MIN(seats) FROM stops WHERE sign = 'a'"
    assert verdict("How many seats has a?", one, several).correct
    total, mean = (f"SELECT sign, {call}(seats) FROM stops GROUP BY sign" for call in ("SUM", "AVG"))
    assert not verdict("Seats of each sign?", total, mean).correct


def test_a_verdict_says_on_which_data_it_differs() -> None:
    assert verdict("How many?", IN_OSLO, "SELECT 1").reason == "ran, with another result than the reference on 'toy'"
    lucky = verdict("How many?", IN_OSLO, "SELECT COUNT(*) FROM stops WHERE code > 'NNN'")
    assert lucky.reason.startswith("another result than the reference on the test database '")


def test_dependencies_are_read_once_and_only_for_test_databases() -> None:
    asked = example(BY_TOWN, STOPS, SCHEMA)
    assert executor("sqlite").context(asked) == {
        "dependencies": {
            "never_null": ["stops.id", "stops.sign", "stops.code", "stops.town", "stops.seats"],
            "unique": ["stops.sign"],
            "together": [{"columns": ["stops.code", "stops.town"], "values": [["OSL", "Oslo"], ["BGO", "Bergen"]]}],
        }
    }
    assert executor("sqlite").context(example("no query", ROWS)) == {"dependencies": {}}
