"""The embedded engine with its client, and an index that was loaded into an engine.

    with EmbeddedEngine() as engine:                                      # a process of its own
        index = LoadedIndex.load(engine, "dstill-corpus-1", mapping, documents, settings, now="2025-06-18T12:00:00Z")
        engine.search(index.name, index.frozen(body))                     # Outcome

`LoadedIndex` notes what the engine cannot do with these very documents (`Holes`). Engines of other products load
indices too; there the holes do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Self

from dstill.api.engine import Engine
from dstill_querydsl.engines.freeze import freeze
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.server import EmbeddedServer
from dstill_querydsl.engines.unsupported_features import Holes, exact
from dstill_querydsl.engines.unsupported_fields import Unheld

__all__ = ["EmbeddedEngine", "LoadedIndex"]


class EmbeddedEngine(HttpEngine):
    """An embedded server and its client; both end together. Raises MissingExtra, ServiceError."""

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
    """An index on an engine, as a body needs it to run there."""

    engine: HttpEngine
    name: str  # on the engine
    mapping: Mapping[str, Any]
    now: str
    documents: int
    holes: Holes = field(default_factory=Holes)

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
        unheld: Unheld | None = None,
        **more: Any,
    ) -> Self:
        """`unheld`: fields of `mapping` to leave out, as the engine cannot hold them. Raises DataError."""
        large: set[str] = set()
        held = mapping if unheld is None else unheld.held(mapping)
        count = engine.index(name, held, exact(documents, large), settings)
        holes = Holes.of(mapping, settings, large, unheld or Unheld())
        return cls(engine=engine, name=name, mapping=mapping, now=now, documents=count, holes=holes, **more)

    def frozen(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`body` with the index's own time in the place of ``now``."""
        return freeze(body, self.now, self.mapping)
