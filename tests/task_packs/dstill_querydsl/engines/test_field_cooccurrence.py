"""Which fields no document has together: one search, of counts alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.field_cooccurrence import never_together
from dstill_querydsl.language.fields import Field, Fields

MAPPING: Mapping[str, Any] = {
    "properties": {
        "type": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "push": {"properties": {"size": {"type": "long"}, "head": {"type": "keyword"}}},
        "comment": {"properties": {"id": {"type": "long"}}},
        "parts": {"type": "nested", "properties": {"name": {"type": "keyword"}}},
    }
}
DOCUMENTS: list[tuple[str, Mapping[str, Any]]] = [
    ("1", {"type": "push", "push": {"size": 1}, "parts": [{"name": "a"}]}),
    ("2", {"type": "push", "push": {"size": 2, "head": "abc"}}),
    ("3", {"type": "comment", "comment": {"id": 7}}),
]
NAMES = ("push.size", "comment.id", "type.keyword", "push.head", "parts.name")


@pytest.fixture(scope="module")
def engine(engine: HttpEngine) -> HttpEngine:
    engine.index("dstill-kinds", MAPPING, DOCUMENTS)
    engine.index("dstill-types", MAPPING, DOCUMENTS[2:])
    return engine


def fields(*names: str) -> list[Field]:
    known = Fields.of(MAPPING)
    return [one for one in map(known.get, names) if one is not None]


def test_finds_field_pairs_in_no_document(engine: HttpEngine) -> None:
    assert never_together(engine, "dstill-kinds", fields(*NAMES)) == {"comment.id": ["push.head", "push.size"]}
    # a sub-field is listed under its parent field
    assert never_together(engine, "dstill-types", fields("push.size", "type.keyword")) == {"push.size": ["type"]}


def test_sends_one_request_without_documents_or_values(engine: HttpEngine) -> None:
    asked: list[Any] = []

    class Recorder:
        def search(self, name: str, body: Mapping[str, Any]) -> Outcome:
            asked.append(body)
            return engine.search(name, body)

    never_together(Recorder(), "dstill-kinds", fields(*NAMES))  # type: ignore[arg-type]
    [body] = asked
    assert body["size"] == 0
    assert list(body["aggs"]) == ["having"]
    assert "parts.name" not in json.dumps(body)  # in nested objects it would be another question
    assert never_together(Recorder(), "dstill-kinds", fields("push.size")) == {}  # type: ignore[arg-type]
    assert len(asked) == 1


def test_failed_request_gives_no_pairs() -> None:
    class Silent:
        def search(self, name: str, body: Mapping[str, Any]) -> Outcome:
            return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="timed out")

    assert never_together(Silent(), "dstill-kinds", fields(*NAMES)) == {}  # type: ignore[arg-type]
