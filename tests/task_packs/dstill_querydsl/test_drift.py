"""What changed in a mapping since it was read."""

from __future__ import annotations

from dstill_querydsl.language.mapping.drift import drift, field_count, fields_digest
from dstill_querydsl.pack import QueryDsl

THEN = {"properties": {"a": {"type": "long"}, "b": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}

unlearnt = QueryDsl().drift


def test_ignores_order_and_options() -> None:
    now = {"mappings": {"properties": {"b": THEN["properties"]["b"], "a": {"type": "long", "coerce": False}}}}
    found = drift(THEN, now)
    assert not found
    assert not found.breaks
    assert str(found) == ""
    assert fields_digest(THEN) == fields_digest(now)


def test_names_each_kind_of_change() -> None:
    now = {"properties": {"a": {"type": "keyword"}, "b": {"type": "text"}, "c": {"type": "date"}}}
    found = drift(THEN, now)
    assert (found.gone, found.new, found.changed) == (("b.raw",), ("c",), ("a (long, now keyword)",))
    assert str(found) == "added c; removed b.raw; changed a (long, now keyword)"
    assert found.breaks
    assert fields_digest(THEN) != fields_digest(now)


def test_new_fields_break_nothing_and_are_counted() -> None:
    now = {"properties": {**THEN["properties"], **{f"n{n}": {"type": "long"} for n in range(8)}}}
    found = drift(THEN, now)
    assert not found.breaks
    assert str(found) == "added n0, n1, n2, n3, n4 and 3 more"


def test_ignores_objects() -> None:
    assert field_count({"properties": {"o": THEN, "n": {"type": "nested", **THEN}, "c": {"type": "date"}}}) == 7


def fields(**types: str) -> dict[str, dict[str, str]]:
    return {"fields": types}


def test_names_missing_fields_of_student() -> None:
    then = {"logs": fields(took="long", bytes="long", at="date")}
    lines = ["fields that the student learnt are gone: took; changed: bytes (long, now keyword)"]
    assert list(unlearnt(then, {"logs": fields(bytes="keyword", at="date", new="ip")})) == lines
    assert (
        list(unlearnt(then, {"logs-2": fields(bytes="keyword", at="date")})) == lines
    )  # the one index under a new name
    assert not list(unlearnt(then, then))
    assert not list(unlearnt(then, {"logs": fields(took="long", bytes="long", at="date", new="ip")}))
    assert not list(unlearnt(then, {}))
    many = {"logs": fields(**{f"f{n}": "long" for n in range(8)})}
    assert list(unlearnt(many, {"logs": fields()})) == [
        "fields that the student learnt are gone: f0, f1, f2, f3, f4 and 3 more"
    ]


def test_names_indices_and_compares_same_ones_only() -> None:
    then = {"a": fields(x="long"), "b": fields(x="long")}
    now = {"b": fields(x="ip"), "c": fields()}
    assert list(unlearnt(then, now)) == ["fields of 'b' that the student learnt are changed: x (long, now ip)"]
    assert not list(unlearnt(then, {"c": fields()}))
