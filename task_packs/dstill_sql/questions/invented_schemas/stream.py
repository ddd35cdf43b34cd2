"""Endless questions about invented databases of many domains: what a base student is trained on.

    for question in stream(seed=0): …
    question.example        with its context: the schema, known values and the time, as for a user's database
    question.database       the same, with rows

A pool of databases is kept, one of which is replaced now and then. Each has another domain, other names and other
values. Golds are not run: they are right by how they are made, and an empty result teaches as much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dstill.api.form import NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Reading
from dstill.synthesis.domains.definitions import Domain, domains
from dstill.synthesis.domains.naming import Style
from dstill_sql.form.sql_form import SqlForm
from dstill_sql.language.database.database import Database, Rows
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.questions.compose import compose
from dstill_sql.questions.draw import Skip
from dstill_sql.questions.entities import View
from dstill_sql.questions.formal import formal
from dstill_sql.questions.formal.subject import subject_of
from dstill_sql.questions.invented_schemas.schemas import Invented, invent
from dstill_sql.questions.plan import SHARES, TEMPLATES, Template, mixed
from dstill_sql.questions.references import references_of

__all__ = ["InventedQuestion", "invented_database", "replay", "stream"]

_POOL = 48  # databases
_INTERVAL = 16  # questions, after which a database is replaced
_TRIES = 8  # rows drawn for one template and database
_FORMAL = 0.55  # share of formal questions in `replay`
_OTHER_CONDITIONS = 0.5  # share of questions that combine the conditions of several templates
_FEWER_TABLES = 0.25  # share of databases that lack some of their domain's tables
_EARLIEST_TIME = datetime(2019, 1, 1, 9)  # the earliest time of a database


@dataclass(frozen=True, kw_only=True)
class InventedQuestion:
    """A question about an invented database."""

    example: Example  # no id, no split
    database: Database


@dataclass(frozen=True, kw_only=True)
class _Pooled:
    view: View
    context: dict[str, Any]


def invented_database(random: Random, dialect: Dialect, number: int = 0) -> tuple[Invented, View]:
    """A database of a random domain, with its view for questions."""
    domain = _some_tables(random.choice(list(domains().values())), random)
    now = _EARLIEST_TIME + timedelta(days=random.randrange(3_000), hours=random.randrange(10))
    invented = invent(
        domain, Style.draw(random), random.randrange(2**32), now=now, size=random.randrange(12, 36), dialect=dialect
    )
    database = replace(invented.database, name=f"{domain.name}-{number}")
    assert isinstance(database.data, Rows)
    view = View.of(database, invented.lexicon, invented.references, database.data.read(), now)
    return replace(invented, database=database), view


def stream(seed: int, dialect: Dialect = "duckdb") -> Iterator[InventedQuestion]:
    """Endless questions. The same seed gives the same questions."""
    random = Random(f"invented {seed}")
    lanes: dict[str, list[Template]] = {}
    for template in TEMPLATES:
        if not template.held_out:
            lanes.setdefault(template.category, []).append(template)
    names = list(lanes)
    weights = [SHARES[name] for name in names]
    pool = [_pooled(random, dialect, number) for number in range(_TRIES)]
    number = 0
    while True:
        template = random.choice(lanes[random.choices(names, weights)[0]])
        if template.conditions and random.random() < _OTHER_CONDITIONS:
            template = mixed(template, random)
        composed = _composed(pool, template, random)
        if composed is None:
            continue
        yield composed
        number += 1
        if len(pool) < _POOL:
            pool.append(_pooled(random, dialect, len(pool)))
        elif number % _INTERVAL == 0:
            pool[number // _INTERVAL % _POOL] = _pooled(random, dialect, number)


def replay(seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
    """Readings of these and of formal questions, and the tokens of their answers, for `dstill.api.form.Form.replay`."""
    random = Random(f"replay {seed}")
    databases: list[Database] = []
    form = SqlForm(lambda _: databases[-1], Limits(), references_of)
    sources = (stream(seed), _formal(random))
    while True:
        question = next(random.choices(sources, (1 - _FORMAL, _FORMAL))[0])
        databases[:] = [question.database]
        reading = form.read(question.example)
        try:
            yield reading, form.encode(question.example.answer or "", reading)
        except NotExpressible:
            continue


def _formal(random: Random) -> Iterator[InventedQuestion]:
    """Formal questions about databases that are used once."""
    while True:
        made, _ = invented_database(random, "duckdb")
        about = subject_of(made.database, made.lexicon, made.references)
        context = _context(made.database)
        for _ in range(_INTERVAL):
            question, answer = formal(about, made.database.schema, random)
            example = Example(id="", question=question, answer=answer, context=context, category="formal")
            yield InventedQuestion(example=example, database=made.database)


def _pooled(random: Random, dialect: Dialect, number: int) -> _Pooled:
    made, view = invented_database(random, dialect, number)
    return _Pooled(view=view, context=_context(made.database))


def _context(database: Database) -> dict[str, Any]:
    return {
        "db": database.name,
        "schema": database.schema.ddl(),
        "values": database.values.to_json(),
        "now": database.now,
    }


def _composed(pool: Sequence[_Pooled], template: Template, random: Random) -> InventedQuestion | None:
    for source in random.sample(pool, min(len(pool), _TRIES)):
        for _ in range(_TRIES):
            try:
                composed = compose(source.view, template, random, source.context)
            except Skip:
                continue
            return InventedQuestion(example=composed.example, database=source.view.database)
    return None


def _some_tables(domain: Domain, random: Random) -> Domain:
    """The domain, at times without tables that no other refers to, and without some columns."""
    tables = list(domain.entities)
    if random.random() < _FEWER_TABLES:
        for table in reversed(domain.entities):
            referred = any(
                relation.to == table.noun for other in tables if other is not table for relation in other.relations
            )
            if not referred and len(tables) > 2 and random.random() < 0.5:
                tables.remove(table)
    return replace(
        domain,
        entities=tuple(
            replace(
                table,
                attributes=tuple(c for c in table.attributes if c.words in ("name", "title") or random.random() < 0.88),
            )
            for table in tables
        ),
    )
