"""The questions of the demo: every kind that an access log is asked, splits, and golds that pass and run."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.records import Example, OutcomeKind
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.engines import Embedded
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates import Rules, questions, splits
from dstill_querydsl.questions.templates.plan import TEMPLATES
from dstill_querydsl.settings import Settings

pytestmark = pytest.mark.slow

ROWS = 1_500
INDEX = bundled("weblogs", 1_500)
SMALL_INDEX = bundled("weblogs", 300)  # where the number of documents does not matter
# What an access log has no fields for, and what a student cannot tell that reads the question alone.
ELSEWHERE = {"geo", "nested", "schema_variant"}
CATEGORIES = {template.category for template in TEMPLATES} - ELSEWHERE


def _sets(rows: int, seed: int, index: Index = SMALL_INDEX) -> dict[str, list[Example]]:
    return splits(index, rows, seed, Rules(), variants=False)


@pytest.fixture(scope="module")
def sets() -> dict[str, list[Example]]:
    return _sets(ROWS, seed=0, index=INDEX)


def _rows(examples: list[Example]) -> bytes:
    return "\n".join(json.dumps(example.to_row()) for example in examples).encode()


def test_split_sizes(sets: dict[str, list[Example]]) -> None:
    assert {name: len(examples) for name, examples in sets.items()} == {
        "train": 1500, "validation": 75, "test": 100, "test_unseen_templates": 50,
    }  # fmt: skip


@pytest.mark.parametrize("split", ["train", "test"])
def test_split_has_every_category(sets: dict[str, list[Example]], split: str) -> None:
    assert {example.category for example in sets[split]} == CATEGORIES


@pytest.mark.parametrize("split", ["train", "test", "test_unseen_templates"])
def test_at_least_8_percent_are_refusals(sets: dict[str, list[Example]], split: str) -> None:
    task = QueryDsl()
    refused = sum(task.is_refusal(example.answer or "") for example in sets[split])
    assert refused >= 0.08 * len(sets[split])


def test_questions_and_ids_are_unique(sets: dict[str, list[Example]]) -> None:
    everything = [example for examples in sets.values() for example in examples]
    for names in ([e.question.lower() for e in everything], [e.id for e in everything]):
        assert not [name for name, count in Counter(names).items() if count > 1]


def test_unseen_templates_share_no_name_or_gold_with_train(sets: dict[str, list[Example]]) -> None:
    others = [example for name, examples in sets.items() if name != "test_unseen_templates" for example in examples]
    unseen = sets["test_unseen_templates"]
    assert not {e.template for e in unseen} & {e.template for e in others}
    assert not {canonical_text(e.answer or "") for e in unseen} & {canonical_text(e.answer or "") for e in others}


@pytest.fixture(scope="module")
def few() -> dict[str, list[Example]]:
    return _sets(60, seed=0)


@pytest.mark.parametrize("rows", [60, ROWS])
def test_test_uses_train_templates(rows: int, sets: dict[str, list[Example]], few: dict[str, list[Example]]) -> None:
    found = sets if rows == ROWS else few
    seen = {example.template for example in found["train"]}
    for name in ("test", "validation"):
        assert len(found[name]) == rows // {"test": 15, "validation": 20}[name]
        assert {example.template for example in found[name]} <= seen


def test_each_gold_has_several_wordings(sets: dict[str, list[Example]]) -> None:
    """First words of the questions of one wish; `test_wording` counts the wordings of each template."""
    ways: dict[str, set[str]] = defaultdict(set)
    for example in sets["train"]:
        ways[(example.template or "").partition(":")[0]].add(" ".join(example.question.split()[:2]))
    counts = sorted(len(way) for way in ways.values())
    assert counts[len(counts) // 4] >= 4  # three quarters have at least four


def test_rationales_are_short_and_name_fields(sets: dict[str, list[Example]]) -> None:
    lengths = sorted(len((example.rationale or "").split()) for example in sets["train"])
    assert lengths[0] > 0
    assert lengths[-1] <= 40
    for example in sets["train"]:
        for condition in json.loads(example.answer or "").get("query", {}).get("bool", {}).get("filter", ()):
            assert all(field in (example.rationale or "") for field in _fields(condition)), example


def _fields(condition: Mapping[str, Any]) -> list[str]:
    ((operator, inner),) = condition.items()
    if operator == "bool":
        return [field for one in inner["should"] for field in _fields(one)]
    return [inner["field"] if operator == "exists" else next(iter(inner))]


def test_golds_are_compact_canonical_json(sets: dict[str, list[Example]]) -> None:
    for example in sets["train"]:
        answer = example.answer or ""
        assert json.dumps(json.loads(answer), separators=(",", ":"), ensure_ascii=False) == answer
        assert len(answer) < 400


def test_same_seed_gives_same_bytes(few: dict[str, list[Example]]) -> None:
    again = _sets(60, seed=0)
    assert {name: _rows(examples) for name, examples in few.items()} == {
        name: _rows(examples) for name, examples in again.items()
    }
    assert _rows(_sets(60, seed=6)["train"]) != _rows(few["train"])


def test_makes_requested_count_from_all_categories() -> None:
    made = list(questions(SMALL_INDEX, 300, 1, Rules()))
    assert len({example.question for example in made}) == len({example.id for example in made}) == 300
    assert {example.category for example in made} == CATEGORIES | {"schema_variant"}


def _leaves(body: Any) -> Any:
    """Every (operator, operand) of a body."""
    if isinstance(body, list):
        for one in body:
            yield from _leaves(one)
    elif isinstance(body, dict):
        for name, inner in body.items():
            yield name, inner
            yield from _leaves(inner)


def _aggregates(kind: str, field: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: any(name == kind and inner.get("field") == field for name, inner in _leaves(body))


def _filters(operator: str, field: str, occur: str = "filter") -> Callable[[Mapping[str, Any]], bool]:
    return lambda body: any(
        name == operator and field in inner
        for name, inner in _leaves(body.get("query", {}).get("bool", {}).get(occur, ()))
        if isinstance(inner, dict)
    )


STATUS, PATH, CITY = "http.response.status_code", "url.path.raw", "source.geo.city_name.keyword"
KINDS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "a status": _filters("term", STATUS),
    "one of two statuses": _filters("terms", STATUS),
    "any status but one": _filters("term", STATUS, "must_not"),
    "one of two paths": _filters("terms", PATH),
    "any path but one": _filters("term", PATH, "must_not"),
    "a whole path": _filters("term", PATH),
    "a part of a path": _filters("prefix", PATH),
    "a city": _filters("term", CITY),
    "one of two cities": _filters("terms", CITY),
    "a network": _filters("term", "source.ip"),
    "a time": _filters("range", "@timestamp"),
    "by status": _aggregates("terms", STATUS),
    "by path": _aggregates("terms", PATH),
    "by city": _aggregates("terms", CITY),
    "different addresses": _aggregates("cardinality", "source.ip"),
    "a percentile": _aggregates("percentiles", "event.duration"),
    "over time": _aggregates("date_histogram", "@timestamp"),
    "steps": _aggregates("histogram", "event.duration"),
    "bands": _aggregates("range", "event.duration"),
    "a share of a class of statuses": lambda body: any(
        name == "filter" and isinstance(inner, dict) and STATUS in inner.get("range", {})
        for name, inner in _leaves(body.get("aggs", {}))
    ),
    "slowest": lambda body: body.get("sort") == [{"event.duration": "desc"}],
    "smallest": lambda body: body.get("sort") == [{"http.response.bytes": "asc"}],
    "a page": lambda body: "from" in body,
    "some fields": lambda body: "_source" in body,
    "slow": lambda body: {"event.duration": {"gt": 1_000_000_000}} in [i for n, i in _leaves(body) if n == "range"],
    "large": lambda body: {"http.response.bytes": {"gt": 1_000_000}} in [i for n, i in _leaves(body) if n == "range"],
    "failed": lambda body: {STATUS: {"gte": 500, "lt": 600}} in [i for n, i in _leaves(body) if n == "range"],
    "recent": lambda body: {"@timestamp": {"gte": "now-24h"}} in [i for n, i in _leaves(body) if n == "range"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_asks_every_kind_of_access_log_question(kind: str, sets: dict[str, list[Example]]) -> None:
    assert any(KINDS[kind](json.loads(example.answer or "")) for example in sets["train"])


def test_golds_pass_every_check(sets: dict[str, list[Example]]) -> None:
    task = QueryDsl()
    for example in [*sets["test"], *sets["test_unseen_templates"], *sets["train"][:300]]:
        draft = task.parse(task.reply_text(example.rationale or "", example.answer or ""))
        assert draft is not None
        assert [p for p in find_problems(task, example, draft) if p.is_error] == [], example.answer


SMALL = Settings(documents=1500, n_questions=ROWS)


@pytest.fixture(scope="module")
def outcomes(sets: dict[str, list[Example]]) -> list[tuple[Example, object]]:
    """What golds of both test sets give on the embedded engine."""
    task, found = QueryDsl(SMALL), []
    with Embedded().open(task, Engine()) as executor:
        for example in [*sets["test"], *sets["test_unseen_templates"]]:
            if task.is_refusal(example.answer or ""):
                continue
            outcome = executor.run(example.answer or "", example)
            assert outcome.kind is OutcomeKind.OK, (outcome.reason, example.answer)
            found.append((example, outcome.value))
    return found


def test_golds_run_with_nontrivial_results(outcomes: list[tuple[Example, object]]) -> None:
    task = QueryDsl(SMALL)
    vacuous = [example.template for example, value in outcomes if task.is_trivial(value, example)]
    assert len(vacuous) <= 0.03 * len(outcomes), vacuous


def test_different_questions_have_different_results(outcomes: list[tuple[Example, object]]) -> None:
    """Neighbouring golds have different results: results are not all alike."""
    task = QueryDsl(SMALL)
    pairs = list(pairwise(outcomes))
    alike = sum(task.same(one, other) for (_, one), (_, other) in pairs)
    assert alike <= 0.02 * len(pairs)
