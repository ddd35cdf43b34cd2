"""A gold's corpora: made once, then remembered in memory and on disk.

    Maker(same, empty).corpora(gold, place, layout, mutants, refused, k=5)
    → [TestDatabase(name="boundaries", data={"documents": [["c00", {…}], …], "now": "2025-03-27T12:00:00Z", …}), …]

What decides them is the gold's body, the mapping with its settings and ``now``, what mutants are held
to, and this version: not the documents of the index, which may be the user's and are never read for this.
Fields that the embedded engine cannot hold are left out (`engines.unsupported_fields`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Callable, Iterable, Mapping

from dstill.api.protocols import NoTestDatabases
from dstill.api.records import Mutant, TestDatabase
from dstill.errors import DataError, DstillError, MissingExtra, ServiceError
from dstill_querydsl.testsuites import cache, instants
from dstill_querydsl.testsuites.choose import Choice, choose
from dstill_querydsl.testsuites.documents import candidates
from dstill_querydsl.testsuites.embedded_runner import Refused, bench
from dstill_querydsl.testsuites.layout import Layout

__all__ = ["Maker", "Place"]

NOW = "2025-06-18T12:00:00Z"  # of an index that does not say: any, but always the same one
IN_MEMORY = 512  # golds


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a corpus stands in for: an index without its documents."""

    mapping: Mapping[str, Any]
    settings: Mapping[str, Any]
    now: str = ""  # ISO, UTC

    @property
    def digest(self) -> str:
        content = [self.mapping, self.settings, self.now]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Maker:
    def __init__(self, same: Callable[[Any, Any], bool], empty: Callable[[Any], bool], rules: str = "") -> None:
        self._same, self._empty, self._rules = same, empty, rules  # rules: what decides which mutants there are
        self._known: dict[str, tuple[list[TestDatabase], str]] = {}

    def corpora(
        self,
        gold: Mapping[str, Any],
        place: Place,
        layout: Layout,
        mutants: Callable[[], Iterable[Mutant]],
        refused: Refused,
        k: int,
    ) -> list[TestDatabase]:
        """At most `k`. Raises NoTestDatabases where the embedded engine cannot say what is right."""
        content = json.dumps([gold, place.digest, k, self._rules, cache.version()])
        key = hashlib.sha256(content.encode()).hexdigest()
        if key not in self._known:
            if len(self._known) >= IN_MEMORY:
                del self._known[next(iter(self._known))]
            self._known[key] = self._read(key, place) or self._make(key, gold, place, layout, mutants(), refused, k)
        corpora, reason = self._known[key]
        if reason:
            raise NoTestDatabases(reason)
        return corpora

    def _read(self, key: str, place: Place) -> tuple[list[TestDatabase], str] | None:
        found = cache.kept(key)
        return (_corpora(found["corpora"], place, found["without"]), found["reason"]) if found is not None else None

    def _make(
        self,
        key: str,
        gold: Mapping[str, Any],
        place: Place,
        layout: Layout,
        mutants: Iterable[Mutant],
        refused: Refused,
        k: int,
    ) -> tuple[list[TestDatabase], str]:
        now, seed = place.now or NOW, json.dumps([gold, place.digest])
        moment = instants.instant(datetime.fromisoformat(now).astimezone(UTC))
        try:
            engine = bench()
        except (MissingExtra, ServiceError) as problem:
            return [], problem.what  # of this machine: not kept on disk
        unsupported_fields = engine.unsupported_fields(place.mapping, place.settings)
        if why := unsupported_fields.reason(gold):
            choice = Choice(reason=why)
        else:
            layout = Layout(unsupported_fields.remove_from(place.mapping)) if unsupported_fields.types else layout
            try:
                choice = choose(
                    candidates(gold, layout, moment, seed),
                    gold,
                    [json.loads(one.answer) for one in mutants],
                    lambda documents: engine.on(
                        place.mapping, place.settings, documents, now, unsupported_fields, refused
                    ),
                    self._same,
                    self._empty,
                    k,
                )
            except DataError as problem:
                choice = Choice(reason=_brief(problem))
        made = [[one.name, [list(pair) for pair in one.documents]] for one in choice.corpora]
        reason = "" if made else choice.reason
        without = sorted(unsupported_fields.types)
        cache.keep(key, {"corpora": made, "reason": reason, "without": without})
        return _corpora(made, place, without), reason


def _corpora(made: Iterable[Any], place: Place, without: list[str]) -> list[TestDatabase]:
    rest = {"now": place.now or NOW, "settings": dict(place.settings), "without": without}
    return [TestDatabase(name=name, data={"documents": documents, **rest}) for name, documents in made]


def _brief(problem: DstillError) -> str:
    return f"the embedded engine cannot index this mapping faithfully: {problem.what}"[:300]
