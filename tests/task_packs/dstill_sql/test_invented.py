"""Invented databases and the stream of questions about them."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from random import Random

import pytest

from dstill.api import find_problems
from dstill.api.engine import Engine
from dstill.api.records import Draft, Example, OutcomeKind
from dstill.synthesis.domains.definitions import domains
from dstill.synthesis.domains.naming import Style
from dstill_sql import bundle
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.form.sql_form import SqlForm
from dstill_sql.language import refusals
from dstill_sql.language.database.database import Rows
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import read as read_query
from dstill_sql.pack import Sql
from dstill_sql.questions.formal import formal
from dstill_sql.questions.formal.subject import subject_of
from dstill_sql.questions.invented_schemas.schemas import invent
from dstill_sql.questions.invented_schemas.stream import invented_database, stream
from dstill_sql.questions.references import references_of
from dstill_sql.settings import Settings

NOW = datetime(2024, 6, 18, 12)


def test_no_domain_is_that_of_a_held_out_database() -> None:
    assert len(domains()) >= 60
    nouns = {table.noun for domain in domains().values() for table in domain.entities}
    assert not nouns & {"flight", "airport", "airline", "plane", "festival", "band", "stage", "gig"}
    assert not set(domains()) & set(bundle.NAMES)


@pytest.mark.parametrize("seed", range(4))
def test_a_database_of_any_style_loads(seed: int) -> None:
    random = Random(seed)
    executor = DuckDb(DuckDbSettings())
    for name in random.sample(sorted(domains()), 3):
        made = invent(domains()[name], Style.draw(random), seed, now=NOW, size=15)
        data = made.database.data
        assert isinstance(data, Rows)
        table = made.database.schema.tables[-1]
        outcome = executor.run_on(_all_of(table.name), data)
        assert len(outcome.value["rows"]) == len(data.read()[table.name])
        assert set(made.lexicon.tables) == {one.name for one in made.database.schema.tables}
    executor.close()


def _all_of(table: str):  # type: ignore[no-untyped-def]
    from sqlglot import exp

    return exp.select("*").from_(exp.Table(this=exp.to_identifier(table, quoted=True)))


def test_the_stream_is_endless_and_repeats_for_a_seed() -> None:
    first = list(islice(stream(5), 40))
    assert [one.example for one in islice(stream(5), 40)] == [one.example for one in first]
    assert [one.example.question for one in islice(stream(6), 40)] != [one.example.question for one in first]
    assert len({one.database.name for one in first}) > 8


def test_answers_of_the_stream_are_valid_and_run() -> None:
    task, executor = Sql(Settings()), DuckDb(DuckDbSettings())
    executor.open(task, Engine())
    for one in islice(stream(9), 25):
        answer = one.example.answer or ""
        assert not list(find_problems(task, one.example, Draft(answer=answer))), f"{one.example.question}\n{answer}"
        if refusals.read(answer) is None:
            data = one.database.data
            assert isinstance(data, Rows)
            assert executor.run_on(read_query(answer, "duckdb"), data).kind is OutcomeKind.OK
    executor.close()


def test_formal_questions_are_valid_and_come_back_in_the_linked_form() -> None:
    task, executor, random = Sql(Settings()), DuckDb(DuckDbSettings()), Random(3)
    executor.open(task, Engine())
    for _ in range(4):
        made, _ = invented_database(random, "duckdb")
        data = made.database.data
        assert isinstance(data, Rows)
        form = SqlForm(lambda _, database=made.database: database, Limits(), references_of)  # type: ignore[misc]
        about = subject_of(made.database, made.lexicon, made.references)
        context = {"db": "x", "schema": made.database.schema.ddl(), "values": made.database.values.to_json()}
        for _ in range(15):
            question, answer = formal(about, made.database.schema, random)
            example = Example(id="", question=question, answer=answer, context=context)
            assert not list(find_problems(task, example, Draft(answer=answer))), f"{question}\n{answer}"
            reading = form.read(example)
            assert task.canonical(form.decode(form.encode(answer, reading), reading)) == task.canonical(answer)
            assert executor.run_on(read_query(answer, "duckdb"), data).kind is OutcomeKind.OK
    executor.close()
