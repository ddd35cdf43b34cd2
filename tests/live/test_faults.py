"""A real node behind a proxy that misbehaves: a fault of the server never counts as a wrong answer.

What needs no real node is tested in tests/task_packs/dstill_querydsl/engines/test_http.py.
"""

from __future__ import annotations

import email.utils
import resource
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from support.engine_proxy import EngineProxy, Fault, busy, cut, large, partial, refused, reset, say, slow

from dstill.api.engine import Engine
from dstill.api.records import OutcomeKind
from dstill.errors import ServiceError
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.result_extraction import observe

pytestmark = pytest.mark.live

INDEX = f"dstill-faults-{secrets.token_hex(4)}"
BODY: dict[str, Any] = {"query": {"term": {"level": "error"}}}
MEGABYTE = 2**20


@pytest.fixture(scope="module", params=["elasticsearch", "opensearch"])
def proxy(request: pytest.FixtureRequest) -> Iterator[EngineProxy]:
    url = request.getfixturevalue(f"{request.param}_url")
    mapping = {"properties": {"level": {"type": "keyword"}}}
    documents = [(str(n), {"level": ("error", "info")[n % 2]}) for n in range(10)]
    with HttpEngine(Engine(url=url), writable=True) as loader:
        loader.index(INDEX, mapping, documents)
        with EngineProxy(url) as proxy:
            yield proxy


@pytest.fixture
def engine(proxy: EngineProxy) -> Iterator[HttpEngine]:
    with HttpEngine(Engine(url=proxy.url)) as engine:
        yield engine


def count_hits(engine: HttpEngine) -> int:
    outcome = engine.search(INDEX, BODY)
    assert outcome.kind is OutcomeKind.OK, outcome.reason
    return int(outcome.raw["hits"]["total"]["value"])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (partial(timed_out=True), "timed out"),
        (partial(failed=2), "2 shards failed"),
        (cut(60), "ConnectionError"),
        (cut(0), "ConnectionError"),
        (reset(60), "ConnectionError"),
        (say(200, b"<html><h1>Sign in</h1></html>", content_type="text/html"), "the reply is no"),
        (say(200, b'{"hits": {'), "SerializationError"),
        (say(200, b"\xff\xfe"), "SerializationError"),
        (say(200, []), "the reply is no"),
        (say(502, b"<html>Bad Gateway</html>", content_type="text/html"), "502"),
        (refused(504, "timeout_exception", "no time left"), "504 timeout_exception"),
        (refused(500, "search_phase_execution_exception", "all shards failed"), "500 search_phase_execution"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_engine_fault_is_unavailable(proxy: EngineProxy, engine: HttpEngine, fault: Fault, reason: str) -> None:
    proxy.next("_search", fault)
    outcome = engine.search(INDEX, BODY)
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert reason in outcome.reason
    assert count_hits(engine) == 5  # and the connection is fit for the next one


@pytest.mark.parametrize(
    ("retry_after", "at_least", "at_most"),
    [
        ("1", 1.0, 3.0),
        (email.utils.formatdate(time.time() - 3600, usegmt=True), 0.0, 1.0),  # a date that is over
        ("soon", 0.2, 2.0),
        (None, 0.2, 2.0),
        ("9" * 4301, 0.2, 2.0),
        ("-1", 0.2, 2.0),
    ],
    ids=["seconds", "date", "garbage", "none", "4301 digits", "negative"],
)
def test_retries_busy_engine(
    proxy: EngineProxy, engine: HttpEngine, retry_after: str | None, at_least: float, at_most: float
) -> None:
    waits: list[float] = []
    before = len(proxy.asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dstill_querydsl.engines.http.time.sleep", waits.append)
        proxy.next("_search", busy(retry_after), busy(retry_after, status=503))
        assert count_hits(engine) == 5
    assert [asked.path for asked in proxy.asked[before:]] == [f"/{INDEX}/_search"] * 3
    assert len(waits) == 2
    assert all(at_least <= wait <= at_most for wait in waits)


def test_engine_that_stays_busy_is_unavailable(proxy: EngineProxy, engine: HttpEngine) -> None:
    before = len(proxy.asked)
    proxy.always("_search", busy("0"))
    try:
        outcome = engine.search(INDEX, BODY)
    finally:
        proxy.always("_search", None)
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert outcome.reason.startswith("429 es_rejected_execution_exception")
    assert len(proxy.asked) - before == 4


def test_circuit_breaker_is_unavailable(proxy: EngineProxy, engine: HttpEngine) -> None:
    proxy.next("_search", *[refused(429, "circuit_breaking_exception", "[parent] Data too large", retry_after="0")] * 4)
    assert engine.search(INDEX, BODY).kind is OutcomeKind.UNAVAILABLE


def test_late_response_is_unavailable(proxy: EngineProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    # short for the slow reply, and long enough for a busy node behind the proxy to answer the next search
    monkeypatch.setattr("dstill_querydsl.engines.http.GRACE", 2)
    with HttpEngine(Engine(url=proxy.url, timeout=2)) as engine:
        proxy.next("_search", slow(10))
        outcome = engine.search(INDEX, BODY)
        assert count_hits(engine) == 5
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert "ConnectionTimeout" in outcome.reason


def test_cuts_off_reply_over_limit(proxy: EngineProxy, engine: HttpEngine) -> None:
    """200 MB are offered, 20 MB are read, and no more memory is taken than for those."""
    before = _peak()
    proxy.next("_search", large(200 * MEGABYTE))
    outcome = engine.search(INDEX, BODY)
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.reason == "too_large: the reply is longer than 20,971,520 bytes"
    assert _peak() - before < 80 * MEGABYTE
    assert count_hits(engine) == 5


def _peak() -> int:
    """Bytes of memory that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_parse_error_quotes_engine(engine: HttpEngine) -> None:
    """An engine's own words about a body that it does not take, of the first cause."""
    outcome = engine.search(INDEX, {"query": {"mach": {"level": "error"}}})
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.reason.startswith("400 parsing_exception: unknown query [mach]")


def test_proxy_that_requires_login_is_auth_error(proxy: EngineProxy) -> None:
    proxy.next("/", say(200, b"<html>Sign in</html>", content_type="text/html"))
    with pytest.raises(ServiceError, match="answers, but is not Elasticsearch or OpenSearch"):
        HttpEngine(Engine(url=proxy.url))


def test_sends_at_most_four_requests_at_once(proxy: EngineProxy) -> None:
    # a proxy of its own: requests that others gave up may be under way in `proxy` still
    with EngineProxy(proxy.node) as own, HttpEngine(Engine(url=own.url)) as engine:
        own.always("_search", slow(0.1))
        with ThreadPoolExecutor(12) as pool:
            totals = list(pool.map(lambda _: count_hits(engine), range(24)))
        assert totals == [5] * 24
        assert own.most_at_once == 4


def test_aborted_replies_release_connections(proxy: EngineProxy, engine: HttpEngine) -> None:
    faults = [large(30 * MEGABYTE), cut(60), reset(60)] * 5
    proxy.next("_search", *faults)
    for _ in faults:
        assert engine.search(INDEX, BODY).kind is not OutcomeKind.OK
    assert count_hits(engine) == 5


def test_requests_allowed_paths_only(proxy: EngineProxy) -> None:
    proxy.asked.clear()
    with HttpEngine(Engine(url=proxy.url)) as engine:
        engine.mapping(INDEX)
        engine.count(INDEX)
        observe(lambda body: engine.search(INDEX, body), {**BODY, "sort": ["_doc"], "size": 2})
    assert proxy.paths == {
        ("GET", "/"),
        ("GET", f"/{INDEX}/_mapping"),
        ("POST", f"/{INDEX}/_count"),
        ("POST", f"/{INDEX}/_search"),
    }
    searches = [asked for asked in proxy.asked if asked.path.endswith("_search")]
    assert all("allow_partial_search_results=false" in asked.parameters for asked in searches)
    assert all("timeout=30000ms" in asked.parameters for asked in searches)
    assert searches[0].json == {**BODY, "sort": ["_doc"], "size": 2}
