"""What fields are known to hold: the file's form, and what documents say."""

from __future__ import annotations

from typing import Any

import pytest

from dstill.api.values import Known, Values
from dstill.errors import DataError
from dstill_querydsl.language.values import values_in

FILE = {
    "level": ["error", "warn"],
    "path": {"examples": ["/cart"]},
    "took": {"min": 1, "max": 900},
    "at": {"examples": [{"lat": 1.5, "lon": 2.0}]},
}


def test_file_survives_round_trip() -> None:
    values = Values.read(FILE)
    assert values.get("level") == Known(values=("error", "warn"), complete=True)
    assert values.get("nothing") is None
    assert values.to_json() == FILE


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "values"),
        ({"a": "x"}, "values, /a"),
        ({"a": {}}, "values, /a"),
        ({"a": {"maximum": 3}}, "values, /a"),
        ({"a": [["x"]]}, "values, /a"),
        ({"a/b": {"min": 3, "max": 1}}, "values, /a~1b"),
        ({"a": {"min": 3, "max": "x"}}, "values, /a"),
        ({"a": {"min": True}}, "values, /a"),
    ],
)
def test_refuses_invalid_file_and_names_place(data: Any, where: str) -> None:
    with pytest.raises(DataError) as caught:
        Values.read(data)
    assert caught.value.where == where


def test_values_have_other_names() -> None:
    values = Values.read(FILE).with_aliases({"level": {"error": ["failure", "fault"]}, "nothing": {"a": ["b"]}})
    level = values.get("level")
    assert level is not None
    assert level.aliases == {"failure": "error", "fault": "error"}
    assert list(values) == list(FILE)
    assert values.to_json() == FILE  # they are in a file of their own


@pytest.mark.parametrize("data", [[], {"level": ["x"]}, {"level": {"error": "failure"}}, {"level": {"error": [3]}}])
def test_refuses_invalid_aliases_and_names_place(data: Any) -> None:
    with pytest.raises(DataError) as caught:
        Values.read(FILE).with_aliases(data)
    assert caught.value.where in ("aliases", "aliases, /level")


def test_reads_values_from_documents() -> None:
    mapping = {
        "properties": {
            "level": {"type": "keyword"},
            "took": {"type": "long"},
            "day": {"type": "date"},
            "text": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        }
    }
    sources = [
        {"level": "a" if n % 3 else "b", "took": n, "day": f"2025-01-{n + 1:02d}", "text": "x"} for n in range(9)
    ]
    values = values_in(mapping, sources)
    assert values.get("level") == Known(values=("a", "b"), complete=True)
    assert (values.get("took") or Known()).high == 8
    assert (values.get("day") or Known()).low == "2025-01-01"
    assert values.get("text") is None
    assert values.get("text.raw") == Known(values=("x",), complete=True)
