"""A collector of OpenTelemetry traces on this machine, which takes OTLP over HTTP.

with LoopbackCollector() as collector:
    collector.url                   # http://127.0.0.1:40001
    collector.spans                 # [Span(name="read", parent="POST /v1/query", …)], in the order of their beginning
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from support.loopback_server import Asked, serving

__all__ = ["LoopbackCollector", "Span"]


@dataclass(frozen=True, kw_only=True)
class Span:
    name: str
    parent: str  # the name of the span that it is part of; empty: none of this collector
    trace: str
    kind: int
    attributes: dict[str, Any]
    is_error: bool
    seconds: float
    resource: dict[str, Any]


@dataclass
class LoopbackCollector:
    status: int = 200
    paths: list[str] = field(default_factory=list)  # of its requests
    headers: list[dict[str, str]] = field(default_factory=list)
    _requests: list[ExportTraceServiceRequest] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._serving = serving(self._answer)
        self.url = self._serving.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.__exit__(None, None, None)

    @property
    def bodies(self) -> str:
        """All that it was sent, as text."""
        return "".join(map(str, self._requests))

    @property
    def spans(self) -> list[Span]:
        whole = [
            (_attributes(group.resource), span)
            for request in self._requests
            for group in request.resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]
        names = {span.span_id: span.name for _, span in whole}
        return [
            Span(
                name=span.name,
                parent=names.get(span.parent_span_id, ""),
                trace=span.trace_id.hex(),
                kind=span.kind,
                attributes=_attributes(span),
                is_error=span.status.code == 2,
                seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                resource=resource,
            )
            for resource, span in sorted(whole, key=lambda one: one[1].start_time_unix_nano)
        ]

    def _answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        is_packed = asked.headers.get("content-encoding") == "gzip"
        self.paths.append(asked.path)
        self.headers.append(dict(asked.headers))
        self._requests.append(
            ExportTraceServiceRequest.FromString(gzip.decompress(asked.body) if is_packed else asked.body)
        )
        reply = ExportTraceServiceResponse().SerializeToString()
        return self.status, {"content-type": "application/x-protobuf"}, reply


def _attributes(of: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}
