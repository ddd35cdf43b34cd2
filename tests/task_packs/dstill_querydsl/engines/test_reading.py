"""What is read of an index: values, bounds and geo points, in few requests, and what is omitted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dstill.api.records import Outcome, OutcomeKind
from dstill.api.values import MOST, Values
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.conformance_docs import DOCUMENTS, MAPPING
from dstill_querydsl.engines.reading import COUNT_BATCH, LONGEST, FieldValues, read
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.mapping import limits_on

NAME = "dstill-reading"
KEY = "sk-abcdefghijklmnop0123456789"


class Recorder:
    """An engine that keeps the bodies that it is asked."""

    def __init__(self, inner: HttpEngine, fails: Callable[[str], bool] = lambda text: False) -> None:
        self.inner, self.fails, self.bodies = inner, fails, []  # type: ignore[var-annotated]

    def search(self, index: str, body: Mapping[str, Any]) -> Outcome:
        self.bodies.append(json.dumps(body))
        if self.fails(self.bodies[-1]):
            return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="timed out")
        return self.inner.search(index, body)


@pytest.fixture(scope="module")
def engine(engine: HttpEngine) -> HttpEngine:
    engine.index(NAME, MAPPING, DOCUMENTS.items())
    engine.index(f"{NAME}-odd", ODD, ODD_DOCUMENTS.items())
    engine.index(f"{NAME}-wide", WIDE, [("1", {f"f{n}": n for n in range(900)}), ("2", {"f7": 9, "f8": 9})])
    return engine


ODD: Mapping[str, Any] = {
    "properties": {
        "many": {"type": "keyword"},
        "text": {"type": "keyword"},
        "hidden": {"type": "keyword"},
        "shown": {"type": "alias", "path": "hidden"},
        "unindexed": {"type": "keyword", "doc_values": False},
        "shape": {"type": "geo_shape"},
        "ids": {"type": "long"},
        "huge": {"type": "long"},
        "part": {"type": "float"},
        "old": {"type": "date"},
    }
}
ODD_DOCUMENTS: Mapping[str, Mapping[str, Any]] = {
    str(n): {
        "many": f"v{n:02}",
        "text": ("short", "x" * (LONGEST + 1), KEY, "")[n % 4],
        "hidden": "secret",
        "unindexed": "u",
        "ids": n,
        "huge": 2**60 + n,
        "part": 0.1,
        "old": "1812-06-24T00:00:00Z",
    }
    for n in range(MOST + 5)
}
WIDE: Mapping[str, Any] = {"properties": {f"f{n}": {"type": "integer"} for n in range(900)}}


def reading(engine: Any, mapping: Mapping[str, Any] = MAPPING, name: str = NAME, **more: Any) -> FieldValues:
    return read(engine, name, mapping, **{"allows": lambda _: True, "most": 100, "texts": 0, "together": 40, **more})


def test_reads_values_bounds_and_geo_points(engine: HttpEngine) -> None:
    found = reading(engine)
    values = found.values.to_json()
    assert Values.read(json.loads(json.dumps(values))).to_json() == values
    assert values["level"] == ["info", "error", "warn", "Error", "debug"]
    assert set(values["ok"]) == {True, False}
    assert {key: values["took"][key] for key in ("min", "max")} == {"min": 10, "max": 110}
    assert len(values["took"]["examples"]) == 11
    assert values["price"] == {"min": 0.5, "max": 9.5}
    assert values["at"] == {"min": "2025-01-01T00:00:00.000Z", "max": "2025-02-10T00:00:00.000Z"}
    assert "2001:db8::1" in values["client"]["examples"]
    assert {"lat": 52.52, "lon": 13.41} in values["place"]["examples"]
    assert values["steps.name"] == ["read", "write", "sync"]
    assert set(values["owner.name"]) == {"ada", "bob", "cy", "dee"}
    assert found.newest.isoformat() == "2025-02-10T00:00:00+00:00"
    assert found.unread == {"message": "texts", "title": "texts", "empty": "in no document"}


def test_omits_long_secret_and_inexact_values(engine: HttpEngine) -> None:
    found = reading(engine, ODD, f"{NAME}-odd")
    values = found.values.to_json()
    assert len(values["many"]["examples"]) == MOST  # so many that there may be others
    assert values["text"] == {"examples": ["short"]}  # neither long ones nor what looks like a key
    assert KEY not in json.dumps(values)
    assert values["ids"] == {"min": 0, "max": MOST + 4}  # more than are listed
    assert values["part"] == {"min": 0.1, "max": 0.1}
    assert values["old"]["min"] == "1812-06-24T00:00:00.000Z"
    assert found.unread["huge"] == "no usable value"  # beyond what a figure says exactly
    assert found.unread["shape"] == "of type geo_shape"
    assert found.unread["unindexed"] == "not indexed, or without doc values"


def test_no_request_names_denied_field(engine: HttpEngine) -> None:
    asked = Recorder(engine)
    limits = limits_on(ODD, Limits(fields=("*", "!hidden", "!ids")))
    found = reading(asked, ODD, f"{NAME}-odd", allows=limits.allows)
    assert {name for name, why in found.unread.items() if why == "denied by guard.fields"} == {"hidden", "shown", "ids"}
    assert asked.bodies
    for word in ("hidden", "shown", "ids", "secret"):
        assert not any(f'"{word}"' in body for body in asked.bodies)
        assert word not in found.values


def test_reads_most_filled_fields_of_wide_index(engine: HttpEngine) -> None:
    asked = Recorder(engine)
    found = reading(asked, WIDE, f"{NAME}-wide", most=30)
    assert len(list(found.values)) == 30
    assert {"f7", "f8"} <= set(found.values)
    assert sum(why == "in fewer documents" for why in found.unread.values()) == 870
    assert (
        len(asked.bodies) == math.ceil(900 / COUNT_BATCH) + 2 + 1
    )  # how full they are, what they hold, what goes together


def test_splits_request_that_fails(engine: HttpEngine) -> None:
    asked = Recorder(engine, fails=lambda text: '"level"' in text and '"terms"' in text)
    found = reading(asked)
    assert found.unread["level"] == "not answered: timed out"
    assert found.values.get("tags") is not None
    assert len(asked.bodies) < 15


def test_reads_texts_only_on_request(engine: HttpEngine) -> None:
    asked = Recorder(engine)
    reading(asked)
    assert not any('"_source": ["' in body for body in asked.bodies)
    found = reading(engine, texts=20).values.to_json()
    words = found["title"]["examples"]
    assert {"cluster news", "slow query"} <= set(words)
    assert all(len(one.split()) in (2, 3) for one in found["message"]["examples"])
    texts = [str(source["message"]) for source in DOCUMENTS.values()]
    assert all(any(one in text for text in texts) for one in found["message"]["examples"])
    assert "hidden" not in found
