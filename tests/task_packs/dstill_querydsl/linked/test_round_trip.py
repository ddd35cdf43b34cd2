"""An answer as tokens and back is the same answer, or it is said that it cannot be."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sizes import size

from dstill.api.form import NotExpressible
from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Example
from dstill.api.values import Values
from dstill.linked import Reading, Schema, read
from dstill_querydsl.bundle import FOLDER
from dstill_querydsl.form.items import items_of
from dstill_querydsl.form.query_form import QueryForm, difference
from dstill_querydsl.form.tokens import tokens
from dstill_querydsl.language import guard
from dstill_querydsl.language.canonical import canonical
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

FORM = QueryForm(lambda example: None)
HOSTILE = ("query:", "{", "}", "=true", "=", "#0", "..", ",", "page", "refuse", "number", "boost", "distance", "a0",
           "a b", "a.b", "חיפוש", "表", 'quo"te', "new\nline", "\x1f", "_name")  # fmt: skip


def reading_of(question: str, mapping: dict[str, Any]) -> Reading:
    return read(question, Schema(items_of(Fields.of(mapping), Values.read({}))))


def returned(body: Any, reading: Reading) -> Any:
    """What comes back, or the reason why the body has no tokens."""
    try:
        written = FORM.encode(json.dumps(body), reading)
    except NotExpressible as error:
        return str(error)
    assert all(token in tokens() if isinstance(token, str) else token < len(reading) for token in written)
    return json.loads(FORM.decode(written, reading))


def fields_of(names: tuple[str, ...], kind: str = "keyword") -> dict[str, Any]:
    return {"properties": {name: {"type": kind} for name in names}}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_field_called_like_structure_is_still_a_field(name: str) -> None:
    mapping = {"properties": {"a": {"properties": {"b": {"type": "keyword"}}}}} if name == "a.b" else fields_of((name,))
    body = {
        "query": {"bool": {"filter": [{"term": {name: {"value": name}}}, {"exists": {"field": name}}]}},
        "sort": [{name: {"order": "desc"}}],
        "aggs": {"a0": {"terms": {"field": name, "missing": name}}},
        "_source": [name],
    }
    reading = reading_of("which one", mapping)
    assert difference(canonical(returned(body, reading)), canonical(body)) == ""
    assert FORM.encode(json.dumps(body), reading).count(reading.position(0)) >= 4


@pytest.mark.parametrize(
    "value",
    ["", " ", '"', "{}", "[1]", "a\nb", "\t", "é", "日本語", "שלום", "🎬", "\x1f", "x\x7f", "''", "=true", "#0",
     "now-1d", "503", "1e5", "007", "-0", 0, -1, 1.0, 0.1, 1e21, 1e-7, 10**30, True, None, 2**63],
)  # fmt: skip
@pytest.mark.parametrize("question", ["find it", "find 503 of 日本語 and a\nb or é 🎬"])
def test_any_value_comes_back(value: Any, question: str) -> None:
    for kind in ("keyword", "long"):
        body = {"query": {"bool": {"filter": [{"term": {"f": {"value": value}}}]}}}
        assert difference(returned(body, reading_of(question, fields_of(("f",), kind))), canonical(body)) == ""


def test_what_cannot_be_said_is_not_expressible() -> None:
    reading = reading_of("who", fields_of(("user",)))
    for body, reason in (
        ({"query": {"term": {"usr": "x"}}}, "the field 'usr' is not among those"),
        ({"sort": [{"usr": "asc"}]}, "the field 'usr' is not among those"),
        ({"query": {"bool": {"filter": [{"term": {"user": {"value": 1e400}}}]}}}, "not a JSON object"),
    ):
        with pytest.raises(NotExpressible, match=reason):
            FORM.encode(json.dumps(body), reading)


def test_keys_that_the_vocabulary_lacks_are_spelled() -> None:
    reading = reading_of("users of hosts", fields_of(("user", "host")))
    body = {
        "aggs": {
            "a0": {"composite": {"sources": [{"of users": {"terms": {"field": "user"}}}], "after": {"of users": "é"}}},
            "a1": {"terms": {"field": "host", "order": [{"a0>a0.avg": "desc"}, {"_count": "asc"}]}},
        }
    }
    assert difference(returned(body, reading), canonical(body)) == ""


@pytest.mark.parametrize(
    "written",
    [[], ["{"] * 30, ["}"], ["{", "size:"], ["{", "size:", "{", ","], ["%c"], ["refuse", "["],
     ["{", 99], ["{", ":", "'a"], ["{", "size:", 0, ".."], ["{", "size:", "%f", "%f"],
     ["{", "size:", "=0", "size:", "=0"], ["=true"], [":"] * 500, ["["] * 500],
)  # fmt: skip
def test_tokens_that_are_no_answer_are_decoded_or_not_expressible(written: list[Any]) -> None:
    with suppress(NotExpressible):
        json.loads(FORM.decode(written, reading_of("what", fields_of(("f",)))))


NAMES = st.sampled_from(("user", "host", *HOSTILE[:8]))
TEXTS = st.text(alphabet='ab1 .,-"{}[]\\\n\x1fé日🎬ש', max_size=6)
VALUES = st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none())
LEAVES = st.one_of(
    st.builds(lambda f, v: {"term": {f: {"value": v}}}, NAMES, VALUES),
    st.builds(lambda f, v: {"terms": {f: v}}, NAMES, st.lists(VALUES, max_size=3)),
    st.builds(lambda f, v: {"range": {f: {"gte": v[0], "lt": v[1]}}}, NAMES, st.tuples(VALUES, VALUES)),
    st.builds(lambda f, v: {"match": {f: {"query": v, "operator": "and"}}}, NAMES, VALUES),
    st.builds(
        lambda v, fs: {"multi_match": {"query": v, "fields": fs}},
        VALUES,
        st.lists(NAMES.map("{}^2".format), max_size=2),
    ),
)
QUERIES = st.recursive(
    LEAVES, lambda inner: st.builds(lambda of: {"bool": of}, st.dictionaries(
        st.sampled_from(("must", "filter", "should", "must_not")), st.lists(inner, max_size=2), max_size=3)),
    max_leaves=5,
)  # fmt: skip
WORDS = st.one_of(
    TEXTS,
    st.lists(st.sampled_from(("user", "503", "1,000", "3 March 2024", '"a b"', "12km")), max_size=8).map(" ".join),
)


@settings(max_examples=size("ROUND_TRIPS", ci=40, nightly=5_000), deadline=None)
@given(query=QUERIES, question=WORDS, size_=st.integers(0, 20))
def test_every_body_comes_back_or_is_not_expressible(query: dict[str, Any], question: str, size_: int) -> None:
    body = {"query": query, "size": size_}
    found = returned(body, reading_of(question, fields_of(("user", "host", *HOSTILE[:8]))))
    assert isinstance(found, str) or difference(canonical(found), canonical(body)) == ""


@settings(max_examples=size("TOKENS", ci=40, nightly=5_000), deadline=None)
@given(
    written=st.lists(
        st.one_of(
            st.integers(0, 6),
            st.sampled_from(
                ("{", "}", "[", "]", ":", ",", "..", "page", "%c", "'a", "query:", "=0", "number", "#0", "*60", "+*")
            ),
        ),
        max_size=14,
    )
)
def test_any_tokens_are_decoded_or_not_expressible(written: list[Any]) -> None:
    with suppress(NotExpressible):
        FORM.decode(written, reading_of("two words 5", fields_of(("user", "host"))))


# --- third-party bodies --------------------------------------------------------------------


def asked(row: dict[str, Any]) -> tuple[dict[str, Any], Reading] | None:
    """A third-party body and a question with its values. None: the guard refuses the body, so no question names it."""
    body = row["query"]
    if guard.check(body):
        return None
    question = " , ".join(dict.fromkeys(literals(body)))
    mapping = row.get("mapping") or assumed(body)
    return body, reading_of(question, mapping.get("mappings", mapping))


def literals(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from literals(inner)
    elif not isinstance(value, bool) and value is not None:
        yield str(value)


def assumed(body: dict[str, Any]) -> dict[str, Any]:
    """A mapping with the fields that a body names, for bodies that come without one."""
    mapping: dict[str, Any] = {"properties": {}}
    paths = {use.name for use in uses(body) if use.kind == "path"}
    for name in sorted({use.name for use in uses(body)}):
        if "*" not in name and not name.startswith("_"):
            at, steps = mapping, name.split(".")
            for number, step in enumerate(steps, 1):
                at = at.setdefault("properties", {}).setdefault(step, {})
                if ".".join(steps[:number]) in paths:
                    at["type"] = "nested"
            at.setdefault("type", "keyword")
    return mapping


@pytest.mark.slow
@pytest.mark.parametrize("file", ["exec_cases.jsonl", "dsl_valid.jsonl"])
def test_third_party_bodies_come_back(file: str, cases: Any) -> None:
    rows = [found for row in cases(file) if (found := asked(row))]
    results = [returned(body, reading) for body, reading in rows]
    reasons = Counter(result for result in results if isinstance(result, str))
    print(f"{file}: {len(rows) - reasons.total()} of {len(rows)}; {dict(reasons)}")
    assert reasons.total() <= 0.005 * len(rows)
    for (body, _), result in zip(rows, results, strict=True):
        assert isinstance(result, str) or difference(canonical(result), canonical(body)) == ""


@pytest.mark.nightly
@pytest.mark.parametrize("index", ["movies", "weblogs"])
def test_bodies_of_the_grammar_come_back_or_are_not_expressible(index: str) -> None:
    from support.random_student import learnt, pack, t5, write, writer

    task, example = pack(index)
    form = QueryForm(task.index_profile)
    reading = form.read(Example(id="1", question="how many of 2024 and 10 by name?", context=example.context))
    texts = [
        one.text for one in write(writer(t5(learnt()), learnt()), ConstrainedOutput.of(task).grammar(example), 150, 3)
    ]
    told = 0
    for text in texts:
        try:
            back = form.decode(form.encode(text, reading), reading)
        except NotExpressible:
            told += 1
            continue
        assert task.canonical(back) == task.canonical(text)
    print(f"{index}: {told} of {len(texts)} are not expressible")
    assert told <= 0.02 * len(texts)


def test_a_value_is_pointed_to_by_its_other_name() -> None:
    aliases = {"code": {"JFK": ["kennedy"]}}
    values = Values.read({"code": ["JFK", "EWR"]}).with_aliases(aliases)
    fields = Fields.of({"properties": {"code": {"type": "keyword"}}})
    reading = read("strikes at Kennedy", Schema(items_of(fields, values)))
    assert reading.links == {(2, 0): "value"}
    task = QueryDsl(Settings(aliases=str(FOLDER / "recorded" / "birdstrikes.aliases.json"), index="birdstrikes"))
    form = QueryForm(task.index_profile)
    reading = form.read(Example(id="1", question="strikes at Kennedy", context={"index": "birdstrikes"}))
    body = '{"query":{"bool":{"filter":[{"term":{"airport.code":"JFK"}}]}}}'
    written = form.encode(body, reading)
    assert reading.text(written[-1]) == "Kennedy"  # type: ignore[arg-type]
    assert task.canonical(form.decode(written, reading)) == task.canonical(body)
