"""Documents for an index whose own are not here: what its fields are known to hold, and which go together."""

from __future__ import annotations

from typing import Any

from dstill.api.values import Known, Values
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.questions.templates.context import QuestionContext
from dstill_querydsl.questions.templates.fitting_values import fitting

PROPERTIES: dict[str, Any] = {
    "kind": {"type": "keyword"},
    "size": {"type": "integer"},
    "words": {"type": "integer"},
    "open": {"type": "boolean"},
}
VALUES = {"kind": ["push", "talk"], "size": {"min": 0, "max": 900, "examples": [1, 2, 800]}, "words": {"max": 9}}


def sources(meta: Any = None, **values: Any) -> tuple[Any, ...]:
    mapping = {"properties": PROPERTIES, **({"_meta": meta} if meta else {})}
    values_read = Values.read({**VALUES, **values})
    return QuestionContext.of(
        Index(name="mine", mapping=mapping, settings={}, now="", documents=tuple, given_values=values_read)
    ).sources


def test_fields_apart_share_no_document() -> None:
    assert any({"size", "words"} <= set(one) for one in sources())
    parted = sources({"fields_apart": {"size": ["words"]}})
    assert parted == sources({"fields_apart": {"size": ["words"]}})  # the same ones at every call
    assert not any({"size", "words"} <= set(one) for one in parted)
    for name in ("size", "words"):  # each appears, together with fields that it may occur with
        assert sum({name, "kind"} <= set(one) for one in parted) > len(parted) / 5
    assert sources({"fields_apart": "yes"}) == sources()


def test_uses_known_numbers_and_booleans() -> None:
    made = sources()
    assert {one["size"] for one in made if "size" in one} == {1, 2, 800}
    assert {one["open"] for one in made if "open" in one} == {True, False}
    assert {one["open"] for one in sources(open=[True]) if "open" in one} == {True}


def test_reports_bound_that_does_not_fit_field() -> None:
    assert fitting("category", Known(values=("a",), low="x")) == (Known(values=("a",)), ("x",))
    assert fitting("number", Known(low="many", high=9)) == (Known(high=9), ("many",))
    assert fitting("date", Known(low="2025-01-01")) == (Known(low="2025-01-01"), ())
