"""The embedded engine on which corpora are tried: one process for all tasks of this program.

    with bench().on(mapping, settings, documents, now, unsupported_fields, refused) as run:
        run({"query": …})  → Outcome, as the executors give it; of a body that `refused` gives a reason for, INVALID

It starts at the first use, ends with the program, and holds one index at a time. Not the executor
of an evaluation, which may be a server of the user's: nothing is ever tried on that.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import threading
from functools import lru_cache
from typing import Any, Callable, Iterator, Mapping, Sequence

from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import DataError
from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
from dstill_querydsl.engines.parity_guard import search_if_supported
from dstill_querydsl.engines.rules import OWN_PREFIX
from dstill_querydsl.engines.unsupported_fields import UnsupportedFields, runtime
from dstill_querydsl.engines.unsupported_fields import refused as refused_fields

__all__ = ["Bench", "Refused", "bench"]

Run = Callable[[Mapping[str, Any]], Outcome]
Refused = Callable[[Mapping[str, Any]], str]  # why the task's checks refuse a body; empty: they let it pass
REMEMBERED = 32  # mappings


class Bench:
    def __init__(self) -> None:
        self._engine = EmbeddedEngine()
        self._lock = threading.Lock()
        self._made = 0
        self._unsupported_fields: dict[str, UnsupportedFields] = {}  # by mapping and settings

    def unsupported_fields(self, mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> UnsupportedFields:
        """The fields that this engine cannot hold: asked of it one by one, where it does not take all of them."""
        key = json.dumps([mapping, settings], sort_keys=True)
        with self._lock:
            if key not in self._unsupported_fields:
                if len(self._unsupported_fields) >= REMEMBERED:
                    self._unsupported_fields.clear()
                names = runtime(mapping)
                if not self._takes(UnsupportedFields().remove_from(mapping), settings):
                    names += refused_fields(mapping, lambda one: self._takes({"properties": {"f": one}}, settings))
                self._unsupported_fields[key] = UnsupportedFields.of(mapping, names)
            return self._unsupported_fields[key]

    def _takes(self, mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
        self._made += 1
        name = f"{OWN_PREFIX}tried-{self._made}"
        try:
            self._engine.index(name, mapping, (), settings)
        except DataError:
            return False
        self._engine.drop(name)
        return True

    @contextlib.contextmanager
    def on(
        self,
        mapping: Mapping[str, Any],
        settings: Mapping[str, Any],
        documents: Sequence[tuple[str, Mapping[str, Any]]],
        now: str,
        unsupported_fields: UnsupportedFields,
        refused: Refused,
    ) -> Iterator[Run]:
        """Runs bodies that pass the checks on these documents. Raises DataError where they cannot be indexed."""
        with self._lock:
            self._made += 1
            name = f"{OWN_PREFIX}corpus-{self._made}"
            index = LoadedIndex.load(
                self._engine, name, mapping, documents, settings, now=now, unsupported_fields=unsupported_fields
            )

            def run(body: Mapping[str, Any]) -> Outcome:
                if reason := refused(body):
                    return Outcome(kind=OutcomeKind.INVALID, reason=reason)
                return search_if_supported(
                    index.unsupported, lambda one: self._engine.search(name, one), index.frozen(body)
                )

            try:
                yield run
            finally:
                self._engine.drop(name)

    def close(self) -> None:
        self._engine.close()


@lru_cache(maxsize=1)
def bench() -> Bench:
    """The one of this process. Raises MissingExtra, ServiceError where there is none for this machine."""
    found = Bench()
    atexit.register(found.close)
    return found
