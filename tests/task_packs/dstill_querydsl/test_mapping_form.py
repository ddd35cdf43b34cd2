import pytest

from dstill.api.checking import find_problems
from dstill.api.records import Draft, Example
from dstill.errors import DataError
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping.form import require_mapping
from dstill_querydsl.pack import QueryDsl

FIELDS = {"a": {"type": "text", "fields": {"raw": {"type": "keyword"}}}, "o": {"properties": {"b": {"type": "long"}}}}


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ({}, "mapping"),
        ([], "mapping"),
        ({"a": {"type": "keyword"}}, "mapping"),
        ({"a": {"properties": FIELDS}}, "mapping"),
        ({"properties": []}, "mapping, /properties"),
        ({"mappings": []}, "mapping, /mappings"),
        ({"logs": {"mappings": {"properties": None}}}, "mapping, /logs/mappings/properties"),
        ({"properties": {"a": "keyword"}}, "mapping, /properties/a"),
        ({"properties": {"a": {"type": 5}}}, "mapping, /properties/a/type"),
        ({"properties": {"a": {"fields": {"b": 1}}}}, "mapping, /properties/a/fields/b"),
    ],
)
def test_names_invalid_part_of_mapping(mapping, where) -> None:
    with pytest.raises(DataError) as raised:
        require_mapping(mapping)
    assert raised.value.where == where
    assert raised.value.hint == "give {properties}, {mappings} or the response of GET _mapping"


@pytest.mark.parametrize(
    "mapping",
    [
        {"properties": {}},
        {"mappings": {}},
        {"logs": {"mappings": {"dynamic": "strict"}}},
        {"properties": FIELDS},
        {"mappings": {"properties": FIELDS}, "settings": {}},
        {"logs-1": {"mappings": {"properties": FIELDS}}, "logs-2": {"mappings": {}}},
        {"properties": {"mappings": {"properties": FIELDS}}},
        {"old": {"mappings": {"_doc": {"properties": FIELDS}}}},
        {"properties": {"type": {"type": "keyword"}}},
    ],
)
def test_accepts_every_form_of_mapping(mapping) -> None:
    require_mapping(mapping)


def test_field_may_be_named_mappings() -> None:
    mapping = {"properties": {"mappings": {"type": "keyword"}, "properties": {"type": "long"}}}
    require_mapping(mapping)
    assert Fields.of(mapping).names == ("mappings", "properties")


@pytest.mark.parametrize("mapping", [{}, {"properties": {"a": {"type": 5}}}, [], "x", {"_meta": 5, "properties": {}}])
def test_pack_refuses_invalid_mapping(mapping) -> None:
    example = Example(id="1", question="?", context={"mapping": mapping})
    with pytest.raises(DataError):
        list(find_problems(QueryDsl(), example, Draft(answer='{"query":{"term":{"a":1}}}')))
