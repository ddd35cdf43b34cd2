"""The embedded engine with its client, and an index loaded into an engine.

    with EmbeddedEngine() as engine:                                      # starts a process
        index = LoadedIndex.load(engine, "dstill-corpus-1", mapping, documents, settings, now="2025-06-18T12:00:00Z")
        engine.search(index.name, index.frozen(body))                     # Outcome

`LoadedIndex` knows which features the embedded engine does not support on its documents (`UnsupportedFeatures`). On
other engines it ignores them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from dstill.api.engine import Engine
from dstill_querydsl.engines.freeze import freeze
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.server import EmbeddedServer
from dstill_querydsl.engines.unsupported_features import UnsupportedFeatures, note_large_numbers
from dstill_querydsl.engines.unsupported_fields import UnsupportedFields

__all__ = ["EmbeddedEngine", "LoadedIndex"]


class EmbeddedEngine(HttpEngine):
    """An embedded server and its client; closing one ends both. Raises MissingExtra, ServiceError."""

    def __init__(self, *, timeout: float = Engine.timeout) -> None:
        self._server = EmbeddedServer.start()
        here = Engine(url=self._server.url, timeout=timeout)
        try:
            super().__init__(here, writable=True, embedded_version=self._server.version)
        except BaseException:
            self._server.close()
            raise

    def close(self) -> None:
        super().close()
        self._server.close()


@dataclass(frozen=True, kw_only=True)
class LoadedIndex:
    """An index on an engine, ready to run bodies."""

    engine: HttpEngine
    name: str  # on the engine
    mapping: Mapping[str, Any]
    now: str  # the time that ``now`` means in bodies, ISO
    documents: int
    unsupported: UnsupportedFeatures = field(default_factory=UnsupportedFeatures)

    @classmethod
    def load(
        cls,
        engine: HttpEngine,
        name: str,
        mapping: Mapping[str, Any],
        documents: Iterable[tuple[str, Mapping[str, Any]]],
        settings: Mapping[str, Any],
        *,
        now: str,
        unsupported_fields: UnsupportedFields | None = None,
        **more: Any,
    ) -> Self:
        """Load documents, without the `unsupported_fields` of `mapping`. Raises DataError if they cannot be indexed."""
        large: set[str] = set()
        loaded = mapping if unsupported_fields is None else unsupported_fields.remove_from(mapping)
        count = engine.index(name, loaded, note_large_numbers(documents, large), settings)
        unsupported = UnsupportedFeatures.of(mapping, settings, large, unsupported_fields or UnsupportedFields())
        return cls(engine=engine, name=name, mapping=mapping, now=now, documents=count, unsupported=unsupported, **more)

    def frozen(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` with the time of the index instead of ``now``."""
        return freeze(body, self.now, self.mapping)
