"""The embedded engine takes each bundled index as it is: every value, nested objects and places included."""

from __future__ import annotations

import pytest
from support.field_counts import counts_in_documents, counts_in_engine
from support.sizes import first_quick

from dstill_querydsl.bundle.indices import NAMES, bundled
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.language.variants import vary

DOCUMENTS = 200


@pytest.mark.parametrize("name", first_quick(NAMES))
def test_engine_counts_fields_as_documents_do(name: str, engine: HttpEngine) -> None:
    index = bundled(name, 1_000 if name == "quakes" else DOCUMENTS)  # few quakes have an alert
    count = engine.index(f"dstill-{name}", index.mapping, index.documents(), index.settings)
    assert count == len(list(index.documents()))
    want = counts_in_documents(index)
    assert counts_in_engine(engine, f"dstill-{name}", index) == want
    assert all(want.values())


@pytest.mark.parametrize("name", first_quick(NAMES))
def test_engine_counts_fields_of_wide_variant(name: str, engine: HttpEngine) -> None:
    variant = vary(bundled(name, 60), 2, distractors=900)
    assert (
        engine.index(f"dstill-{name}-2", variant.index.mapping, variant.index.documents(), variant.index.settings) == 60
    )
    old, new = counts_in_documents(bundled(name, 60)), counts_in_documents(variant.index)
    assert {variant.names[field]: count for field, count in old.items()}.items() <= new.items()
    held = counts_in_engine(engine, f"dstill-{name}-2", variant.index)
    assert held == new


def test_acting_director_is_two_nested_objects(engine: HttpEngine) -> None:
    index = bundled("movies", DOCUMENTS)
    engine.index("dstill-credits", index.mapping, index.documents(), index.settings)
    films = [film for _, film in index.documents()]
    directing, acting = (
        {one["name"] for film in films for one in film.get("credits", []) if one["job"] == job}
        for job in ("director", "actor")
    )
    person = min(directing & acting)
    both = {"bool": {"filter": [{"term": {"credits.name": person}}, {"term": {"credits.job": "director"}}]}}
    outcome = engine.search("dstill-credits", {"size": 100, "query": {"nested": {"path": "credits", "query": both}}})
    credit = {"name": person, "job": "director"}
    want = {name for name, film in index.documents() if credit in film.get("credits", [])}
    assert {hit["_id"] for hit in outcome.raw["hits"]["hits"]} == want
    assert want


def test_geo_points_have_expected_coordinates(engine: HttpEngine) -> None:
    index = bundled("flights", DOCUMENTS)
    engine.index("dstill-places", index.mapping, index.documents(), index.settings)
    near = {"geo_distance": {"distance": "20km", "origin.location": {"lat": 40.64, "lon": -73.78}}}  # JFK
    outcome = engine.search("dstill-places", {"size": 200, "query": near})
    want = {name for name, flight in index.documents() if flight["origin"]["code"] in ("JFK", "LGA")}
    assert {hit["_id"] for hit in outcome.raw["hits"]["hits"]} == want
