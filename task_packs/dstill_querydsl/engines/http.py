"""One engine over HTTP: Elasticsearch, OpenSearch or the embedded server.

    with HttpEngine(Engine(url="http://127.0.0.1:9200")) as engine:
        engine.capabilities                                  # Elasticsearch 9.2.0 …
        engine.search("logs", {"query": {"match_all": {}}})  # Outcome(kind=ok, raw={"hits": …})

The client in here only reads (`rules.reads`). `index` writes, through a `Loader` with a client
of its own, and only where the engine was opened for that. What an answer does never raises:
it gives an `Outcome`. What the server or the person did raises: ServiceError where it is not
there or is something else, AuthError where a key is refused.
"""

from __future__ import annotations

import logging
import time
from types import TracebackType
from typing import Any, Callable, Iterable, Mapping, Self

from dstill.api.engine import Engine
from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import AuthError, ServiceError
from dstill_querydsl.engines.connect import GRACE, connect
from dstill_querydsl.engines.connection_errors import HINT, unreached
from dstill_querydsl.engines.load import Loader
from dstill_querydsl.engines.node import ReplyTooLarge, Wire
from dstill_querydsl.engines.replies import (
    BUSY,
    CLOSED,
    is_engine_error,
    names_index,
    reason_of,
    refused,
    told,
    type_of,
    wait,
    whole,
)
from dstill_querydsl.engines.rules import check_name, reads
from dstill_querydsl.engines.server_version import Capabilities, NotAnEngine, identify
from dstill_querydsl.mapping.merge import merge

__all__ = ["HttpEngine"]

log = logging.getLogger("dstill")

TRIES = 4
JSON = {"accept": "application/json", "content-type": "application/json"}


class HttpEngine:
    """A server and what it can do. Connects, and finds out what answers, at once."""

    def __init__(
        self, settings: Engine, *, writable: bool = False, pattern: bool = False, embedded_version: str = ""
    ) -> None:
        self.settings = settings
        self._pattern = pattern  # names may hold a *
        self._wire = Wire(permit=reads)
        self._client = connect(settings, self._wire)
        try:
            self.capabilities = self._identify(embedded_version)
        except BaseException:
            self._client.close()
            raise
        self._wire.plain = not self.capabilities.own
        self._loader = Loader(settings, plain=self._wire.plain) if writable else None

    # --- what is there ------------------------------------------------------------------

    def _identify(self, embedded_version: str) -> Capabilities:
        from elasticsearch import __version__ as client

        reply = self._ask(lambda: self._client.perform_request("GET", "/", headers=JSON), "GET /", strange=True)
        try:
            return identify(reply, client[0], embedded_version)
        except NotAnEngine as error:
            raise ServiceError(f"{self.settings.url} {error}", where="engine.url", hint=HINT) from None

    def mapping(self, index: str) -> Mapping[str, Any]:
        """The mapping of an index, alias, data stream or pattern; of several, their union, with a note of conflicts."""
        reply = self._ask(lambda: self._client.indices.get_mapping(index=index), f"the mapping of '{index}'")
        merged = merge(reply)
        if conflicts := [one for one in merged.conflicts if not one.compatible]:
            told = "; ".join(f"'{one.field}' is {one}" for one in conflicts[:5])
            log.warning("the indices of '%s' disagree on the type of %d field(s): %s", index, len(conflicts), told)
        return merged.mapping

    def count(self, index: str) -> int:
        """Documents of an index, those inside `nested` fields not counted."""
        reply = self._ask(lambda: self._client.count(index=index), f"the size of '{index}'")
        return told(reply, int, "count")

    def validates(self, index: str, query: Mapping[str, Any]) -> bool:
        """Whether the engine takes `query` for one, without running it."""
        path = f"/{check_name(index, pattern=self._pattern)}/_validate/query"

        def ask() -> Any:
            return self._client.perform_request("POST", path, headers=JSON, body={"query": dict(query)})

        return told(self._ask(ask, f"a query on '{index}'"), bool, "valid")

    # --- searching ----------------------------------------------------------------------

    def search(self, index: str, body: Mapping[str, Any], timeout: float | None = None) -> Outcome:
        """Run one body, as it is. Raises ServiceError for a missing index, AuthError for a refused key."""
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
            return whole(self._patiently(ask).body)
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
            raise self._missing(index)
        if type_of(error.body) == CLOSED:
            raise self._closed(index)
        return refused(error.meta.status, error.body)

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """`ask`, again when the server says that it is busy, after the time that it asks for."""
        from elastic_transport import ApiError

        for attempt in range(TRIES):
            try:
                return ask()
            except ApiError as error:
                if error.meta.status not in BUSY or attempt == TRIES - 1:
                    raise
                time.sleep(wait(error.meta.headers, attempt))
        raise AssertionError("unreachable: the last try raises")

    def _ask(self, ask: Callable[[], Any], what: str, strange: bool = False) -> Any:
        """A request that no answer of a model has a part in: whatever goes wrong raises.

        `strange`: it is not known yet that an engine answers at all.
        """
        from elastic_transport import ApiError, SerializationError, TransportError

        try:
            return self._patiently(ask).body
        except ApiError as error:
            if strange and not is_engine_error(error.body):
                raise ServiceError(
                    f"{self.settings.url} answers, but is no Elasticsearch or OpenSearch",
                    where=f"GET / gave {error.meta.status}",
                    hint=HINT,
                ) from None
            if error.meta.status in (401, 403):
                raise self._forbidden(error, what) from None
            if error.meta.status == 404:
                raise self._missing(what) from None
            if type_of(error.body) == CLOSED:
                raise self._closed(what) from None
            raise ServiceError(
                f"{what}: {error.meta.status} {reason_of(error.body)}",
                where=self.settings.url,
                hint="see to what the engine says, then run this again",
            ) from None
        except SerializationError:
            raise ServiceError(
                f"{self.settings.url} answers, but is no Elasticsearch or OpenSearch", where="engine.url", hint=HINT
            ) from None
        except TransportError as error:
            raise unreached(self.settings.url, error) from None

    def _missing(self, what: str) -> ServiceError:
        return ServiceError(
            f"no such index, asked for {what}",
            where=self.settings.url,
            hint="check its name: --set executor.http.index=NAME",
        )

    def _closed(self, what: str) -> ServiceError:
        return ServiceError(
            f"a closed index: {what}", where=self.settings.url, hint="open it (POST NAME/_open), or name another one"
        )

    def _forbidden(self, error: Any, what: str) -> AuthError:
        hint = "the key needs the privilege read and view_index_metadata on the index, and monitor on the cluster"
        if not (self.settings.api_key_env or self.settings.basic_auth_env):
            hint = f"name a key's environment variable with --set engine.api_key_env=NAME; {hint}"
        return AuthError(f"the engine refused {what} ({error.meta.status})", where=reason_of(error.body), hint=hint)

    # --- loading ------------------------------------------------------------------------

    def index(
        self,
        name: str,
        mapping: Mapping[str, Any],
        docs: Iterable[tuple[str, Mapping[str, Any]]],
        settings: Mapping[str, Any] | None = None,
    ) -> int:
        """Create the index `name` with these documents; how many they were. Raises DataError, ServiceError."""
        if self._loader is None:
            raise ServiceError("this engine was opened for reading only", where=self.settings.url)
        return self._loader.load(name, mapping, docs, settings or {})

    def drop(self, name: str) -> None:
        """Remove one index that `index` made here."""
        if self._loader is not None:
            self._loader.drop(name)

    def close(self) -> None:
        """Remove what `index` made here, and let go of the connections."""
        if self._loader is not None:
            self._loader.close()
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
