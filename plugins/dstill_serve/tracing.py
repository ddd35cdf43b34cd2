"""OpenTelemetry traces: a span for each request, and one for each part of the work on it.

    POST /v1/query
    ├── read                the request's body
    ├── answer              from the queue to the answer
    │   ├── write           the student, for all questions of the batch
    │   └── check           the checks on this answer
    ├── fallback            the large model, if it was asked
    │   └── check
    └── execute             on the engine

    with traces_of("http://127.0.0.1:4318") as traces:      # or what the OTEL_* variables say; else nothing is traced
        with traces.request(seen, headers), traces.step("read"): …

Spans go to a collector over OTLP/HTTP, in a thread of its own. If the collector is away, spans are lost, but no
answers. Nothing of OpenTelemetry is imported if nothing is traced.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from dstill.cli.console import note
from dstill.errors import ConfigError, MissingExtra
from dstill.io.urls import checked_url
from dstill.stages.predict.predicted import Step
from dstill_serve.observed import Observed

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

__all__ = ["Traces", "traces_of"]

OPTION = "--otlp"
PATH = "/v1/traces"
PROTOCOL = "http/protobuf"  # the one that is sent
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
MODULE = "opentelemetry.exporter.otlp.proto.http"


class Traces:
    """Traces nothing."""

    def request(self, seen: Observed, headers: Mapping[str, str]) -> AbstractContextManager[None]:
        """The span of a request. `headers`: those of the request, which may name the trace that it belongs to."""
        return nullcontext()

    def step(self, name: str) -> AbstractContextManager[None]:
        """The span of a part of the work, within the current one."""
        return nullcontext()

    def past(self, steps: Iterable[Step]) -> None:
        """Spans of what was done already, within the current one."""


class _Sent(Traces):
    def __init__(self, tracer: Tracer, *, texts: bool) -> None:
        self._tracer, self._texts = tracer, texts

    @contextmanager
    def request(self, seen: Observed, headers: Mapping[str, str]) -> Iterator[None]:
        from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        with self._tracer.start_as_current_span(
            f"{seen.method} {seen.route}",
            context=TraceContextTextMapPropagator().extract(headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": seen.method, "http.route": seen.route},
            record_exception=False,  # its message may have text of the user
            set_status_on_exception=False,
        ) as span:
            if span.is_recording():
                seen.trace = format_trace_id(span.get_span_context().trace_id)
            try:
                yield
            finally:
                facts = seen.facts(texts=self._texts)
                span.set_attributes({f"dstill.{name}": value for name, value in facts.items() if value is not None})
                span.set_attribute("http.response.status_code", seen.status)
                if seen.code:
                    span.set_attribute("error.type", seen.code)
                if seen.status >= 500 or not seen.status:
                    span.set_status(StatusCode.ERROR)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        from opentelemetry.trace import StatusCode

        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise

    def past(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._tracer.start_span(step.name, start_time=step.began).end(step.ended)


@contextmanager
def traces_of(url: str = "", *, texts: bool = False, environment: Mapping[str, str] = os.environ) -> Iterator[Traces]:
    """Traces that go to the collector at `url`, else to that of the OTEL_* variables, else nowhere.

    The end sends what is left. `texts`: with what questions and answers say. Raises ConfigError, MissingExtra.
    """
    if not url and not _is_asked(environment):
        yield Traces()
        return
    if not _is_installed():
        if url:
            raise MissingExtra(f"`dstill serve {OPTION}`", "otel", "opentelemetry-exporter-otlp-proto-http")
        note("warning: the OTEL_* variables ask for traces, which need the extra 'otel': pip install 'dstill[otel]'")
        yield Traces()
        return
    with _failures_noted(), _provider(_endpoint(url, environment)) as provider:
        yield _Sent(provider.get_tracer("dstill"), texts=texts)


def _is_asked(environment: Mapping[str, str]) -> bool:
    """Whether the variables of OpenTelemetry name a collector."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true" or exporter not in ("", "otlp"):
        return False
    return exporter == "otlp" or any(environment.get(name) for name in ENDPOINTS)


def _is_installed() -> bool:
    try:
        return find_spec(MODULE) is not None
    except ModuleNotFoundError:
        return False


def _endpoint(url: str, environment: Mapping[str, str]) -> str | None:
    """Where spans are sent; None: what the variables say."""
    if not url:
        for name in PROTOCOLS:
            if (protocol := environment.get(name, PROTOCOL)) != PROTOCOL:
                hint = f"set it to {PROTOCOL}, with the port of that protocol (usually 4318)"
                raise ConfigError(
                    f"traces are sent as {PROTOCOL}, not {protocol}", where=f"environment {name}", hint=hint
                )
        return None
    address = checked_url(url, where=OPTION, key=False)
    return address if address.endswith(PATH) else address + PATH


@contextmanager
def _provider(endpoint: str | None) -> Iterator[Any]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from dstill import __version__

    own = Resource.create({"service.name": "dstill", "service.version": __version__})
    resource = own.merge(OTELResourceDetector().detect())  # the variables override
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    try:
        yield provider
    finally:
        provider.shutdown()


@contextmanager
def _failures_noted() -> Iterator[None]:
    """The first thing that goes wrong with traces is a message; OpenTelemetry would repeat it for each batch."""
    log, handler = logging.getLogger("opentelemetry"), _Once(logging.WARNING)
    propagate, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate


class _Once(logging.Handler):
    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._noted = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._noted:
            self._noted = True
            with contextlib.suppress(Exception):  # a message of a library may not fit its arguments
                note(f"warning: traces are lost: {record.getMessage()}")
