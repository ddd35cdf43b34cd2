"""Test databases and mutants of a gold that pass the checks of its task.

    suites = Suites(task, task.config)
    suites.databases(example, 5)    [TestDatabase(name="boundaries", data={"schema": "CREATE …", "rows": {…}}), …]
    suites.mutants(example)         [Mutant(name="> → >= in rating > 4", answer="SELECT …"), …]

They depend on the gold, the schema, the known values, and what the data never break (`testdata.dependencies`), which
is in ``example.context["dependencies"]``.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sqlglot.errors import SqlglotError

from dstill.api.gate import Gate
from dstill.api.protocols import NoTestDatabases
from dstill.api.records import Example, Mutant, TestDatabase
from dstill.api.task import Task
from dstill_sql.engines.running import Prepared
from dstill_sql.language import refusals
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.statements import NotOneQuery, read
from dstill_sql.settings import Settings
from dstill_sql.testdata.boundary_values import NOW
from dstill_sql.testdata.choose import Candidate, choose, depends_on_order
from dstill_sql.testdata.dependencies import Partners, keep, partners
from dstill_sql.testdata.edits import Gold
from dstill_sql.testdata.filler import PROFILES, Filler
from dstill_sql.testdata.hints import Hints
from dstill_sql.testdata.mutants import MOST, changes, mutants_of
from dstill_sql.testdata.pools import Pools
from dstill_sql.testdata.small_engine import SmallEngine

__all__ = ["Suites"]

_ROUNDS = 4  # candidates of each profile
_TABLES = 60  # tables that a test database has
_CACHE_SIZE = 512  # golds


class Suites:
    """Mutants and test databases for the examples of a task."""

    def __init__(self, task: Task, config: Settings, database: Callable[[Example], Database | None]) -> None:
        self._gate, self._config, self._database = Gate(task), config, database
        self._made: OrderedDict[str, tuple[list[TestDatabase], str]] = OrderedDict()

    def mutants(self, example: Example) -> list[Mutant]:
        """The mutants of an example's gold. None if its schema is not known, or the checks refuse the gold."""
        gold = self._gold(example)
        if gold is None or self._refused(example.answer or "", example):
            return []
        legal = (mutant for mutant in mutants_of(gold[0]) if not self._refused(mutant.text, example))
        return [Mutant(name=mutant.name, answer=mutant.text) for mutant in islice(legal, MOST)]

    def databases(self, example: Example, k: int) -> list[TestDatabase]:
        """At most `k` test databases of an example's gold. Raises NoTestDatabases if there cannot be any."""
        most = min(k, self._config.test_databases)
        if not most or refusals.read(example.answer or ""):
            return []
        if reason := self._refused(example.answer or "", example):
            raise NoTestDatabases(reason)
        pair = self._gold(example)
        if pair is None:
            raise NoTestDatabases(f"the schema of '{example.context.get('db', '')}' is not known")
        gold, database = pair
        facts = example.context.get("dependencies", {})
        together = list(partners(facts, {place.key for place in gold.names.places(gold.query)}, example.question))
        parts = [example.answer, database.digest, most, facts, [pair[:2] for pair in together]]
        key = hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
        if key not in self._made:
            try:
                self._made[key] = (
                    _made(gold, database, keep(database.schema, facts, gold), together, most, seed=key),
                    "",
                )
            except NoTestDatabases as problem:
                self._made[key] = ([], str(problem))
            while len(self._made) > _CACHE_SIZE:
                self._made.popitem(last=False)
        databases, reason = self._made[key]
        if reason:
            raise NoTestDatabases(reason)
        return databases

    def _gold(self, example: Example) -> tuple[Gold, Database] | None:
        database = self._database(example)
        try:
            query = read(example.answer or "", self._config.dialect)
        except NotOneQuery:
            return None
        return None if database is None else (Gold.of(query, database.schema, database.values), database)

    def _refused(self, answer: str, example: Example) -> str:
        """Why the checks refuse an answer. Empty: they do not."""
        return next((f"not run: {error.layer}: {error.message}" for error in self._gate.errors(answer, example)), "")


def _made(
    gold: Gold, database: Database, keeping: SqlSchema, together: Sequence[Partners], k: int, seed: str
) -> list[TestDatabase]:
    """The test databases. Raises NoTestDatabases."""
    schema, hints = database.schema, Hints.of(gold)
    tables = [table.name for table in gold.names.tables(gold.query)]
    with SmallEngine(schema, Filler.closure_of(schema, tables)) as engine:
        filler = Filler(keeping, hints, Pools(gold, hints, database.now or NOW, engine), together)
        chosen = choose(
            _candidates(filler, tables, hints, seed),
            _from_gold(gold, engine),
            list(_prepared(gold, engine)),
            engine,
            k,
            often=depends_on_order(gold.query),
        )
        shown, text = _shown(schema, tables), schema.ddl()
        return [
            TestDatabase(name=row.name, data={"schema": text, "rows": filler.fill(row.profile, row.seed, shown)})
            for row in chosen
        ]


def _from_gold(gold: Gold, engine: SmallEngine) -> Prepared:
    try:
        return Prepared(gold.query, engine.dialect)
    except NotPrintable as error:
        raise NoTestDatabases(f"the reference cannot run: {error}") from None


def _prepared(gold: Gold, engine: SmallEngine) -> Iterator[Prepared]:
    for change in islice(changes(gold), 2 * MOST):
        try:
            yield Prepared(change.query, engine.dialect)
        except (SqlglotError, NotPrintable):
            continue


def _candidates(filler: Filler, tables: list[str], hints: Hints, seed: str) -> Iterator[Candidate]:
    profiles = [profile for profile in PROFILES if hints.sizes or not profile.sizes]
    for number in range(_ROUNDS):
        for profile in profiles:
            name = profile.name if not number else f"{profile.name} {number + 1}"
            of_candidate = f"{seed}/{name}"
            cells = filler.fill(profile, of_candidate, tables)
            yield Candidate(name=name, profile=profile, seed=of_candidate, cells=cells)


def _shown(schema: SqlSchema, tables: list[str]) -> list[str]:
    """The tables that get rows: all, or those near to the gold's."""
    if len(schema.tables) <= _TABLES:
        return [table.name for table in schema.tables]
    near = [*tables, *(reference.table for reference in schema.references if reference.to in tables)]
    return list(dict.fromkeys(near))[:_TABLES]
