"""Loads documents into new indices on a server. The indices are named ``dstill-…`` and removed at the end.

    Loader(Engine(url=…), plain=True).load("dstill-weblogs-3f2a", mapping, documents, settings) → 5000

Uses a separate client that can only reach indices that this object created (`rules.writes`). Each index has
``_meta.dstill``, so that people can recognize one that was left behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from dstill.api.engine import Engine
from dstill.errors import AuthError, DataError, ServiceError
from dstill_querydsl.engines.connect import connect
from dstill_querydsl.engines.node import Wire
from dstill_querydsl.engines.rules import OWN_PREFIX, check_name, writes

__all__ = ["Loader"]

CHUNK = 500  # documents per bulk request
MIN_TIMEOUT = 120.0  # seconds per request; loading may take long on a busy machine


class Loader:
    """Creates indices on a server and removes them in `close`."""

    def __init__(self, settings: Engine, ca_fingerprint: str = "", *, plain: bool) -> None:
        self._url = settings.url
        self._created: set[str] = set()
        settings = replace(settings, timeout=max(settings.timeout, MIN_TIMEOUT))
        self._client = connect(settings, Wire(permit=writes(self._created), plain=plain), ca_fingerprint)

    def load(
        self,
        name: str,
        mapping: Mapping[str, Any],
        documents: Iterable[tuple[str, Mapping[str, Any]]],
        settings: Mapping[str, Any],
    ) -> int:
        """Create the index `name` with these documents and return how many.

        Raises DataError for documents that cannot be indexed, ServiceError, and AuthError for a refused key.
        """
        from elastic_transport import ApiError, TransportError

        if not check_name(name).startswith(OWN_PREFIX):
            raise ValueError(f"{name} does not start with {OWN_PREFIX}")
        try:
            self._create(name, mapping, settings)
            return self._fill(name, documents)
        except ApiError as error:
            message = f"cannot create the index '{name}': {error.meta.status} {error.body}"[:500]
            if error.meta.status in (401, 403):
                hint = "the key needs the privileges create_index and write"
                raise AuthError(message, where=self._url, hint=hint) from None
            raise (DataError if error.meta.status == 400 else ServiceError)(message, where=self._url) from None
        except TransportError as error:
            raise ServiceError(f"lost the engine while loading '{name}'", where=str(error.message)[:200]) from None

    def _create(self, name: str, mapping: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        mark = {**mapping.get("_meta", {}), "dstill": {"index": name}}
        own = {"number_of_shards": 1, "number_of_replicas": 0}  # on one shard, scores and ties are always the same
        self._created.add(name)  # from now on the client can reach it
        try:
            self._client.indices.create(index=name, mappings={**mapping, "_meta": mark}, settings={**settings, **own})
        except Exception:
            self._created.discard(name)  # an index of this name may exist already; it must not be removed
            raise

    def _fill(self, name: str, documents: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        from elasticsearch import helpers

        count = 0
        actions = ({"_id": id, "_source": source} for id, source in documents)
        for ok, item in helpers.streaming_bulk(
            self._client, actions, index=name, chunk_size=CHUNK, raise_on_error=False, max_retries=3
        ):
            if not ok:
                [result] = item.values()
                raise DataError(f"document '{result.get('_id')}' cannot be indexed: {result.get('error')}"[:500])
            count += 1
        self._client.indices.refresh(index=name)
        return count

    def drop(self, name: str) -> None:
        """Remove an index that `load` created. Never raises, even if the server is gone."""
        from elastic_transport import ApiError, TransportError

        with contextlib.suppress(ApiError, TransportError):
            self._client.options(ignore_status=404).indices.delete(index=name)
        self._created.discard(name)

    def close(self) -> None:
        """Remove all indices and close the client. Never raises, even if the server is gone."""
        for name in sorted(self._created):
            self.drop(name)
        self._client.close()
