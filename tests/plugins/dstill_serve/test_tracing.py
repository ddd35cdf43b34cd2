"""OpenTelemetry: the spans of requests, as a collector gets them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.kill.children import python_path
from support.loopback_collector import LoopbackCollector, Span

from dstill.errors import ConfigError, MissingExtra
from dstill.runs.run import Run
from dstill_serve import tracing
from dstill_serve.observed import RequestLog
from dstill_serve.tracing import Traces, traces_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SERVER = 2  # the kind of a span, in OTLP


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackCollector]:
    """A collector that gets spans soon after they end."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")  # ms
    with LoopbackCollector() as found:
        yield found


def tree(spans: list[Span]) -> list[tuple[str, str]]:
    return [(span.parent, span.name) for span in spans]


def test_request_is_a_span_with_its_parts(
    collector: LoopbackCollector, serve_in_thread: Callable[..., Any], wait_for: Callable[..., None]
) -> None:
    log = Path("requests.jsonl")
    with traces_of(collector.url, environment={}) as traces:
        server = serve_in_thread(traces=traces, log=RequestLog(log))
        reply = server("POST", "/v1/query", {"question": "what is tea?", "execute": True}, traceparent=PARENT)
        assert reply.json["ok"]
        wait_for(lambda: len(collector.spans) == 6 and log.read_text())
    assert set(collector.paths) == {"/v1/traces"}
    top = "POST /v1/query"
    parts = [(top, "read"), (top, "answer"), ("answer", "write"), ("answer", "check"), (top, "execute")]
    assert tree(collector.spans) == [("", top), *parts]
    whole, *spans = collector.spans
    assert {span.trace for span in collector.spans} == {TRACE}
    assert f'"trace":"{TRACE}"' in log.read_text()
    assert (whole.kind, whole.is_error, whole.resource["service.name"]) == (SERVER, False, "dstill")
    assert whole.attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/query",
        "http.response.status_code": 200,
        "dstill.question_chars": 12,
        "dstill.outcome": "ok",
        "dstill.answered_by": "student",
    }
    assert all(0 < span.seconds < whole.seconds for span in spans)
    assert "tea" not in collector.bodies


def test_texts_are_traced_where_asked(
    collector: LoopbackCollector, serve_in_thread: Callable[..., Any], wait_for: Callable[..., None]
) -> None:
    with traces_of(collector.url, texts=True, environment={}) as traces:
        serve_in_thread(traces=traces).query("what is tea?")
        wait_for(lambda: len(collector.spans) == 5)
    attributes = collector.spans[0].attributes
    assert (attributes["dstill.question"], attributes["dstill.answer"]) == ("what is tea?", '{"say": "tea"}')


def test_part_that_fails_is_an_error(
    collector: LoopbackCollector, serve_in_thread: Callable[..., Any], wait_for: Callable[..., None]
) -> None:
    with traces_of(collector.url, environment={}) as traces:
        server = serve_in_thread(traces=traces, seconds=0.3)
        server("POST", "/v1/query", "{")
        Path("hold").touch()
        server.query("what is tea?")
        Path("hold").unlink()
        wait_for(lambda: len(collector.spans) == 5)
    spans = collector.spans
    assert tree(spans)[:2] == [("", "POST /v1/query"), ("POST /v1/query", "read")]
    bad, late = (span for span in spans if not span.parent)
    assert (bad.is_error, bad.attributes["error.type"]) == (False, "invalid_json")  # the client's error
    assert (late.is_error, late.attributes["error.type"]) == (True, "timeout")
    (answer,) = (span for span in spans if span.name == "answer")
    assert (answer.is_error, answer.attributes) == (True, {"error.type": "TimeoutError"})
    assert "tea" not in collector.bodies


def test_variables_of_opentelemetry_hold(
    run: Run, collector: LoopbackCollector, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=tea")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,deployment.environment.name=test")
    served = serve(run.folder)
    assert served.query().status == 200
    code, _, err = served.ended(by=signal.SIGTERM)
    assert (code, "warning" in err) == (0, False)
    whole, *_ = collector.spans
    assert whole.resource["service.name"] == "shop"
    assert whole.resource["deployment.environment.name"] == "test"
    assert collector.headers[0]["x-tenant"] == "tea"


def test_collector_that_is_away_costs_no_answer(
    serve_in_thread: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")  # seconds for a batch, with its retries
    with traces_of("http://127.0.0.1:9", environment={}) as traces:
        server = serve_in_thread(traces=traces)
        assert [server.query().status for _ in range(3)] == [200] * 3
        started = time.monotonic()
    assert time.monotonic() - started < 30
    assert capsys.readouterr().err.count("warning: traces are lost: ") == 1


@pytest.mark.parametrize(
    ("environment", "is_traced"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "shop"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_requests_are_traced_where_a_variable_names_a_collector(environment: dict[str, str], is_traced: bool) -> None:
    with traces_of(environment=environment) as traces:
        assert (type(traces) is not Traces) == is_traced


def test_address_or_protocol_that_cannot_be_used_is_refused() -> None:
    for url in ("127.0.0.1:4318", "http://user:pass@127.0.0.1:4318", "ftp://127.0.0.1"):
        with pytest.raises(ConfigError) as refused, traces_of(url, environment={}):
            pass
        assert refused.value.where == "--otlp"
    grpc = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(ConfigError, match="http/protobuf, not grpc"), traces_of(environment=grpc):
        pass


def test_missing_libraries(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An option needs them. Variables may be meant for other programs."""
    monkeypatch.setattr(tracing, "_is_installed", lambda: False)
    with pytest.raises(MissingExtra, match="the extra 'otel'"), traces_of("http://127.0.0.1:4318", environment={}):
        pass
    with traces_of(environment={"OTEL_TRACES_EXPORTER": "otlp"}) as traces:
        assert type(traces) is Traces
    assert "pip install 'dstill[otel]'" in capsys.readouterr().err


def test_nothing_is_imported_where_nothing_is_traced(run: Run, shop_pack: Path) -> None:
    code = f"""
import sys, threading, urllib.request
from dstill import cli
from dstill_serve import serving

def asked(server, listener):
    thread = threading.Thread(target=ask, args=(listener.getsockname()[1],))
    thread.start()
    found = real(server, listener)
    thread.join()
    return found

def ask(port):
    import json, os, signal
    body = json.dumps({{"question": "what is tea?"}}).encode()
    url, headers = f"http://127.0.0.1:{{port}}/v1/query", {{"content-type": "application/json"}}
    assert urllib.request.urlopen(urllib.request.Request(url, body, headers)).status == 200
    os.kill(os.getpid(), signal.SIGTERM)

real, serving.run = serving.run, asked
assert cli.run(["--plugin", {str(shop_pack)!r}, "serve", {str(run.folder)!r}, "--port", "0"]) == 0
print(sorted(name for name in sys.modules if name.partition(".")[0] == "opentelemetry"))
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment["PYTHONPATH"] = python_path()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr
