"""Questions from templates: they are valid, run, differ, and do not leak between splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from support.sizes import first_quick

from dstill import plugins as plugin_loading
from dstill.api import find_problems
from dstill.api.protocols import DataProfile, Synthesis
from dstill.api.records import Draft, Example
from dstill.errors import DataError, UsageError
from dstill.inputs.leakage import duplicates, leaks
from dstill_querydsl.questions.templates import Tally as QueryDslTally
from dstill_sql import bundle
from dstill_sql.language import refusals
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.questions.example_splits import bundled_source
from dstill_sql.questions.generate import questions
from dstill_sql.questions.plan import SHARES, TEMPLATES, mixed
from dstill_sql.questions.tally import Tally
from dstill_sql.settings import Settings

SPLITS = ("train", "validation", "test", "test_unseen_templates", "test_unseen_data")


@pytest.fixture(scope="module")
def task() -> Sql:
    return Sql(Settings(n_questions=200))


@pytest.fixture(scope="module")
def rows(task: Sql) -> list[Example]:
    return [one for split in SPLITS for one in task.examples(split)]


def test_splits_are_in_proportion_and_nothing_leaks(rows: list[Example], task: Sql) -> None:
    sizes = Counter(one.split for one in rows)
    assert sizes["train"] == 200
    assert all(sizes[split] > 1 for split in SPLITS)
    assert len({one.id for one in rows}) == len(rows)
    assert leaks(rows, task, golds=True) == []
    found = duplicates(rows, task.canonical)
    assert not found.same
    assert not found.conflicting


def test_held_out_templates_are_in_one_split(rows: list[Example]) -> None:
    held_out = {one.name for one in TEMPLATES if one.held_out}
    for one in rows:
        assert (one.template in held_out) == (one.split == "test_unseen_templates") or one.split == "test_unseen_data"


def test_mixed_conditions_never_have_what_is_held_out_for_the_ask() -> None:
    random = Random(1)
    for template in TEMPLATES:
        held_out = [Counter(one.conditions) for one in TEMPLATES if one.held_out and one.ask == template.ask]
        made = [mixed(template, random) for _ in range(30)]
        assert {one.ask for one in made} == {template.ask}
        assert len({one.conditions for one in made}) > 15
        assert not any(held <= Counter(one.conditions) for one in made for held in held_out)


def test_training_is_about_other_namings_too(rows: list[Example]) -> None:
    of_training = {str(one.context["db"]) for one in rows if one.split == "train"}
    assert any("/" in name for name in of_training)
    assert {name.partition("/")[0] for name in of_training} == set(bundle.TRAINED)
    assert {one.context["db"] for one in rows if one.split == "test_unseen_data"} <= set(bundle.HELD_OUT)


def test_the_same_seed_gives_the_same_questions() -> None:
    def made(seed: int) -> list[Example]:
        return list(questions([bundled_source("library", "duckdb")], 40, seed, "duckdb", name="again"))

    assert made(1) == made(1)
    assert [one.question for one in made(1)] != [one.question for one in made(2)]


@pytest.mark.parametrize("dialect", first_quick(DIALECTS))
def test_golds_pass_the_checks(dialect: Dialect) -> None:
    task = Sql(Settings(dialect=dialect))
    sources = [bundled_source(name, dialect) for name in ("company", "festival")]
    for one in questions(sources, 70, 3, dialect, name="checked"):
        assert not list(find_problems(task, one, Draft(answer=one.answer or ""))), f"{one.question}\n{one.answer}"


@pytest.mark.slow
def test_rationales_name_what_the_gold_uses(task: Sql, rows: list[Example]) -> None:
    plugins = plugin_loading.load()
    for one in rows:
        draft = Draft(answer=one.answer or "", rationale=one.rationale)
        assert list(plugins.check_draft(task, one, draft)) == [], one


def test_categories_have_their_shares() -> None:
    tally = Tally()
    found = list(questions([bundled_source("shop", "duckdb")], 200, 0, "duckdb", tally=tally, name="shares"))
    for category, share in SHARES.items():
        assert abs(tally.made[category] - 2 * share) <= 3, category
    assert len(found) == len({one.question.lower() for one in found}) == 200
    assert all(one.rationale for one in found)
    assert sum(refusals.read(one.answer or "") is not None for one in found) == tally.made["refusal"]


@pytest.mark.parametrize(("count", "said"), [(1, "1 candidate dropped"), (4, "4 candidates dropped")])
def test_one_candidate_is_not_several(count: int, said: str) -> None:
    """In both packs."""
    made, dropped = Counter(list=96), Counter(vacuous=count)
    assert list(Tally(made=made, dropped=dropped).lines()) == [f"{said}: {count} vacuous"]
    [line] = QueryDslTally(made=made, dropped=dropped).remarks()
    assert line.startswith(f"{said} (")


def test_words_that_are_missing_are_in_the_question() -> None:
    for one in questions([bundled_source("clinic", "duckdb")], 150, 5, "duckdb", name="refused"):
        refusal = refusals.read(one.answer or "")
        assert all(word in one.question.lower() for word in (refusal.missing if refusal else ())), one


def test_focus_makes_questions_of_weak_categories() -> None:
    focus = {"categories": {"having": 3, "nulls": 1}, "templates": {"having/having_count: eq": 3}}
    found = Counter(
        one.category for one in Synthesis.of(Sql(Settings())).synthesize({"db": "shop", "focus": focus}, 40, 0)
    )
    assert set(found) == {"having", "nulls"}
    assert found["having"] > 2 * found["nulls"]


# --- the user's own database --------------------------------------------------------------

OWN = """
CREATE TABLE tblCust (CustID int PRIMARY KEY, FullName varchar(80), Cty varchar(20), DOB date);
CREATE TABLE tblOrd (OrdID int PRIMARY KEY, CustID int REFERENCES tblCust, Amt decimal(10, 2), OrdDt date);
CREATE TABLE blobs (a bytea, g json);
"""
VALUES: Mapping[str, Any] = {
    "tblCust.Cty": ["Oslo", "Lima"],
    "tblOrd.Amt": {"min": 1, "max": 900},
    "tblOrd.OrdDt": {"min": "2023-01-01", "max": "not a date"},
}


@pytest.mark.parametrize("dialect", first_quick(DIALECTS))
def test_a_schema_without_rows_has_questions_with_its_values(dialect: Dialect) -> None:
    task = Sql(Settings(dialect=dialect))
    context = {"db": "mine", "schema": OWN, "values": VALUES}
    found = list(Synthesis.of(task).synthesize(context, 60, 0))
    assert len(found) == 60
    assert any("'Oslo'" in (one.answer or "") for one in found)
    assert any("JOIN" in (one.answer or "") for one in found)
    for one in found:
        assert one.context["schema"] == OWN
        assert not list(find_problems(task, one, Draft(answer=one.answer or ""))), one.answer


def test_references_are_taken_from_names_if_none_are_declared() -> None:
    schema = "CREATE TABLE drivers (id int, name text); CREATE TABLE trips (id int, driver_id int, km int);"
    task = Sql(Settings())
    found = list(Synthesis.of(task).synthesize({"db": "d", "schema": schema}, 80, 0))
    assert any("JOIN drivers ON trips.driver_id = drivers.id" in (one.answer or "") for one in found)
    assert any("are taken from the names of columns" in line for line in Synthesis.of(task).warnings())


@pytest.mark.parametrize(
    "schema", ["", "-- nothing", "CREATE TABLE t (x json)", "CREATE TABLE t (id int PRIMARY KEY)", "not SQL at all ("]
)
def test_a_schema_that_nothing_can_be_asked_about_says_so(schema: str) -> None:
    with pytest.raises(DataError):
        list(Synthesis.of(Sql(Settings())).synthesize({"db": "d", "schema": schema}, 5, 0))


def test_a_wide_schema_has_questions_about_some_tables() -> None:
    schema = "\n".join(f"CREATE TABLE t{n} (id int PRIMARY KEY, name text, amount int);" for n in range(120))
    task = Sql(Settings())
    found = list(Synthesis.of(task).synthesize({"db": "wide", "schema": schema}, 30, 0))
    assert len(found) == 30
    assert any("80 of its 120 tables have no questions" in line for line in Synthesis.of(task).warnings())
    assert any("no references" in line for line in Synthesis.of(task).warnings())


def test_references_in_a_circle_and_names_that_need_quotes_work() -> None:
    schema = """
    CREATE TABLE "order" (id int PRIMARY KEY, "group" text, last_visit int REFERENCES visit (id), "ends on" date);
    CREATE TABLE visit (id int PRIMARY KEY, "order" int REFERENCES "order" (id), cost double, "select" text);
    """
    task = Sql(Settings())
    found = list(Synthesis.of(task).synthesize({"db": "odd", "schema": schema}, 60, 0))
    assert len(found) == 60
    for one in found:
        assert not list(find_problems(task, one, Draft(answer=one.answer or ""))), one.answer


def test_an_unknown_database_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'shop'"):
        list(Sql(Settings(db="shp")).examples("train"))
    with pytest.raises(UsageError, match="not known"):
        list(Synthesis.of(Sql(Settings())).synthesize({"db": "what"}, 5, 0))


def test_unseen_data_is_another_database() -> None:
    examples = Sql(Settings(db="festival", n_questions=60)).examples("test_unseen_data")
    assert {example.context["db"] for example in examples} == {"flights"}


def test_a_brief_describes_the_database() -> None:
    brief = Synthesis.of(Sql(Settings())).question_brief({"db": "shop"})
    assert "online shop" in brief.about
    assert "CREATE TABLE products" in brief.about
    assert set(brief.categories) == set(SHARES) - {"details", "window"}
    bare = Synthesis.of(Sql(Settings())).question_brief({"db": "x", "schema": "CREATE TABLE t (a text)"})
    assert "dates" not in bare.categories
    assert "metric" not in bare.categories
    assert bare.context["schema"] == "CREATE TABLE t (a text)"


@pytest.mark.parametrize("denied", [(), ("Cars.PLATE",), ("cars",)])
def test_values_that_no_query_may_read_are_in_no_brief(denied: tuple[str, ...]) -> None:
    context = {
        "db": "x",
        "schema": "CREATE TABLE cars (plate TEXT, colour TEXT)",
        "values": {"cars.plate": ["OSLO 1"], "cars.colour": ["red"]},
    }
    brief = Synthesis.of(Sql(Settings(guard=Limits(denied=denied)))).question_brief(context)
    assert ("OSLO 1" in brief.about, "cars.plate" in brief.values) == (not denied, not denied)
    assert ("red" in brief.about) == (denied != ("cars",))


def test_licences_of_the_data(rows: list[Example], task: Sql) -> None:
    found = DataProfile.of(task).licences([*rows, Example(id="1", question="?", context={"db": "mine", "schema": OWN})])
    assert found["movies"] == "CC0-1.0"
    assert found["mine"] == "unknown"


def test_students_read_the_schema(task: Sql) -> None:
    shown = task.model_input(Example(id="1", question="rides?", context={"db": "shop"}))
    assert shown.startswith("rides?\n")
    assert "category_id integer > categories" in shown
    wide = "\n".join(f"CREATE TABLE t{n} (a int);" for n in range(99)) + "CREATE TABLE zebras (a int);"
    shown = task.model_input(Example(id="1", question="how many zebras", context={"db": "w", "schema": wide}))
    assert "zebras(a integer)" in shown
    assert "t98(" not in shown
