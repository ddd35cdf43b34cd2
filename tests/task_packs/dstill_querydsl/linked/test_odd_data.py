"""Odd data in the linked form: fields called like tokens and keys of the language, odd values, hardly any field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.cursor_walks import walk

from dstill.api.checking import find_problems
from dstill.api.records import Draft
from dstill_querydsl.language.canonical import canonical

NAMES = (
    *("query:", "{", "}", "[", "]", "=desc", "=true", "#0", "known", "refuse", "..", ",", "page", "number", "text"),
    *("'a", "%c", "+now-", ":", "=", "order date", "a^b", "title^2", "a-b", "שם", "شحنة", "\u202eabc", "😀"),
    *("say \"hi\"", "x\ny", "size", "field", "a0", "unit", "order", "missing"),
    *("path", "value", "query", "filter", "fields", "format", "sort", "match", "gauss", "must", "bool", "include"),
    *("highlight", "type", "buckets_path", "span_term", "nested", "case_insensitive", "relation"),
)  # fmt: skip
REFUSED = ("*1000", "boost", "_name", "_count")  # by the guard: wildcards, options beside a field, names of the engine
VALUES = (
    *('he said "yes"', "O'Brien", '{"a":1}', "line one\nline two", "tab\tx", "\\n", " ", "known", "refuse", "=desc"),
    *("=null", "{", "..", ",", "שלום", "a\u202eb", "😀", "'a", "%c%3", "+now-", "true", "#0", "1e5", "007"),
)
OTHERS = ("text", "integer", "date", "nested")


def slow(*values: Any) -> Any:
    return pytest.param(*values, marks=pytest.mark.slow)


def properties(type_: str, spare: int = 0) -> dict[str, Any]:
    leaf = {"type": type_}
    inside = {"type": "nested", "properties": {"name": {"type": "keyword"}}}
    # Dots make objects.
    odd = {name: leaf if type_ != "nested" else inside for name in NAMES if "." not in name}
    return {**{f"spare{number}": {"type": "keyword"} for number in range(spare)}, **odd}


def bodies(name: str, type_: str) -> Iterator[Mapping[str, Any]]:
    if type_ == "nested":
        inner = {"term": {f"{name}.name": {"value": "a"}}}
        yield {"query": {"nested": {"path": name, "query": inner}}}
        return
    if type_ == "text" and "^" not in name:
        yield {"query": {"multi_match": {"query": "x", "fields": [name]}}}
    value: Any = {"keyword": "x", "text": "x", "integer": 7, "date": "2024-03-03"}[type_]
    yield {"query": {"match" if type_ == "text" else "term": {name: {"query" if type_ == "text" else "value": value}}}}
    yield {"query": {"bool": {"must_not": [{"exists": {"field": name}}]}}, "_source": [name]}
    if type_ != "text":
        yield {"query": {"terms": {name: [value, value]}}, "sort": [{name: {"order": "desc"}}]}
        yield {"query": {"range": {name: {"gte": value}}}}
        counted = {
            "terms": {"field": name, "order": [{"a0": "desc"}]},
            "aggs": {"a0": {"value_count": {"field": name}}},
        }
        yield {"size": 0, "aggs": {"a0": counted}}


@pytest.mark.parametrize(("type_", "spare"), [("keyword", 0), ("nested", 200), *map(slow, OTHERS, (0, 200, 0, 0))])
def test_field_of_any_name_can_be_written(lab: Any, type_: str, spare: int) -> None:
    """Its tokens stand for it and for nothing else, and the cursor allows them."""
    mapping = {"properties": properties(type_, spare)}
    for name in mapping["properties"] if not spare else ("query:", "😀", "filter", "order date"):
        _, reading = lab.ask(f'how many have {name} "x" 7 since 2024-03-03', mapping=mapping)
        for body in bodies(name, type_):
            written = lab.form.encode(json.dumps(body), reading)
            assert canonical(json.loads(lab.form.decode(written, reading))) == canonical(body)
            cursor = lab.form.start(reading)
            for token in written:
                assert cursor.allows(token), (body, token)
                cursor = cursor.push(token)
            assert cursor.allows(""), body


@pytest.mark.parametrize("quoted", [True, False])
def test_any_value_can_be_written(lab: Any, quoted: bool) -> None:
    """From the words of a question, or by its characters; also as a known value of its field."""
    mapping = {"properties": {"user": {"type": "keyword"}, "message": {"type": "text"}}}
    for value in VALUES:
        asked = f'how many have the user "{value}"' if quoted else "how many are there"
        _, reading = lab.ask(asked, mapping=mapping, values={"user": list(VALUES)})
        for body in (
            {"query": {"term": {"user": {"value": value}}}},
            {"query": {"match": {"message": {"query": value}}}},
        ):
            written = lab.form.encode(json.dumps(body), reading)
            assert json.loads(lab.form.decode(written, reading)) == body


@pytest.mark.parametrize("type_", ["", *map(slow, ("keyword", *OTHERS))])
def test_random_answers_about_odd_data_pass_every_check(lab: Any, type_: str) -> None:
    """Also about a mapping without fields."""
    mapping = {"properties": {**properties(type_), **{name: {"type": type_} for name in REFUSED}} if type_ else {}}
    values = {name: list(VALUES) for name in NAMES[:8]} if type_ == "keyword" else {}
    ended = 0
    for seed in range(12):
        question = ("known is refuse and { is =desc", 'size "he said "yes"" sorted by a0', "qwx zzt")[seed % 3]
        example, reading = lab.ask(question, mapping=mapping, values=values)
        written = walk(lab.form.start(reading), seed)
        if written is not None:
            ended += 1
            body = lab.form.decode(written, reading)
            assert not [one for one in find_problems(lab.task, example, Draft(answer=body)) if one.is_error], body
    assert ended >= 11
