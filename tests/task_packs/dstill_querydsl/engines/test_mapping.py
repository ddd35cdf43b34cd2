"""The mapping of several indices behind one name, as the HTTP engine reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.language.fields import Fields


def test_warns_of_conflicts_between_indices(
    serve: Callable[[Any], str], root_replies: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def index(took: str) -> dict[str, Any]:
        return {"mappings": {"properties": {"took": {"type": took}, "size": {"type": "long"}}}}

    replies = {
        "/": root_replies["Elasticsearch 9"],
        "/logs/_mapping": {"logs-1": index("long"), "logs-2": index("keyword"), "logs-3": index("long")},
    }
    url = serve(lambda method, path, body: (200, {"x-elastic-product": "Elasticsearch"}, replies[path]))
    engine = HttpEngine(Engine(url=url))
    with caplog.at_level(logging.WARNING, logger="dstill"):
        mapping = engine.mapping("logs")
    engine.close()
    assert caplog.messages == [
        "the indices of 'logs' disagree on the type of 1 field(s): "
        "'took' is long in logs-1 and logs-3, keyword in logs-2"
    ]
    fields = Fields.of(mapping)
    assert fields.names == ("took", "size")
    assert fields.conflicts["took"].types == {"long": ("logs-1", "logs-3"), "keyword": ("logs-2",)}
