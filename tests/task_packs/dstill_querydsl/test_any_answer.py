"""The pack's methods take any answer without raising: any JSON in any place of a valid body, and any text.

With ``HYPOTHESIS_PROFILE=explore`` it looks for longer.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example as also
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.judging import judge
from dstill.api.protocols import (
    NamedValue,
    NoTestDatabases,
    Presentation,
    RationaleTerms,
    Readback,
    ResultProperties,
    TestDatabases,
    ValueLookup,
)
from dstill.api.records import Draft, Example, Level, Outcome, OutcomeKind, TestDatabase
from dstill_querydsl.engines.freeze import freeze
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.language import strict
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings
from dstill_querydsl.testdata.embedded_runner import EmbeddedRunner

TASK = QueryDsl(Settings(n_questions=150, documents=300))
GOLDS = [one for one in TASK.examples("test") if one.answer]
ASKED = next(gold for gold in GOLDS if not TASK.is_refusal(gold.answer or ""))
MAPPING = TASK.index_profile(ASKED).index.mapping  # type: ignore[union-attr]
BODIES = [json.loads(one.answer or "") for one in GOLDS]
LONG_YEAR = '{"query":{"range":{"@timestamp":{"gte":"2025-01-01","format":"yyyyyyyyyyyy"}}}}'
NO_LIST = '{"refusal":{"reason":"x","missing":1}}'

_ODD = ["", "*", "now", "now/d/d", "2025-99-99||/y", "yyyyyyyyyyyy", "1e400", "²", "2<75%", "nan", "::/0", "\ud800"]
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from([*_ODD, *MAPPING["properties"]])
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def put(body: Any, path: Sequence[Any], value: Any) -> str:
    changed = copy.deepcopy(body)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return json.dumps(changed)


@st.composite
def answers(draw: st.DrawFn) -> str:
    """A gold with any JSON in any one place of it."""
    body = draw(st.sampled_from(BODIES))
    return put(body, draw(st.sampled_from(list(places(body)))), draw(_JSON))


def run_all_methods(answer: str) -> None:
    """Call every method that takes an answer."""
    draft, asked = Draft(answer=answer), replace(ASKED, answer=answer)
    for check in TASK.checks:
        list(check.run(ASKED, answer))
    list(find_problems(TASK, Example(id="1", question="?", context={"index": "unknown"}), draft))
    gold = ASKED.answer or ""
    TASK.canonical(answer)
    for cause in (TASK.cause(answer, gold), TASK.cause(gold, answer)):
        assert cause is None or cause.label in TASK.causes
    list(TASK.clauses(answer) or ()), list(RationaleTerms.of(TASK).answer_terms(answer))
    TASK.is_refusal(answer), Presentation.of(TASK).relevant_schema(ASKED, answer), TASK.prompt(ASKED, [asked])
    TASK.parse(answer), TASK.parse(TASK.reply_text("so", answer))
    if not any(problem.is_error for problem in find_problems(TASK, ASKED, draft)) and not TASK.is_refusal(answer):
        run_after_checks(answer)


def run_after_checks(answer: str) -> None:
    """Do what follows after an answer passed the checks, on an engine with one constant reply."""
    read_back(answer)
    lookup = ValueLookup.of(TASK)
    for named in lookup.named_values(ASKED, answer):
        lookup.with_value(ASKED, answer, named, NamedValue(item=named.item, text="other"))
    hits = [{"_id": "a", "_score": 1.0, "_source": {"a": 1}}, {"_id": "b", "_score": None}]
    reply = {"hits": {"total": {"value": 2, "relation": "eq"}, "hits": hits}, "aggregations": {}}
    body = freeze(strict.read(answer).value or {}, "2025-03-27T12:00:00Z", MAPPING)
    outcome = observe(lambda one: Outcome(kind=OutcomeKind.OK, raw=reply), body)
    got, want = ({**outcome.value, "documents": 5, "hits": page} for page in (outcome.value["hits"], []))
    (
        TASK.same(got, want),
        ResultProperties.of(TASK).accepts(got, want, ASKED),
        ResultProperties.of(TASK).accepts(want, got, ASKED),
        ResultProperties.of(TASK).is_trivial(got, ASKED),
        ResultProperties.of(TASK).is_nondeterministic(got, ASKED),
        ResultProperties.of(TASK).is_empty(got),
    )
    (
        Presentation.of(TASK).render_result(got),
        Presentation.of(TASK).result_tables(got, answer),
        Presentation.of(TASK).diff_results(got, want),
    )
    Presentation.of(TASK).diff_results(got, want, TestDatabase(name="small", data={"documents": [["a", {"a": 1}]]}))
    list(TestDatabases.of(TASK).mutants(replace(ASKED, answer=answer)))


def read_back(answer: str) -> None:
    """Say an answer about an index that is known, and about one of which only the name is known."""
    for asked in (ASKED, Example(id="1", question="?", context={"index": "unknown"})):
        assert "".join(phrase.text for phrase in Readback.of(TASK).read_back(asked, answer)).isprintable()


@given(answers())
@also('{"query":{}}')
@also(LONG_YEAR)
@also(NO_LIST)
def test_methods_accept_any_json_anywhere(answer: str) -> None:
    run_all_methods(answer)


@given(st.text() | _JSON.map(json.dumps))
@also("[" * 100_000)
@also('{"size":' + "9" * 5_000 + "}")
@also('{"size":1e999}')
def test_methods_accept_any_text(answer: str) -> None:
    run_all_methods(answer)


def test_checks_value_by_date_format_with_long_year() -> None:
    (problem,) = (one for one in find_problems(TASK, ASKED, Draft(answer=LONG_YEAR)) if one.is_error)
    assert (problem.layer, problem.code) == ("mapping", "wrong_value")
    right = LONG_YEAR.replace("2025-01-01", "000000002025")
    assert not [one for one in find_problems(TASK, ASKED, Draft(answer=right)) if one.is_error]


def test_rejects_refusal_whose_missing_is_no_list() -> None:
    verdict = judge(TASK, replace(ASKED, answer=NO_LIST), Draft(answer=NO_LIST), None)
    assert (verdict.reached, verdict.reason) == (Level.PARSED, "'missing' is a list of names")


def test_skips_date_format_with_exponential_pattern() -> None:
    """Each may be one to nine digits long: a pattern of them would try 9²⁰ ways before it gives up."""
    body = {"query": {"range": {"@timestamp": {"gte": "1" * 90 + "x", "format": "yM" * 20}}}}
    list(find_problems(TASK, ASKED, Draft(answer=json.dumps(body))))


# --- what reaches an engine -------------------------------------------------------------

HOSTILE = [
    '{"query":{"match_all":{}},"script_fields":{"x":{"script":"1"}}}',
    '{"query":{"wrapper":{"query":"eyJtYXRjaF9hbGwiOnt9fQ=="}}}',
    '{"refusal":{"reason":"no"},"query":{"script":{"script":"1"}}}',
    '{"query":{"script":{"script":{"source":"1"}}}}',
    '{"runtime_mappings":{"x":{"type":"long","script":"emit(1)"}}}',
]


class Recorder(Executor):
    name = "recorder"

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    def execute(self, answer: str, example: Example) -> Outcome:
        self.ran.append(answer)
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="it only listens")


@pytest.mark.parametrize("gold", HOSTILE)
def test_hostile_gold_reaches_no_engine(gold: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the executor's nor the one that tries test databases."""
    monkeypatch.setattr(EmbeddedRunner, "__init__", lambda self: pytest.fail("the runner was started"))
    example, recorder = replace(ASKED, answer=gold), Recorder()
    verdict = judge(TASK, example, Draft(answer=ASKED.answer or ""), recorder.open(TASK, Engine()))
    assert verdict.gold_error.startswith("invalid: not run: ")
    assert recorder.ran == [ASKED.answer]  # the student's, which is harmless
    assert list(TestDatabases.of(TASK).mutants(example)) == []
    with contextlib.suppress(NoTestDatabases):
        assert list(TestDatabases.of(TASK).test_databases(example, 5)) == []


def test_runner_refuses_refused_body() -> None:
    from dstill_querydsl.testdata.embedded_runner import shared_runner

    documents: list[tuple[str, dict[str, Any]]] = [("a", {"code": "x"})]
    mapping, now = {"properties": {"code": {"type": "keyword"}}}, "2025-06-18T12:00:00Z"
    unsupported_fields = shared_runner().unsupported_fields(mapping, {})
    with shared_runner().on(
        mapping, {}, documents, now, unsupported_fields, lambda body: "not run" if "size" in body else ""
    ) as run:
        assert run({"query": {"match_all": {}}}).kind is OutcomeKind.OK
        assert run({"size": 1}) == Outcome(kind=OutcomeKind.INVALID, reason="not run")
