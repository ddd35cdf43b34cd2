"""A client for one engine over HTTP: Elasticsearch, OpenSearch or the embedded server.

    with HttpEngine(Engine(url="http://127.0.0.1:9200")) as engine:
        engine.capabilities                                  # Elasticsearch 9.2.0 …
        engine.search("logs", {"query": {"match_all": {}}})  # Outcome(kind=ok, raw={"hits": …})

This client can only read (`rules.reads`). `index` writes through a `Loader`, which has another client, and only if
the engine was opened with ``writable=True``. A bad answer never raises: it results in an `Outcome`. Other failures
raise: ServiceError if the server cannot be reached or is not an engine, AuthError if it refuses the key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from dstill.api.engine import Engine
from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import AuthError, ServiceError, did_you_mean
from dstill.io.logs import log
from dstill_querydsl.engines.connect import GRACE, connect
from dstill_querydsl.engines.connection_errors import HINT, connection_error
from dstill_querydsl.engines.load import Loader
from dstill_querydsl.engines.node import JSON, ReplyTooLarge, Wire
from dstill_querydsl.engines.replies import (
    BUSY_STATUSES,
    CLOSED_INDEX,
    is_engine_error,
    is_permanent,
    names_index,
    reason_of,
    refused,
    search_outcome,
    type_of,
    value_at,
    wait,
)
from dstill_querydsl.engines.rules import NAMES, check_name, reads
from dstill_querydsl.engines.server_version import Capabilities, NotAnEngine, identify
from dstill_querydsl.language.mapping.form import require_size
from dstill_querydsl.language.mapping.merge import merge

__all__ = ["HttpEngine", "known"]


NAME_LIMIT = 20  # indices that an error lists
TRIES = 4  # requests, if the server says that it is busy


class HttpEngine:
    """A server and its capabilities. Connects at once to identify the server."""

    def __init__(
        self,
        settings: Engine,
        *,
        writable: bool = False,
        pattern: bool = False,
        ca_fingerprint: str = "",
        embedded_version: str = "",
    ) -> None:
        self.settings = settings
        self.ca_fingerprint = ca_fingerprint
        self._pattern = pattern  # whether names may contain a *
        self._wire = Wire(permit=reads)
        self._client = connect(settings, self._wire, ca_fingerprint)
        try:
            self.capabilities = self._identify(embedded_version)
        except BaseException:
            self._client.close()
            raise
        self._wire.plain = not self.capabilities.own
        self._loader = Loader(settings, ca_fingerprint, plain=self._wire.plain) if writable else None

    # --- server, mappings, counts -------------------------------------------------------

    def _identify(self, embedded_version: str) -> Capabilities:
        from elasticsearch import __version__ as client

        reply = self._ask(lambda: self._client.perform_request("GET", "/", headers=JSON), "GET /", unidentified=True)
        try:
            return identify(reply, client[0], embedded_version)
        except NotAnEngine as error:
            raise ServiceError(f"{self.settings.url} {error}", where="engine.url", hint=HINT) from None

    def mapping(self, index: str) -> Mapping[str, Any]:
        """The mapping of an index, alias, data stream or pattern; several are merged, with a warning on conflicts.

        Raises DataError if it has too many fields.
        """
        reply = self._ask(
            lambda: self._client.indices.get_mapping(index=index), f"the mapping of '{index}'", index=index
        )
        merged = merge(reply)
        require_size(merged.mapping, where=f"'{index}' at {self.settings.url}")
        if conflicts := [conflict for conflict in merged.conflicts if not conflict.compatible]:
            shown = "; ".join(f"'{conflict.field}' is {conflict}" for conflict in conflicts[:5])
            log.warning("the indices of '%s' disagree on the type of %d field(s): %s", index, len(conflicts), shown)
        return merged.mapping

    def count(self, index: str) -> int:
        """The number of documents in an index, without those inside `nested` fields."""
        reply = self._ask(lambda: self._client.count(index=index), f"the size of '{index}'", index=index)
        return value_at(reply, int, "count")

    def validates(self, index: str, query: Mapping[str, Any]) -> bool:
        """Whether the engine accepts `query`, without running it."""
        path = f"/{check_name(index, pattern=self._pattern)}/_validate/query"

        def ask() -> Any:
            return self._client.perform_request("POST", path, headers=JSON, body={"query": dict(query)})

        return value_at(self._ask(ask, f"a query on '{index}'", index=index), bool, "valid")

    # --- searching ----------------------------------------------------------------------

    def search(self, index: str, body: Mapping[str, Any], timeout: float | None = None) -> Outcome:
        """Run a body unchanged. `timeout` is in seconds.

        Raises ServiceError for a missing or closed index, AuthError for a refused key.
        """
        seconds = self.settings.timeout if timeout is None else timeout
        parameters = {"timeout": f"{int(seconds * 1000)}ms", "allow_partial_search_results": "false"}
        path = f"/{check_name(index, pattern=self._pattern)}/_search"

        def ask() -> Any:
            client = self._client.options(request_timeout=seconds + GRACE)
            return client.perform_request("POST", path, params=parameters, headers=JSON, body=dict(body))

        return self._outcome(ask, index)

    def _outcome(self, ask: Callable[[], Any], index: str) -> Outcome:
        from elastic_transport import ApiError, TransportError

        try:
            return search_outcome(self._patiently(ask).body)
        except ApiError as error:
            return self._refused(error, index)
        except TransportError as error:
            if isinstance(error.__cause__, ReplyTooLarge):
                return Outcome(kind=OutcomeKind.INVALID, reason=str(error.__cause__))
            return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{type(error).__name__}: {error.message}")

    def _refused(self, error: Any, index: str) -> Outcome:
        if error.meta.status in (401, 403):
            raise self._forbidden(error, f"searching '{index}'")
        if error.meta.status == 404 and names_index(error.body, index):
            raise self._missing(index, index)
        if type_of(error.body) == CLOSED_INDEX:
            raise self._closed(index)
        return refused(error.meta.status, error.body)

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """Call `ask`, and retry while the server is busy, after the time that it asks for."""
        from elastic_transport import ApiError

        for attempt in range(TRIES):
            try:
                return ask()
            except ApiError as error:
                status = error.meta.status
                if status not in BUSY_STATUSES or is_permanent(status, error.body) or attempt == TRIES - 1:
                    raise
                time.sleep(wait(error.meta.headers, attempt))
        raise AssertionError("unreachable: the last try raises")

    def _ask(self, ask: Callable[[], Any], target: str, *, index: str = "", unidentified: bool = False) -> Any:
        """The body of a reply to a request that does not come from an answer, so any failure raises.

        `unidentified`: the server may not be an engine.
        """
        from elastic_transport import ApiError, SerializationError, TransportError

        try:
            return self._patiently(ask).body
        except ApiError as error:
            if unidentified and not is_engine_error(error.body):
                raise ServiceError(
                    f"{self.settings.url} answers, but is not Elasticsearch or OpenSearch",
                    where=f"GET / returned {error.meta.status}",
                    hint=HINT,
                ) from None
            if error.meta.status in (401, 403):
                raise self._forbidden(error, target) from None
            if error.meta.status == 404:
                raise self._missing(target, index) from None
            if type_of(error.body) == CLOSED_INDEX:
                raise self._closed(target) from None
            raise ServiceError(
                f"{target}: {error.meta.status} {reason_of(error.body)}",
                where=self.settings.url,
                hint="fix what the engine reports, then run this again",
            ) from None
        except SerializationError:
            raise ServiceError(
                f"{self.settings.url} answers, but is not Elasticsearch or OpenSearch", where="engine.url", hint=HINT
            ) from None
        except TransportError as error:
            raise connection_error(self.settings.url, error) from None

    def names(self) -> list[str]:
        """Indices, aliases and data streams that the key may see, without hidden ones; empty: it may not list them."""
        try:
            reply = self._patiently(lambda: self._client.perform_request("GET", NAMES, headers=JSON)).body
            names = [entry["name"] for kind in ("indices", "aliases", "data_streams") for entry in reply.get(kind, ())]
        except Exception as error:  # the list only helps: what is wrong with the server is said elsewhere
            log.debug("cannot list the indices: %s", error)
            return []
        return sorted(name for name in map(str, names) if not name.startswith("."))

    def _missing(self, target: str, index: str) -> ServiceError:
        names = self.names()
        near = did_you_mean(index, names)
        return ServiceError(
            f"no such index: {target}{'.' if near else ''}{near}",
            where=self.settings.url,
            hint=f"{known(names)}name one with --index NAME, or executor.http.index in dstill.toml",
        )

    def _closed(self, target: str) -> ServiceError:
        return ServiceError(
            f"the index is closed: {target}",
            where=self.settings.url,
            hint="open it (POST NAME/_open), or name another one",
        )

    def _forbidden(self, error: Any, target: str) -> AuthError:
        hint = "the key needs the privileges read and view_index_metadata on the index, and monitor on the cluster"
        if not (self.settings.api_key_env or self.settings.basic_auth_env):
            hint = f"name the environment variable of a key with --set engine.api_key_env=NAME; {hint}"
        return AuthError(f"the engine refused {target} ({error.meta.status})", where=reason_of(error.body), hint=hint)

    # --- loading ------------------------------------------------------------------------

    def index(
        self,
        name: str,
        mapping: Mapping[str, Any],
        docs: Iterable[tuple[str, Mapping[str, Any]]],
        settings: Mapping[str, Any] | None = None,
    ) -> int:
        """Create the index `name` with these documents and return how many. Raises DataError, ServiceError."""
        if self._loader is None:
            raise ServiceError("this engine was opened read-only", where=self.settings.url)
        return self._loader.load(name, mapping, docs, settings or {})

    def drop(self, name: str) -> None:
        """Remove an index that `index` created."""
        if self._loader is not None:
            self._loader.drop(name)

    def close(self) -> None:
        """Remove all indices that `index` created, and close the connections."""
        if self._loader is not None:
            self._loader.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def known(names: Sequence[str]) -> str:
    """``the server has logs, parcels; ``, for a hint. Empty without names."""
    more = f" and {len(names) - NAME_LIMIT:,} more" if len(names) > NAME_LIMIT else ""
    return f"the server has {', '.join(names[:NAME_LIMIT])}{more}; " if names else ""
