"""One plain mapping out of several indices', and what is said where they disagree."""

import pytest

from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.language.mapping import check
from dstill_querydsl.language.mapping.merge import Conflict, merge, plain


def _indices(*properties):
    return {f"logs-{number}": {"mappings": {"properties": one}} for number, one in enumerate(properties, start=1)}


PLAIN = {"properties": {"a": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}, "_meta": {"now": "2025-01-01"}}


@pytest.mark.parametrize(
    "given",
    [
        PLAIN,
        {"mappings": PLAIN},
        {"mappings": PLAIN, "settings": {"number_of_shards": 1}},
        {"logs": {"mappings": PLAIN}},
        {"logs": {"mappings": {"_doc": PLAIN}}},
    ],
)
def test_returns_single_mapping_unchanged(given) -> None:
    assert plain(given) is PLAIN
    assert merge(given).conflicts == ()


@pytest.mark.parametrize("given", [{}, {"mappings": {}}, {"logs": {"mappings": {"dynamic": "strict"}}}, [], 5])
def test_empty_mapping_has_no_fields(given) -> None:
    assert plain(given) == {"properties": {}}


def test_merges_fields_of_all_indices_and_names_conflict() -> None:
    one = {"user": {"properties": {"name": {"type": "text"}}}, "at": {"type": "date"}}
    two = {"user": {"properties": {"name": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}}
    merged = merge(_indices(one, two))
    assert merged.conflicts == ()
    assert Fields.of(merged.mapping).names == ("user", "user.name", "user.name.raw", "at")
    merged = merge(_indices({"took": {"type": "long"}}, {"took": {"type": "keyword"}}, {"took": {"type": "keyword"}}))
    assert merged.mapping["properties"]["took"] == {"type": "keyword"}
    assert merged.conflicts == (Conflict(field="took", types={"long": ("logs-1",), "keyword": ("logs-2", "logs-3")}),)
    assert str(merged.conflicts[0]) == "long in logs-1, keyword in logs-2 and logs-3"


def test_merged_mapping_keeps_conflicts_and_names_few_indices() -> None:
    merged = merge(_indices({"took": {"type": "long"}}, {"took": {"type": "keyword"}}))
    again = merge(merged.mapping)
    assert again.mapping is merged.mapping
    assert [(one.field, dict(one.types)) for one in again.conflicts] == [
        ("took", {"long": ("logs-1",), "keyword": ("logs-2",)})
    ]
    merged = merge(_indices(*[{"took": {"type": "long"}}] * 9, {"took": {"type": "keyword"}}))
    types = merged.mapping["_meta"]["field_conflicts"]["took"]
    assert types == {"long": ["logs-1", "logs-2", "logs-3", "6 more"], "keyword": ["logs-10"]}


@pytest.mark.parametrize(
    ("types", "merged_type", "compatible"),
    [
        (("long", "integer"), "long", True),
        (("byte", "integer", "short"), "integer", True),
        (("float", "double"), "double", True),
        (("wildcard", "keyword"), "keyword", True),
        (("long", "double"), "long", False),  # engines refuse to sort by both at once
        (("text", "keyword"), "text", False),
        (("date", "date_nanos"), "date", False),
        (("object", "nested"), "object", False),
    ],
)
def test_types_of_different_width_are_compatible(types, merged_type, compatible) -> None:
    merged = merge(_indices(*({"f": {"type": type_}} for type_ in types)))
    assert merged.mapping["properties"]["f"]["type"] == merged_type
    assert [one.compatible for one in merged.conflicts] == [compatible]
    assert ("_meta" in merged.mapping) is not compatible


def test_keeps_restrictions_of_each_index() -> None:
    merged = merge(
        _indices(
            {"a": {"type": "keyword"}, "t": {"type": "text", "fielddata": True}},
            {"a": {"type": "keyword", "doc_values": False, "index": False}, "t": {"type": "text"}},
        )
    )
    assert merged.mapping["properties"]["a"] == {"type": "keyword", "doc_values": False, "index": False}
    assert "fielddata" not in merged.mapping["properties"]["t"]


def test_merges_runtime_fields_and_descriptions() -> None:
    one = {"mappings": {"properties": {}, "runtime": {"day": {"type": "keyword"}}, "_meta": {"now": "2025-01-01"}}}
    two = {"mappings": {"properties": {}, "runtime": {"hour": {"type": "long"}}, "_meta": {"now": "x", "by": "me"}}}
    mapping = plain({"a": one, "b": two})
    assert mapping["runtime"] == {"day": {"type": "keyword"}, "hour": {"type": "long"}}
    assert mapping["_meta"] == {"now": "2025-01-01", "by": "me"}


def test_warns_of_body_with_conflicting_field() -> None:
    mapping = _indices({"took": {"type": "long"}, "ms": {"type": "long"}}, {"took": {"type": "keyword"}})
    [problem] = check.check({"sort": ["took"]}, mapping)
    assert (problem.code, problem.is_error, problem.pointer) == ("conflicting_field", False, "/sort/0")
    assert problem.message == "the indices disagree on 'took': it is long in logs-1, keyword in logs-2"
    assert problem.hint
    assert check.check({"sort": ["ms"]}, mapping) == ()


def test_guard_considers_every_index() -> None:
    alias, copy = {"type": "alias", "path": "secret"}, {"type": "keyword", "copy_to": "all"}
    plainly = {"al": {"type": "keyword"}, "secret": {"type": "text"}, "all": {"type": "text"}}
    for given in (_indices(plainly, plainly, {"al": alias, "secret": copy}), _indices({"al": alias}, plainly)):
        limits = limits_on(plain(given), Limits(fields=("*", "!secret")))
        assert not limits.allows("al")
    limits = limits_on(plain(_indices(plainly, {"secret": copy})), Limits(fields=("*", "!secret")))
    assert not limits.allows("all")


def test_user_index_has_plain_mapping() -> None:
    index = index_of({"index": "mine", "mapping": {"logs": {"mappings": PLAIN}}})
    assert index.mapping is PLAIN
    assert index.now == "2025-01-01"


def test_merges_mapping_of_100_levels() -> None:
    deep: dict = {"type": "keyword"}
    for _ in range(400):
        deep = {"properties": {"a": deep}}
    assert merge({"x": {"mappings": {"properties": {"a": deep}}}, "y": {"mappings": {"properties": {"a": deep}}}})
