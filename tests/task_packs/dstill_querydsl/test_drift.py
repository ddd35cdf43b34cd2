"""What changed in a mapping since it was read."""

from __future__ import annotations

from dstill_querydsl.drift import drift, field_count, fields_digest

THEN = {"properties": {"a": {"type": "long"}, "b": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}}


def test_nothing_changed_whatever_the_order_and_the_options() -> None:
    now = {"mappings": {"properties": {"b": THEN["properties"]["b"], "a": {"type": "long", "coerce": False}}}}
    found = drift(THEN, now)
    assert not found
    assert not found.breaks
    assert str(found) == ""
    assert fields_digest(THEN) == fields_digest(now)


def test_each_kind_of_change_is_named() -> None:
    now = {"properties": {"a": {"type": "keyword"}, "b": {"type": "text"}, "c": {"type": "date"}}}
    found = drift(THEN, now)
    assert (found.gone, found.new, found.changed) == (("b.raw",), ("c",), ("a (long, now keyword)",))
    assert str(found) == "added c; removed b.raw; changed a (long, now keyword)"
    assert found.breaks
    assert fields_digest(THEN) != fields_digest(now)


def test_new_fields_break_nothing_and_many_are_counted() -> None:
    now = {"properties": {**THEN["properties"], **{f"n{n}": {"type": "long"} for n in range(8)}}}
    found = drift(THEN, now)
    assert not found.breaks
    assert str(found) == "added n0, n1, n2, n3, n4 and 3 more"


def test_objects_are_no_fields() -> None:
    assert field_count({"properties": {"o": THEN, "n": {"type": "nested", **THEN}, "c": {"type": "date"}}}) == 7
