"""Run bodies on candidates for test databases: one embedded engine for all tasks of this process.

    with shared_runner().on(mapping, settings, documents, now, unsupported_fields, refused) as run:
        run({"query": …})  → an Outcome as from executors. INVALID if `refused` gives a reason against the body

It starts at the first use, ends with the process, and has one index at a time. It is not the executor
of the evaluation, since that can be the user's server, where nothing is ever created.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import DataError
from dstill_querydsl.engines.embedded import EmbeddedEngine, LoadedIndex
from dstill_querydsl.engines.parity_guard import search_if_supported
from dstill_querydsl.engines.rules import OWN_PREFIX
from dstill_querydsl.engines.unsupported_fields import UnsupportedFields, runtime
from dstill_querydsl.engines.unsupported_fields import refused as refused_fields

__all__ = ["EmbeddedRunner", "Refused", "shared_runner"]

Run = Callable[[Mapping[str, Any]], Outcome]
Refused = Callable[[Mapping[str, Any]], str]  # why the task's checks refuse a body. Empty: they do not
CACHE_SIZE = 32  # mappings whose unsupported fields are cached


class EmbeddedRunner:
    """An embedded engine that indexes small sets of documents and runs bodies on them."""

    def __init__(self) -> None:
        self._engine = EmbeddedEngine()
        self._lock = threading.Lock()
        self._n_indices = 0
        self._unsupported_fields: dict[str, UnsupportedFields] = {}  # by mapping and settings

    def unsupported_fields(self, mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> UnsupportedFields:
        """The fields that this engine cannot index. They are tried one by one if it refuses the whole mapping."""
        key = json.dumps([mapping, settings], sort_keys=True)
        with self._lock:
            if key not in self._unsupported_fields:
                if len(self._unsupported_fields) >= CACHE_SIZE:
                    self._unsupported_fields.clear()
                names = runtime(mapping)
                if not self._accepts(UnsupportedFields().remove_from(mapping), settings):
                    names += refused_fields(mapping, lambda spec: self._accepts({"properties": {"f": spec}}, settings))
                self._unsupported_fields[key] = UnsupportedFields.of(mapping, names)
            return self._unsupported_fields[key]

    def _accepts(self, mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
        self._n_indices += 1
        name = f"{OWN_PREFIX}tried-{self._n_indices}"
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
        """Index the documents and give a function that runs bodies. Raises DataError if they cannot be indexed."""
        with self._lock:
            self._n_indices += 1
            name = f"{OWN_PREFIX}corpus-{self._n_indices}"
            index = LoadedIndex.load(
                self._engine, name, mapping, documents, settings, now=now, unsupported_fields=unsupported_fields
            )

            def run(body: Mapping[str, Any]) -> Outcome:
                if reason := refused(body):
                    return Outcome(kind=OutcomeKind.INVALID, reason=reason)
                return search_if_supported(
                    index.unsupported, lambda request: self._engine.search(name, request), index.frozen(body)
                )

            try:
                yield run
            finally:
                self._engine.drop(name)

    def close(self) -> None:
        """Stop the engine."""
        self._engine.close()


@lru_cache(maxsize=1)
def shared_runner() -> EmbeddedRunner:
    """The runner of this process. Raises MissingExtra or ServiceError if the engine cannot start here."""
    runner = EmbeddedRunner()
    atexit.register(runner.close)
    return runner
