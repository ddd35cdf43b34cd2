"""The HTTP engine against servers that misbehave, each a real one on loopback."""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.protocols import DataProfile
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.api.task import Task
from dstill.errors import AuthError, ConfigError, DataError, ServiceError, UsageError
from dstill_querydsl.engines import Http, HttpEngine, HttpSettings
from dstill_querydsl.engines.node import NotPermitted
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.mapping.form import MOST_FIELDS
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

FOUND = {"hits": {"total": {"value": 0, "relation": "eq"}, "hits": []}, "timed_out": False, "_shards": {"failed": 0}}
Serve = Callable[[Any], str]


def engine_with_search(
    serve: Serve, root_replies: dict[str, Any], search: Callable[[], Any], timeout: float = 30.0
) -> HttpEngine:
    """An Elasticsearch 9 whose searches give what `search` gives."""
    product = {"x-elastic-product": "Elasticsearch"}

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        if path == "/":
            return 200, product, root_replies["Elasticsearch 9"]
        status, headers, reply = search()
        return status, {**product, **headers}, reply

    return HttpEngine(Engine(url=serve(answer), timeout=timeout))


# --- what answers at all ----------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"content-type": "text/html"}, b"<html><h1>Welcome to nginx!</h1></html>"),
        (404, {"content-type": "text/html"}, b"<html><h1>404 Not Found</h1></html>"),
        (401, {"content-type": "text/html", "www-authenticate": "Basic"}, b"<html>who are you?</html>"),
        (200, {}, {"responseHeader": {"status": 0}, "lucene": {"solr-spec-version": "9.4.0"}}),
        (200, {}, b"[1, 2"),
        (200, {"content-type": "application/octet-stream"}, b"\xff\x00"),
        (200, {}, {"version": {"number": "18.3"}, "tagline": "something else"}),
    ],
    ids=["nginx", "nginx 404", "nginx 401", "solr", "broken json", "bytes", "another"],
)
def test_names_server_that_is_no_search_engine(serve: Serve, reply: Any) -> None:
    url = serve(lambda method, path, body: reply)
    with pytest.raises(ServiceError) as caught:
        HttpEngine(Engine(url=url))
    assert caught.value.exit_code == 7
    assert caught.value.what == f"{url} answers, but is not Elasticsearch or OpenSearch"
    assert "--engine-url" in caught.value.hint


def test_names_engine_that_is_not_running() -> None:
    url = "http://127.0.0.1:9"  # the discard port: nothing listens
    with pytest.raises(ServiceError, match=f"cannot reach an engine at {url}") as caught:
        HttpEngine(Engine(url=url))
    assert caught.value.exit_code == 7
    assert "is it running" in caught.value.hint


@pytest.mark.parametrize("product", ["Elasticsearch 7", "OpenSearch 1"])
def test_untested_version_works_and_is_named(serve: Serve, root_replies: dict[str, Any], product: str) -> None:
    """An untested version works, and every score says that it is untested."""
    url = serve(lambda method, path, body: (200, {}, root_replies[product] if path == "/" else FOUND))
    with HttpEngine(Engine(url=url)) as engine:
        assert str(engine.capabilities) == f"{product}.{'17' if '7' in product else '3'}.0 (untested)"
        assert engine.search("logs", {"query": {"match_all": {}}}).kind is OutcomeKind.OK


def test_refuses_version_too_old(serve: Serve, root_replies: dict[str, Any]) -> None:
    url = serve(lambda method, path, body: (200, {}, root_replies["Elasticsearch 6"]))
    with pytest.raises(
        ServiceError, match=r"is Elasticsearch 6\.8\.0; dstill supports Elasticsearch 7 and later"
    ) as caught:
        HttpEngine(Engine(url=url))
    assert caught.value.exit_code == 7


def test_rejected_key_is_auth_error(serve: Serve) -> None:
    body = {"error": {"type": "security_exception", "reason": "unable to authenticate"}, "status": 401}
    with pytest.raises(AuthError, match="refused") as caught:
        HttpEngine(Engine(url=serve(lambda method, path, sent: (401, {}, body))))
    assert "engine.api_key_env" in caught.value.hint


def test_refuses_index_with_too_many_fields(serve: Serve, root_replies: dict[str, Any]) -> None:
    fields = {f"f{n}": {"type": "keyword"} for n in range(MOST_FIELDS + 1)}
    reply = {"logs": {"mappings": {"properties": fields}}}
    with (
        engine_with_search(serve, root_replies, lambda: (200, {}, reply)) as engine,
        pytest.raises(DataError, match="the mapping has 50,001 fields, and dstill reads at most 50,000") as caught,
    ):
        engine.mapping("logs")
    assert caught.value.where == f"'logs' at {engine.settings.url}"


def test_warns_of_conflicts_between_indices(
    serve: Serve, root_replies: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def index(took: str) -> dict[str, Any]:
        return {"mappings": {"properties": {"took": {"type": took}, "size": {"type": "long"}}}}

    replies = {
        "/": root_replies["Elasticsearch 9"],
        "/logs/_mapping": {"logs-1": index("long"), "logs-2": index("keyword"), "logs-3": index("long")},
    }
    url = serve(lambda method, path, body: (200, {"x-elastic-product": "Elasticsearch"}, replies[path]))
    with HttpEngine(Engine(url=url)) as engine, caplog.at_level(logging.WARNING, logger="dstill"):
        mapping = engine.mapping("logs")
    assert caplog.messages == [
        "the indices of 'logs' disagree on the type of 1 field(s): "
        "'took' is long in logs-1 and logs-3, keyword in logs-2"
    ]
    fields = Fields.of(mapping)
    assert fields.names == ("took", "size")
    assert fields.conflicts["took"].types == {"long": ("logs-1", "logs-3"), "keyword": ("logs-2",)}


# --- searching --------------------------------------------------------------------------


def test_retries_busy_server_after_its_delay(serve: Serve, root_replies: dict[str, Any]) -> None:
    replies = iter([(429, {"retry-after": "1"}, {"error": "busy"}), (503, {}, {"error": "busy"}), (200, {}, FOUND)])
    with engine_with_search(serve, root_replies, lambda: next(replies)) as engine:
        began = time.monotonic()
        assert engine.search("logs", {}).kind is OutcomeKind.OK
        assert time.monotonic() - began >= 1.0


def failed(status: int, type_: str, reason: str) -> tuple[int, dict[str, str], Any]:
    cause = {"type": type_, "reason": reason}
    return status, {}, {"error": {"type": "outer", "reason": "outer", "root_cause": [cause]}, "status": status}


# OpenSearch answers 503, as if it were busy. It would answer that to every attempt.
TOO_MANY = {"type": "too_many_buckets_exception", "reason": "Trying to create too many buckets."}
TOO_MANY_BUCKETS = {"root_cause": [], "type": "search_phase_execution_exception", "reason": "", "caused_by": TOO_MANY}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, {}, {**FOUND, "timed_out": True}), "timed out"),
        ((200, {}, {**FOUND, "_shards": {"failed": 2}}), "2 shards failed"),
        ((500, {}, {"error": {"type": "corrupt_index_exception", "reason": ""}}), "500 corrupt_index_exception"),
        ((500, {}, {"error": "boom"}), "500 boom"),
        (failed(500, "shard_not_available_exception", "Cannot parse the value [now-1y]"), "500 shard_not_available"),
        ((200, {}, b"[1"), "SerializationError"),
        ((200, {}, [1]), "not a JSON object"),
        ((200, {"content-length": "1000"}, b"{"), "ConnectionError"),
        *(((200, {}, reply), "") for reply in ({}, {"hits": []}, {"hits": {"hits": None}})),
    ],
)
def test_server_fault_is_unavailable(serve: Serve, root_replies: dict[str, Any], reply: Any, reason: str) -> None:
    with engine_with_search(serve, root_replies, lambda: reply) as engine:
        outcome = engine.search("logs", {})
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert reason in outcome.reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (failed(400, "parsing_exception", "unknown query [mach]"), "400 parsing_exception: unknown query [mach]"),
        # OpenSearch says 500 where Elasticsearch says 400.
        (
            failed(500, "illegal_state_exception", "Can't get text on a START_ARRAY at 1:34"),
            "500 illegal_state_exception: Can't get text on a START_ARRAY at 1:34",
        ),
        (
            failed(500, "runtime_exception", "Cannot parse the value [now-1y]"),
            "500 runtime_exception: Cannot parse the value [now-1y]",
        ),
        (
            (503, {}, {"error": TOO_MANY_BUCKETS}),
            "503 too_many_buckets_exception: Trying to create too many buckets.",
        ),
    ],
)
def test_fault_of_the_body_is_invalid(serve: Serve, root_replies: dict[str, Any], reply: Any, reason: str) -> None:
    attempts = []

    def search() -> Any:
        attempts.append(1)
        return reply

    with engine_with_search(serve, root_replies, search) as engine:
        outcome = engine.search("logs", {})
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, reason)
    assert len(attempts) == 1


def test_unknown_index_named_in_answer_is_invalid(serve: Serve, root_replies: dict[str, Any]) -> None:
    error = {"type": "index_not_found_exception", "reason": "no such index [x]", "index": "x"}
    with engine_with_search(serve, root_replies, lambda: (404, {}, {"error": error})) as engine:
        assert engine.search("logs", {}).kind is OutcomeKind.INVALID
        with pytest.raises(ServiceError, match="no such index: x"):
            engine.search("x", {})


def test_slow_response_ends_at_deadline(serve: Serve, root_replies: dict[str, Any]) -> None:
    def drip() -> Iterator[bytes]:
        for _ in range(400):
            yield b" "
            time.sleep(0.05)

    with engine_with_search(serve, root_replies, lambda: (200, {}, drip()), timeout=0.5) as engine:
        engine._wire.max_seconds = 1.0  # what the engine's own timeout and its grace come to, cut short
        outcome = engine.search("logs", {})
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert "did not end within 1 s" in outcome.reason


def test_reply_over_size_limit_is_cut_off(serve: Serve, root_replies: dict[str, Any]) -> None:
    chunk = b" " * 2**20
    with engine_with_search(serve, root_replies, lambda: (200, {}, itertools.repeat(chunk, 40))) as engine:
        outcome = engine.search("logs", {})
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.reason.startswith("too_large")


def test_scoring_client_cannot_write(serve: Serve, root_replies: dict[str, Any]) -> None:
    with engine_with_search(serve, root_replies, lambda: (200, {}, FOUND)) as engine:
        with pytest.raises(NotPermitted, match="DELETE /logs"):
            engine._client.indices.delete(index="logs")
        with pytest.raises(ServiceError, match="read-only"):
            engine.index("dstill-x", {}, [])
        with pytest.raises(UsageError):
            engine.search("logs,secrets", {})


def test_always_requests_timeout_and_complete_results(serve: Serve, root_replies: dict[str, Any]) -> None:
    seen = []

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        seen.append((path, body))
        return 200, {"x-elastic-product": "Elasticsearch"}, root_replies["Elasticsearch 9"] if path == "/" else FOUND

    with HttpEngine(Engine(url=serve(answer), timeout=2)) as engine:
        engine.search("logs", {"size": 1, "query": {"match_all": {}}})
    assert seen[1] == (
        "/logs/_search?timeout=2000ms&allow_partial_search_results=false",
        b'{"size":1,"query":{"match_all":{}}}',
    )


# --- addresses and secrets --------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "ftp://127.0.0.1"}, "ftp: is not http"),
        ({"url": "127.0.0.1:9200"}, "does not begin with http"),
        ({"url": "http://127.0.0.1:port"}, "invalid port"),
        ({"url": "http://127.0.0.1:0"}, "port 0"),
        ({"url": "http://evil．example:9200", "api_key_env": "TOY_KEY"}, "not a plain name"),
        ({"url": "http://127.0.0.1:9200", "api_key_env": "very-secret"}, "not the name of an environment variable"),
        ({"url": "http://user:secret@127.0.0.1:9200"}, "holds a user or password"),
        ({"url": "http://127.0.0.1:9200", "api_key_env": "TOY_UNSET"}, "TOY_UNSET is not set"),
        ({"url": "http://search.example:9200", "api_key_env": "TOY_KEY"}, "refused to send a key to search.example"),
        ({"url": "http://192.0.2.1:9200", "basic_auth_env": "TOY_LOGIN"}, "refused to send a key to 192.0.2.1"),
        ({"url": "http://127.0.0.1:9200", "basic_auth_env": "TOY_KEY"}, "not user:password"),
        ({"url": "https://127.0.0.1:9200", "ca_certs": "/no/such/file"}, "/no/such/file does not exist"),
    ],
)
def test_refuses_unsafe_address_or_key(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], message: str) -> None:
    monkeypatch.setenv("TOY_KEY", "very-secret")
    monkeypatch.setenv("TOY_LOGIN", "me:very-secret")
    with pytest.raises(ConfigError, match=message) as caught:
        HttpEngine(Engine(**settings))  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("engine", "fingerprint", "where"),
    [
        ({"url": "https://127.0.0.1:9200"}, "abc", "executor.http.ca_fingerprint"),
        ({"url": "http://127.0.0.1:9200"}, "0" * 64, "engine.url"),
        ({"url": "https://127.0.0.1:9200", "ca_certs": __file__}, "0" * 64, "executor.http.ca_fingerprint"),
    ],
)
def test_checks_fingerprint_in_executor_section(engine: dict[str, str], fingerprint: str, where: str) -> None:
    settings = HttpSettings(index="live", ca_fingerprint=fingerprint)
    with pytest.raises(ConfigError) as opened:
        Http(settings).open(QueryDsl(), Engine(**engine))  # type: ignore[arg-type]
    with pytest.raises(ConfigError) as described:
        DataProfile.of(QueryDsl()).describe(Engine(**engine), settings)  # type: ignore[arg-type]
    assert where in opened.value.where
    assert described.value.where == opened.value.where


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_ignores_proxies_of_environment(
    serve: Serve, root_replies: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Through a proxy, the key of a loopback server would leave this machine."""
    monkeypatch.setenv("TOY_KEY", "abc=")
    through: list[str] = []

    def proxy(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        through.append(path)
        return 502, {}, b""

    monkeypatch.setenv(variable, serve(proxy))
    url = serve(
        lambda method, path, body: (200, {"x-elastic-product": "Elasticsearch"}, root_replies["Elasticsearch 9"])
    )
    HttpEngine(Engine(url=url, api_key_env="TOY_KEY")).close()
    assert through == []


def test_sends_key_from_private_file_only(serve: Serve, root_replies: dict[str, Any], tmp_path: Path) -> None:
    url = serve(
        lambda method, path, body: (200, {"x-elastic-product": "Elasticsearch"}, root_replies["Elasticsearch 9"])
    )
    key = tmp_path / "key"
    key.write_text("abc=\n")
    with pytest.raises(ConfigError, match="may be used by others than its owner"):
        HttpEngine(Engine(url=url, api_key_file=str(key)))
    key.chmod(0o600)
    HttpEngine(Engine(url=url, api_key_file=str(key))).close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_key_does_not_follow_redirect(
    serve: Serve, root_replies: dict[str, Any], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("TOY_KEY", "abc=")
    elsewhere: list[str] = []

    def other(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        elsewhere.append(path)
        return 200, {}, root_replies["Elasticsearch 7"] if path == "/" else FOUND

    there = serve(other)

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        return (
            (200, {}, root_replies["Elasticsearch 7"]) if path == "/" else (status, {"location": f"{there}{path}"}, b"")
        )

    with HttpEngine(Engine(url=serve(answer), api_key_env="TOY_KEY")) as engine:
        assert engine.search("logs", {}).kind is OutcomeKind.UNAVAILABLE
    with pytest.raises(ServiceError, match="answers, but is not Elasticsearch"):
        HttpEngine(Engine(url=serve(lambda method, path, body: (status, {"location": there}, b""))))
    assert not elsewhere


# --- the executor -----------------------------------------------------------------------


def test_executor_reads_user_index(
    serve: Serve, root_replies: dict[str, Any], example: Example, toy_task: Task
) -> None:
    seen = []

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        seen.append((path.partition("?")[0], body))
        mapping = {"mappings": {"_meta": {"now": "2020-01-01T00:00:00Z"}, "properties": {"at": {"type": "date"}}}}
        replies: dict[str, Any] = {
            "/": root_replies["Elasticsearch 7"],
            "/live/_mapping": {"live-1": mapping, "live-2": {"mappings": {"properties": {"x": {"type": "long"}}}}},
            "/live/_count": {"count": 7},
        }
        return 200, {}, replies.get(seen[-1][0], FOUND)

    with Http(HttpSettings(index="live")).open(toy_task, Engine(url=serve(answer))) as executor:
        assert executor.label == "Elasticsearch 7.17.0 (untested)"
        for _ in range(2):
            outcome = executor.run('{"query": {"range": {"at": {"lt": "now"}}}}', example)
            assert outcome.value["documents"] == 7
    assert [path for path, _ in seen] == ["/", "/live/_mapping", "/live/_count", "/live/_search", "/live/_search"]
    assert b'"lt":"2020-01-01T00:00:00.000Z"' in seen[-1][1]


LIVE = {"secret": {"type": "keyword"}, "other": {"type": "alias", "path": "secret"}, "n": {"type": "long"}}
ROW = {  # what a stranger's dataset says of the index
    "mapping": {"properties": {"other": {"type": "keyword"}, "n": {"type": "long"}}},
    "values": {"n": {"min": 0, "max": 9}},
}
GAPS = '{"size":0,"aggs":{"h":{"histogram":{"field":"n","interval":1}}}}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('{"_source":false,"query":{"term":{"other":"x"}}}', "field_denied"),  # an alias of a denied field
        (GAPS, "limit"),
    ],
)
def test_row_does_not_override_mapping_of_user_index(
    serve: Serve, root_replies: dict[str, Any], tmp_path: Path, body: str, code: str
) -> None:
    searched = []

    def answer(method: str, path: str, sent: bytes) -> tuple[int, dict[str, str], Any]:
        replies = {"/": root_replies["Elasticsearch 7"], "/live/_mapping": {"live": {"mappings": {"properties": LIVE}}},
                   "/live/_count": {"count": 7}}  # fmt: skip
        if b'"low"' in sent:  # the range of the field, which the guard asks for
            ends = {"doc_count": 7, "low": {"value": -1e9}, "high": {"value": 1e9}}
            return 200, {}, {**FOUND, "aggregations": {"f0": ends}}
        searched.extend([sent] * path.startswith("/live/_search"))
        return 200, {}, replies.get(path.partition("?")[0], FOUND)

    url, limits = serve(answer), Limits(fields=("*", "!secret"))
    example = Example(id="1", question="?", context={"index": "live", **ROW})
    with Http(HttpSettings(index="live")).open(QueryDsl(Settings(guard=limits)), Engine(url=url)) as executor:
        harmless = executor.run('{"size":0,"query":{"term":{"n":1}}}', example)
        refused = executor.run(body, example)
    assert harmless.kind is OutcomeKind.OK
    assert refused.kind is OutcomeKind.INVALID
    assert {problem.code for problem in refused.problems} == {code}
    assert refused.reason.startswith("not run: guard: refused: ")
    assert len(searched) == 1

    mapping, values = tmp_path / "mapping.json", tmp_path / "values.json"
    mapping.write_text(json.dumps({"properties": LIVE}))
    values.write_text(json.dumps(ROW["values"]))
    own = Settings(index="live", mapping=str(mapping), values=str(values), guard=limits)
    with Http(HttpSettings(index="live")).open(
        QueryDsl(own), Engine(url=url)
    ) as executor:  # the project's own files do
        assert (executor.run(body, example).kind is OutcomeKind.OK) == (body == GAPS)


def _live_histogram(url: str, *documents: dict[str, Any], dialect: str = "elasticsearch9", **options: Any) -> Outcome:
    """A histogram over documents whose range no file names."""
    name, example = "dstill-live", Example(id="1", question="?", context={"index": "dstill-live"})
    mapping = {"properties": {"n": {"type": "long"}, "at": {"type": "date"}, "in": {"type": "nested", "properties": {
        "n": {"type": "long"}}}}}  # fmt: skip
    with HttpEngine(Engine(url=url), writable=True) as loader:
        loader.index(name, mapping, [(str(n), document) for n, document in enumerate(documents)])
        task = QueryDsl(Settings(dialect=dialect))  # type: ignore[arg-type]
        with Http(HttpSettings(index=name)).open(task, Engine(url=url)) as executor:
            aggs: dict[str, Any] = {"a": {"date_histogram" if options["field"] == "at" else "histogram": options}}
            if options["field"].startswith("in."):
                aggs = {"in": {"nested": {"path": "in"}, "aggs": aggs}}
            return executor.run(json.dumps({"size": 0, "aggs": aggs}), example)


@pytest.fixture(scope="module")
def live_url(engine: HttpEngine) -> str:
    return engine.settings.url  # it says that it is an OpenSearch, which may fill any gap


@pytest.mark.parametrize(
    ("documents", "options"),
    [
        ([{"n": 3}, {"n": 900}], {"field": "n", "interval": 1}),
        ([{"n": 0}, {"n": 10**9}], {"field": "n", "interval": 10**6}),
        ([{"in": [{"n": 3}, {"n": 900}]}], {"field": "in.n", "interval": 1}),
        ([{"at": "2024-01-01"}, {"at": "2024-06-30"}], {"field": "at", "fixed_interval": "1h"}),
        ([{"at": "1970-01-01"}, {"at": "1970-01-02"}], {"field": "at", "fixed_interval": "1h"}),
        ([{"n": 1}], {"field": "at", "fixed_interval": "1h"}),
        ([{"at": "2000-01-01"}, {"at": "2025-01-01"}], {"field": "at", "calendar_interval": "day"}),
    ],
)
def test_asks_server_for_unknown_range(live_url: str, documents: list[dict[str, Any]], options: dict[str, Any]) -> None:
    assert _live_histogram(live_url, *documents, **options).kind is OutcomeKind.OK


@pytest.mark.parametrize(
    ("documents", "options", "buckets"),
    [
        ([{"n": 3}, {"n": 10**9}], {"field": "n", "interval": 1}, "999,999,998"),
        ([{"in": [{"n": 3}, {"n": 10**9}]}], {"field": "in.n", "interval": 1}, "999,999,998"),
        ([{"n": [3, 10**9]}], {"field": "n", "interval": 1}, "999,999,998"),
        ([{"at": "2014-01-01"}, {"at": "2024-01-01"}], {"field": "at", "fixed_interval": "1h"}, "87,649"),
        ([{"at": "0001-01-01"}, {"at": "2024-01-01"}], {"field": "at", "calendar_interval": "month"}, "26,390"),
        ([{"n": 3}, {"n": 9}], {"field": "n", "interval": 1, "missing": 10**6}, "1,000,001"),
    ],
)
def test_refuses_too_many_buckets_over_range_that_server_names(
    live_url: str, documents: list[dict[str, Any]], options: dict[str, Any], buckets: str
) -> None:
    outcome = _live_histogram(live_url, *documents, **options)
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.reason.endswith(f"the aggregation may make about {buckets} buckets, the limit is 10,000")


def test_refuses_unknown_range_of_dates_that_cannot_be_read(live_url: str) -> None:
    outcome = _live_histogram(live_url, {"at": -(10**15)}, {"at": "2024-01-01"}, field="at", fixed_interval="1h")
    assert outcome.kind is OutcomeKind.INVALID
    assert "the range of 'at' is unknown" in outcome.reason


def test_executor_needs_server(toy_task: Task) -> None:
    with pytest.raises(UsageError, match="needs a server"):
        Http().open(toy_task, Engine())


# --- replies of another form ------------------------------------------------------------


@pytest.mark.parametrize("reply", [{}, {"count": "many"}, [1]], ids=str)
def test_count_without_number_is_service_error(serve: Serve, root_replies: dict[str, Any], reply: Any) -> None:
    with (
        engine_with_search(serve, root_replies, lambda: (200, {}, reply)) as engine,
        pytest.raises(ServiceError, match="no 'count'"),
    ):
        engine.count("logs")
