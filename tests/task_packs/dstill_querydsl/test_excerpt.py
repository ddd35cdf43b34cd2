"""The schema shown with a question about an index: the fields that the answer uses, then the others."""

from __future__ import annotations

import json

from dstill.api.protocols import Presentation
from dstill.api.records import Example, RelevantSchema
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.mapping.drift import field_count
from dstill_querydsl.language.results.excerpt import MOST
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

MAPPING = {
    "properties": {
        "level": {"type": "keyword", "meta": {"description": "how bad it is"}},
        "took": {"type": "long"},
        "at": {"type": "date", "format": "epoch_millis"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "items": {"type": "nested", "properties": {"name": {"type": "keyword"}}},
        "mail": {"type": "keyword"},
    }
}
VALUES = {
    "level": ["error", "warn"],
    "took": {"min": 1, "max": 900},
    "title": {"examples": ["a title"]},
    "mail": ["a@example.org"],
}


def excerpt(body: object, **settings: object) -> RelevantSchema:
    example = Example(id="1", question="q", context={"index": "logs", "mapping": MAPPING, "values": VALUES})
    return Presentation.of(QueryDsl(Settings(**settings))).relevant_schema(example, json.dumps(body))  # type: ignore[arg-type]


def test_used_fields_come_first_in_answer_order() -> None:
    found = excerpt({"query": {"range": {"took": {"gte": 5}}}, "sort": ["at", {"level": "asc"}]})
    assert found.title == "fields of logs"
    assert found.used == (
        ("took", "long: 1 to 900"),
        ("at", "date: format epoch_millis"),
        ("level", "keyword: how bad it is; error, warn"),
    )
    assert [name for name, _ in found.rest] == ["title", "title.raw", "items.name", "mail"]
    assert dict(found.rest)["items.name"] == "keyword: nested in items"
    assert dict(found.rest)["title"] == "text: as a title …"


def test_omits_values_of_denied_fields() -> None:
    found = excerpt({"query": {"match_all": {}}}, guard=Limits(fields=("*", "!mail")))
    assert dict(found.rest)["mail"] == "keyword"


def test_answer_without_fields_of_the_mapping_uses_none() -> None:
    assert excerpt({"query": {"term": {"nothing": 1}}}).used == ()
    assert excerpt({"refusal": "no"}).used == ()
    example = Example(id="1", question="q", context={"index": "logs", "mapping": MAPPING})
    shown = Presentation.of(QueryDsl()).relevant_schema(example, "{").rest
    assert len(shown) == field_count(MAPPING) == 7  # `init` and `ask` count the same
    assert (
        Presentation.of(QueryDsl()).relevant_schema(Example(id="1", question="q", context={"index": "mine"}), "{}")
        == RelevantSchema()
    )


def test_shortens_wide_mapping_and_says_so() -> None:
    mapping = {"properties": {f"f{n}": {"type": "long"} for n in range(MOST + 5)}}
    example = Example(id="1", question="q", context={"index": "logs", "mapping": mapping})
    found = Presentation.of(QueryDsl()).relevant_schema(example, '{"query":{"term":{"f1":1}}}')
    assert (len(found.rest), found.rest[-1]) == (MOST + 1, ("…", "4 more"))
