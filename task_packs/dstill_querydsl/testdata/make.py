"""Make the test databases of a gold, and cache them in memory and on disk.

    DatabaseMaker(same, empty).databases(gold, schema, layout, mutants, refused, k=5, keeper)
    → [TestDatabase(name="boundaries", data={"documents": [["c00", {…}], …], "now": "2025-03-27T12:00:00Z", …}), …]

They depend on the gold's body, the mapping with its settings and ``now``, the rules for mutants, the version of the
pack, and what the documents of the index never break (`testdata.dependencies`). They do not have fields that the
embedded engine cannot index (`engines.unsupported_fields`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dstill.api.protocols import NoTestDatabases
from dstill.api.records import Mutant, TestDatabase
from dstill.errors import DataError, DstillError, MissingExtra, ServiceError
from dstill_querydsl.testdata import cache, instants
from dstill_querydsl.testdata.choose import Choice, choose
from dstill_querydsl.testdata.dependencies import Keeper
from dstill_querydsl.testdata.documents import candidates
from dstill_querydsl.testdata.embedded_runner import Refused, shared_runner
from dstill_querydsl.testdata.layout import Layout

__all__ = ["DatabaseMaker", "IndexSchema"]

NOW = "2025-06-18T12:00:00Z"  # for an index without `now`
IN_MEMORY = 512  # golds


@dataclass(frozen=True, kw_only=True)
class IndexSchema:
    """The index that a test database replaces, without its documents."""

    mapping: Mapping[str, Any]
    settings: Mapping[str, Any]
    now: str = ""  # ISO, UTC

    @property
    def digest(self) -> str:
        """SHA-256 of all fields."""
        content = [self.mapping, self.settings, self.now]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class DatabaseMaker:
    """Makes test databases. `rules` is the text of all settings that decide which mutants are legal."""

    def __init__(self, same: Callable[[Any, Any], bool], empty: Callable[[Any], bool], rules: str = "") -> None:
        self._same, self._empty, self._rules = same, empty, rules
        self._known: dict[str, tuple[list[TestDatabase], str]] = {}

    def databases(
        self,
        gold: Mapping[str, Any],
        schema: IndexSchema,
        layout: Layout,
        mutants: Callable[[], Iterable[Mutant]],
        refused: Refused,
        k: int,
        keeper: Keeper,
    ) -> list[TestDatabase]:
        """At most `k` test databases. Raises NoTestDatabases if the embedded engine cannot run the gold faithfully."""
        content = json.dumps([gold, schema.digest, k, self._rules, cache.version(), keeper.content])
        key = hashlib.sha256(content.encode()).hexdigest()
        if key not in self._known:
            if len(self._known) >= IN_MEMORY:
                del self._known[next(iter(self._known))]
            self._known[key] = self._read(key, schema) or self._make(
                key, gold, schema, layout, mutants(), refused, k, keeper
            )
        databases, reason = self._known[key]
        if reason:
            raise NoTestDatabases(reason)
        return databases

    def _read(self, key: str, schema: IndexSchema) -> tuple[list[TestDatabase], str] | None:
        entry = cache.load(key)
        return (_databases(entry["corpora"], schema, entry["without"]), entry["reason"]) if entry is not None else None

    def _make(
        self,
        key: str,
        gold: Mapping[str, Any],
        schema: IndexSchema,
        layout: Layout,
        mutants: Iterable[Mutant],
        refused: Refused,
        k: int,
        keeper: Keeper,
    ) -> tuple[list[TestDatabase], str]:
        now, seed = schema.now or NOW, json.dumps([gold, schema.digest])
        moment = instants.instant(datetime.fromisoformat(now).astimezone(UTC))
        try:
            engine = shared_runner()
        except (MissingExtra, ServiceError) as problem:
            return [], problem.what  # a problem of this machine, so it is not cached on disk
        unsupported_fields = engine.unsupported_fields(schema.mapping, schema.settings)
        if why := unsupported_fields.reason(gold):
            choice = Choice(reason=why)
        else:
            layout = Layout(unsupported_fields.remove_from(schema.mapping)) if unsupported_fields.types else layout
            try:
                choice = choose(
                    candidates(gold, layout, moment, seed, keeper),
                    gold,
                    [json.loads(mutant.answer) for mutant in mutants],
                    lambda documents: engine.on(
                        schema.mapping, schema.settings, documents, now, unsupported_fields, refused
                    ),
                    self._same,
                    self._empty,
                    k,
                )
            except DataError as problem:
                choice = Choice(reason=_brief(problem))
        corpora = [[database.name, [list(pair) for pair in database.documents]] for database in choice.databases]
        reason = "" if corpora else choice.reason
        without = sorted(unsupported_fields.types)
        cache.save(key, {"corpora": corpora, "reason": reason, "without": without})
        return _databases(corpora, schema, without), reason


def _databases(corpora: Iterable[Any], schema: IndexSchema, without: list[str]) -> list[TestDatabase]:
    rest = {"now": schema.now or NOW, "settings": dict(schema.settings), "without": without}
    return [TestDatabase(name=name, data={"documents": documents, **rest}) for name, documents in corpora]


def _brief(problem: DstillError) -> str:
    return f"the embedded engine cannot index this mapping faithfully: {problem.what}"[:300]
