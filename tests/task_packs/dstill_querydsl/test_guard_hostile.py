"""Hostile parts in every place of a body are refused, and no body makes the guard raise."""

import copy
import importlib.util
import random
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.guarded import GeneratedBody
from support.hostile import HOSTILE, SCRIPT, hidden

from dstill.api.checking import find_problems
from dstill.api.records import Draft, Example
from dstill.errors import ConfigError
from dstill_querydsl.language import guard
from dstill_querydsl.language.guard import Limits
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.pack import QueryDsl


@pytest.mark.parametrize("name", HOSTILE)
def test_refuses_hostile_part_in_every_place(name: str) -> None:
    for place, body in hidden(HOSTILE[name]):
        before = copy.deepcopy(body)
        problems = guard.check(body)
        assert HOSTILE[name].code in {problem.code for problem in problems}, place
        assert all(problem.is_error and problem.message.startswith("refused: ") for problem in problems)
        assert body == before  # a pure function


def test_has_100_hostile_parts_and_1000_bodies(capsys: pytest.CaptureFixture[str]) -> None:
    bodies = sum(len(list(hidden(one))) for one in HOSTILE.values())
    print(f"{len(HOSTILE)} hostile parts in {bodies} bodies")
    for name, one in HOSTILE.items():
        print(f"{name}: {one.kind}, {one.code}")
    assert len(HOSTILE) >= 100
    assert bodies >= 1_000


def test_accepts_every_place_with_harmless_part() -> None:
    """Otherwise the guard might refuse the place and not the part in it."""
    harmless = {"query": {"term": {"f": 1}}, "aggregation": {"max": {"field": "f"}}, "sort": {"f": "asc"}, "hits": {}}
    for kind, part in harmless.items():
        some = next(one for one in HOSTILE.values() if one.kind == kind)
        for place, body in hidden(replace(some, part=part)):
            assert guard.check(body) == (), place


# --- nothing unsafe passes, whatever it looks like -----------------------------------------

_BELOW_LIMITS = {"limit"}
PLACEABLE = [one for one in HOSTILE.values() if one.kind in ("query", "aggregation", "sort")]


@given(st.integers(0, 2**32))
def test_accepts_bodies_made_from_guard_tables(seed: int) -> None:
    problems = guard.check(GeneratedBody(random.Random(seed)).body)
    # Deep ones are many aggregations and buckets: what a limit says is no matter of the list.
    assert {problem.code for problem in problems} <= _BELOW_LIMITS, problems


@given(st.integers(0, 2**32))
def test_finds_hostile_part_anywhere_in_body(seed: int) -> None:
    """The guard finds a hostile part in any place that its tables know, whatever surrounds it."""
    rng = random.Random(seed)
    made = GeneratedBody(rng)
    assume(made.slots)
    kind, container, key = rng.choice(made.slots)
    hostile = rng.choice([one for one in PLACEABLE if one.kind == kind])
    container[key] = hostile.part
    assert hostile.code in {problem.code for problem in _all_problems(made.body)}


def _all_problems(body):
    """All problems, without the limit of 20 that might hide the expected one."""
    walk = guard._Body(Limits())
    walk.body(body, guard.Ranges.of(body))
    return walk.problems


def test_generated_bodies_have_every_kind_of_place() -> None:
    places = {str(key) for seed in range(400) for _, _, key in GeneratedBody(random.Random(seed)).slots}
    assert places >= {
        "query", "post_filter", "filter", "positive", "negative", "highlight_query", "background_filter", "big",
        "match", "x", "a", "0",
    }  # fmt: skip


GOLDS = [
    {"size": 5, "sort": [{"f": {"order": "asc"}}], "_source": ["f"], "highlight": {"fields": {"f": {}}},
     "query": {"bool": {"filter": [{"term": {"f": {"value": 1}}}, {"range": {"t": {"gte": "now-1d"}}}],
                        "must": {"nested": {"path": "p", "query": {"match": {"p.f": {"query": "x"}}}}}}}},
    {"size": 0, "aggs": {"a": {"terms": {"field": "f", "order": {"b": "desc"}},
                               "aggs": {"b": {"weighted_avg": {"value": {"field": "f"}, "weight": {"field": "g"}}},
                                        "c": {"top_hits": {"_source": ["f"], "size": 1}}}}}},
    {"query": {"function_score": {"query": {"intervals": {"f": {"all_of": {"intervals": [{"match": {"query": "x"}}]}}}},
                                  "functions": [{"gauss": {"t": {"origin": "now", "scale": "1d"}}}]}}},
]  # fmt: skip


def _objects(value, path=()):
    if isinstance(value, dict):
        yield path
        for key, inner in value.items():
            yield from _objects(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _objects(inner, (*path, index))


def test_refuses_script_in_any_object_of_valid_body() -> None:
    asked = named_script = 0
    for gold in GOLDS:
        assert guard.check(gold) == ()
        for path in _objects(gold):
            spoilt = copy.deepcopy(gold)
            at = spoilt
            for step in path:
                at = at[step]
            at["script"] = SCRIPT
            codes = {problem.code for problem in guard.check(spoilt)}
            # Where it is the name of a field or of an aggregation, its content is refused.
            assert codes & {"script", "not_allowed"}, path
            named_script += "script" in codes
            asked += 1
    assert asked > 40
    assert named_script > asked / 2


# --- size ----------------------------------------------------------------------------------


def test_refuses_deep_body_without_recursion() -> None:
    deep: dict = {"match_all": {}}
    for _ in range(100_000):
        deep = {"bool": {"must": [deep]}}
    [problem] = guard.check({"query": deep})
    assert (problem.code, problem.message) == ("limit", "refused: the body is nested deeper than 100 levels")
    while "bool" in deep:  # level by level: taking it down at once would overflow the interpreter itself
        deep = deep["bool"]["must"].pop()


# --- limits --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [item.name for item in fields(Limits) if item.metadata.get("high") is not None])
def test_no_configuration_exceeds_maximum_of_limit(name: str) -> None:
    ceiling = next(item.metadata["high"] for item in fields(Limits) if item.name == name)
    assert getattr(Limits(**{name: ceiling}), name) == ceiling
    for value in (ceiling + 1, -1):
        with pytest.raises(ConfigError, match=f"guard.{name} = {value}"):
            Limits(**{name: value})


# --- query_string, where it is switched on --------------------------------------------------

ON = Limits(query_string=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("*oo", "limit"),
        ("f:*oo", "limit"),
        ("(a OR ?oo)", "limit"),
        ("a*b*c*d*", "limit"),
        ("f:/.*oo/", "limit"),
        ("x AND (_id : 1)", "metadata"),
        ("x" * 1_001, "limit"),
    ],
)
def test_refuses_query_string_over_limits(text: str, code: str) -> None:
    assert code in {problem.code for problem in guard.check({"query": {"query_string": {"query": text}}}, ON)}


def test_query_string_is_off_when_field_is_denied() -> None:
    limits = Limits(query_string=True, fields=("*", "!secret"))
    body = {"size": 0, "query": {"query_string": {"query": "secret:x", "fields": ["f"]}}}
    assert {problem.code for problem in guard.check(body, limits)} == {"field_denied"}


# --- runtime fields of the mapping ----------------------------------------------------------

MAPPING = {
    "properties": {"secret": {"type": "keyword"}, "f": {"type": "keyword"}},
    "runtime": {
        "shown": {"type": "keyword", "script": "emit(doc['secret'].value)"},
        "plain": {"type": "keyword"},
    },
}


def test_denied_fields_require_runtime_field_on_allow_list() -> None:
    limits = limits_on(MAPPING, Limits(fields=("*", "!secret")))
    assert [limits.allows(name) for name in ("f", "plain", "shown", "secret")] == [True, True, False, False]
    assert limits_on(MAPPING, Limits(fields=("*", "shown", "!secret"))).allows("shown")
    assert limits_on(MAPPING, Limits()).allows("shown")


def test_refuses_lookup_field() -> None:
    mapping = {"properties": {}, "runtime": {"user": {"type": "lookup", "target_index": "users"}}}
    example = Example(id="1", question="?", context={"mapping": mapping})
    problems = list(find_problems(QueryDsl(), example, Draft(answer='{"fields":["user"]}')))
    assert [(p.layer, p.code, p.pointer) for p in problems] == [("mapping", "foreign_read", "/fields/0")]


# --- the manual's list ---------------------------------------------------------------------


def test_manual_is_up_to_date(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_guard", root / "docs" / "make_guard.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (root / "docs" / "guard.md").read_text(encoding="utf-8") == module.text(), "run `make docs`"
