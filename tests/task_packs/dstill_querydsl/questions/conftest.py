"""Indices that the questions were not tuned for: a shop, a fleet's telemetry, and a third-party event log."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.values import values_in
from dstill_querydsl.questions.templates import Rules, Tally, composed_questions
from dstill_querydsl.questions.templates.compose import ComposedQuestion

KEYWORD = {"type": "keyword"}
SHOP = {
    "properties": {
        "orderId": KEYWORD,
        "status": KEYWORD,
        "customer": {
            "properties": {
                "name": {"type": "text", "fields": {"keyword": KEYWORD}},
                "country": KEYWORD,
                "ip": {"type": "ip"},
                "home": {"type": "geo_point"},
            }
        },
        "placed": {"type": "date", "format": "dd.MM.yyyy"},
        "paid": {"type": "boolean"},
        "total": {"type": "scaled_float", "scaling_factor": 100, "meta": {"unit": "EUR"}},
        "handling": {"type": "long", "meta": {"unit": "s"}},
        "note": {"type": "text"},
        "items": {
            "type": "nested",
            "properties": {
                "sku": KEYWORD,
                "title": {"type": "text", "fields": {"raw": KEYWORD}},
                "price": {"type": "double"},
                "quantity": {"type": "integer"},
            },
        },
    }
}
SHOP_VALUES = {
    "status": ["open", "paid", "shipped", "returned"],
    "customer.country": ["DE", "FR", "US"],
    "customer.name": {"examples": ["Ada Lovelace", "Grace Hopper", "Alan Turing"]},
    "placed": {"min": "01.01.2024", "max": "31.12.2024"},
    "total": {"min": 1, "max": 5000},
    "handling": {"min": 60, "max": 900_000},
    "note": {"examples": ["leave at the back door", "call before delivery", "gift wrap please"]},
    "items.sku": {"examples": ["A-100", "B-200", "C-300"]},
}
FLEET = {
    "_meta": {"now": "2024-05-31T23:00:00Z"},
    "properties": {
        "@timestamp": {"type": "date"},
        "vehicle": {
            "properties": {
                "plate": {"type": "wildcard"},
                "firmware": {"type": "version"},
                "label": {"type": "text", "fields": {"grams": {"type": "text", "analyzer": "my_ngrams"}}},
            }
        },
        "position": {"type": "geo_point"},
        "speed_kmh": {"type": "half_float"},
        "gateway": {"type": "ip"},
        "online": {"type": "boolean"},
        "http": {"properties": {"status_code": {"type": "short"}}},
        "latency": {"type": "long", "meta": {"unit": "nanos"}},
        "payload": {"type": "long", "meta": {"unit": "byte"}},
        "sensors": {
            "type": "nested",
            "properties": {"name": KEYWORD, "unit": KEYWORD, "value": {"type": "float"}, "faulty": {"type": "boolean"}},
        },
        "model": {"type": "dense_vector", "dims": 3},
        "alias": {"type": "alias", "path": "speed_kmh"},
    },
}


@pytest.fixture(scope="session")
def index(cases: Callable[[str], Any]) -> Callable[[str], Index]:
    """``index("shop")``: the shop has a values file, the fleet none, the log one that was read from documents."""

    @cache
    def loaded(name: str) -> Index:
        if name == "gharchive":
            log = cases("corpora/gharchive.json")
            values = values_in(log["mapping"], (document["_source"] for document in log["docs"])).to_json()
            context = {"mapping": log["mapping"], "values": values}
        else:
            context = {"shop": {"mapping": SHOP, "values": SHOP_VALUES}, "fleet": {"mapping": FLEET}}[name]
        index = index_of({"index": name, **context})
        assert index is not None
        return index

    return loaded


@pytest.fixture(scope="session")
def made(index: Callable[[str], Index]) -> Callable[[str], tuple[list[ComposedQuestion], Tally]]:
    """``made("shop")``: 240 questions and what became of the candidates."""

    @cache
    def loaded(name: str) -> tuple[list[ComposedQuestion], Tally]:
        tally = Tally()
        return list(composed_questions(index(name), 240, 0, Rules(), tally)), tally

    return loaded


def text_of(made: list[ComposedQuestion]) -> str:
    return "\n".join(json.dumps(one.example.to_row()) for one in made)
