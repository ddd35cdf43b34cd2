"""Sets of a data set: what is held out by shape and by index, and every kind of question of the demo."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from support.sizes import first_quick, size

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.protocols import ResultProperties
from dstill.api.records import Example, OutcomeKind
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.engines import Embedded
from dstill_querydsl.language.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates import Rules, questions, splits
from dstill_querydsl.questions.templates.plan import HELD_REFUSAL, TEMPLATES
from dstill_querydsl.settings import Settings

pytestmark = pytest.mark.slow

UNSEEN = size("UNSEEN", ci=50, nightly=100)  # questions about the index that is held out
SMALL_INDEX = bundled("weblogs", 300)  # where the number of documents does not matter
# What an access log has no fields for, and what a student cannot tell that reads the question alone.
ELSEWHERE = {"geo", "nested", "schema_variant"}
CATEGORIES = {template.category for template in TEMPLATES} - ELSEWHERE
ROWS = {"shop": 300, "weblogs": 1_500, "few": 60}
Sets = dict[str, list[Example]]


@pytest.fixture(scope="module")
def made(index: Callable[[str], Index]) -> Callable[[str], Sets]:
    """``made("weblogs")``: all splits; `few` are about weblogs too."""

    @cache
    def loaded(name: str) -> Sets:
        if name == "shop":
            return splits(index(name), ROWS[name], 0, Rules())
        return splits(SMALL_INDEX if name == "few" else bundled(name, 1_500), ROWS[name], 0, Rules(), variants=False)

    return loaded


@pytest.fixture(scope="module")
def sets(made: Callable[[str], Sets]) -> Sets:
    """Those of the demo."""
    return made("weblogs")


def _golds(examples: list[Example]) -> set[str]:
    return {canonical_text(example.answer or "") for example in examples}


@pytest.mark.parametrize("name", ROWS)
def test_split_sizes_and_names(name: str, made: Callable[[str], Sets]) -> None:
    sizes, rows = {split: len(examples) for split, examples in made(name).items()}, ROWS[name]
    assert sizes == {
        "train": rows,
        "validation": rows // 20,
        "test": rows // 15,
        "test_unseen_templates": rows // 30,
    }
    for split, examples in made(name).items():
        assert {example.split for example in examples} == {split}
    everything = [example for examples in made(name).values() for example in examples]
    assert (
        len({example.id for example in everything}) == len({e.question.lower() for e in everything}) == len(everything)
    )


@pytest.mark.parametrize("name", ROWS)
def test_unseen_templates_share_no_shape_or_gold_with_train(name: str, made: Callable[[str], Sets]) -> None:
    shapes = {template.name: template.shape for template in TEMPLATES}
    unseen = made(name)["test_unseen_templates"]
    others = [e for split, examples in made(name).items() if split != "test_unseen_templates" for e in examples]
    assert not {shapes[e.template] for e in unseen} & {shapes[e.template] for e in others}
    assert not _golds(unseen) & _golds(others)


@pytest.mark.parametrize("name", ROWS)
def test_test_and_validation_use_train_templates(name: str, made: Callable[[str], Sets]) -> None:
    trained = {example.template for example in made(name)["train"]}
    assert {example.template for example in [*made(name)["test"], *made(name)["validation"]]} <= trained


def test_train_has_all_parts_of_unseen_templates() -> None:
    seen = [template for template in TEMPLATES if not template.held_out]
    held = [template for template in TEMPLATES if template.held_out]
    asks, kinds = {one.ask for one in seen}, {kind for one in seen for kind in one.clauses}
    assert {one.ask for one in held} - asks == {HELD_REFUSAL}
    assert {kind for one in held for kind in one.clauses} <= kinds
    assert 0.08 < len(held) / len(TEMPLATES) < 0.16


def test_same_seed_gives_same_splits(index: Callable[[str], Index]) -> None:
    def rows(seed: int) -> str:
        return json.dumps(
            {name: [e.to_row() for e in found] for name, found in splits(index("fleet"), 30, seed, Rules()).items()}
        )

    found = rows(3)
    assert found == rows(3)
    assert found != rows(4)


@pytest.mark.parametrize("name", first_quick(["weblogs", "flights"]))
def test_unseen_index_is_quakes_without_golds_in_train(name: str) -> None:
    task = QueryDsl(Settings(index=name, n_questions=120, documents=900))
    unseen, train = list(task.examples("test_unseen_data")), list(task.examples("train"))
    assert len(unseen) == 120 // 30
    assert {example.context["index"] for example in unseen} == {"quakes"}
    assert {example.context["index"] for example in train} == {name}
    assert not _golds(unseen) & _golds(train)


@pytest.mark.nightly
def test_unseen_index_has_own_refusals() -> None:
    """What a refusal says names the documents, so that it is not the answer to another index' question."""
    task = QueryDsl(Settings(n_questions=30 * UNSEEN, documents=1500))
    unseen = list(task.examples("test_unseen_data"))
    assert len(unseen) == UNSEEN
    assert not _golds(unseen) & _golds(list(task.examples("train")))
    assert sum(task.is_refusal(example.answer or "") for example in unseen) >= 0.08 * UNSEEN
    assert {example.category for example in unseen} >= {"geo", "two_level", "refusal", "adversarial", "schema_variant"}


def test_user_index_has_splits(tmp_path, index: Callable[[str], Index]) -> None:
    own = index("shop")
    (tmp_path / "m.json").write_text(json.dumps(own.mapping))
    (tmp_path / "v.json").write_text(json.dumps(own.given_values.to_json()))
    files = {"mapping": str(tmp_path / "m.json"), "values": str(tmp_path / "v.json")}
    task = QueryDsl(Settings(index="orders", n_questions=60, **files))
    assert len(list(task.examples("train"))) == 60
    assert {example.context["index"] for example in task.examples("test")} == {"orders"}
    assert list(task.examples("test_unseen_data")) == []


# --- the questions of the demo ------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test", "test_unseen_templates"])
def test_split_has_refusals_and_every_category(sets: Sets, split: str) -> None:
    assert sum(QueryDsl().is_refusal(example.answer or "") for example in sets[split]) >= 0.08 * len(sets[split])
    if split != "test_unseen_templates":
        assert {example.category for example in sets[split]} == CATEGORIES


def test_each_gold_has_several_wordings(sets: Sets) -> None:
    """First words of the questions of one wish; `test_wording` counts the wordings of each template."""
    ways: dict[str, set[str]] = defaultdict(set)
    for example in sets["train"]:
        ways[(example.template or "").partition(":")[0]].add(" ".join(example.question.split()[:2]))
    counts = sorted(len(way) for way in ways.values())
    assert counts[len(counts) // 4] >= 4  # three quarters have at least four


def test_rationales_are_short_and_name_fields(sets: Sets) -> None:
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


def test_golds_are_compact_canonical_json(sets: Sets) -> None:
    for example in sets["train"]:
        answer = example.answer or ""
        assert json.dumps(json.loads(answer), separators=(",", ":"), ensure_ascii=False) == answer
        assert len(answer) < 400


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
def test_asks_every_kind_of_access_log_question(kind: str, sets: Sets) -> None:
    assert any(KINDS[kind](json.loads(example.answer or "")) for example in sets["train"])


def test_golds_pass_every_check(sets: Sets, task: QueryDsl) -> None:
    for example in [*sets["test"], *sets["test_unseen_templates"], *sets["train"][:300]]:
        draft = task.parse(task.reply_text(example.rationale or "", example.answer or ""))
        assert draft is not None
        assert [p for p in find_problems(task, example, draft) if p.is_error] == [], example.answer


SMALL = Settings(documents=1500, n_questions=1_500)


@pytest.fixture(scope="module")
def outcomes(sets: Sets) -> list[tuple[Example, object]]:
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
    vacuous = [example.template for example, value in outcomes if ResultProperties.of(task).is_trivial(value, example)]
    assert len(vacuous) <= 0.03 * len(outcomes), vacuous


def test_different_questions_have_different_results(outcomes: list[tuple[Example, object]]) -> None:
    """Neighbouring golds have different results: results are not all alike."""
    task = QueryDsl(SMALL)
    pairs = list(pairwise(outcomes))
    alike = sum(task.same(one, other) for (_, one), (_, other) in pairs)
    assert alike <= 0.02 * len(pairs)
