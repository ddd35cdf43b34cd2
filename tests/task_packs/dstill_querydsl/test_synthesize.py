"""The synthesizer's promises: categories, splits, sameness, and golds that pass and run."""

import json
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from dstill.api.checking import find_problems
from dstill.api.engine import Engine
from dstill.api.records import Example, OutcomeKind
from dstill.errors import DataError
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.canonical import canonical_text
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings
from dstill_querydsl.synthesize import split_examples, synthesize

pytestmark = pytest.mark.slow

INDEX = bundled("weblogs")
CATEGORIES = {
    "absolute_dates", "adversarial", "ambiguous", "boolean", "count", "exact_filter", "exists", "full_text",
    "histogram", "ip", "metric", "numeric_range", "prefix", "refusal", "relative_dates", "sort_page", "terms",
    "terse", "text_or_keyword", "two_level", "units",
}  # fmt: skip


@pytest.fixture(scope="module")
def splits() -> dict[str, list[Example]]:
    return split_examples(INDEX, rows=6000, seed=0)


def _rows(examples: list[Example]) -> bytes:
    return "\n".join(json.dumps(example.to_row()) for example in examples).encode()


def test_split_sizes(splits: dict[str, list[Example]]) -> None:
    assert {name: len(examples) for name, examples in splits.items()} == {
        "train": 6000, "validation": 300, "test": 400, "test_unseen_templates": 200,
    }  # fmt: skip


@pytest.mark.parametrize("split", ["train", "test"])
def test_split_has_every_category(splits: dict[str, list[Example]], split: str) -> None:
    assert {example.category for example in splits[split]} == CATEGORIES


@pytest.mark.parametrize("split", ["train", "test", "test_unseen_templates"])
def test_at_least_8_percent_are_refusals(splits: dict[str, list[Example]], split: str) -> None:
    task = QueryDsl()
    refused = sum(task.is_refusal(example.answer or "") for example in splits[split])
    assert refused >= 0.08 * len(splits[split])


def test_questions_and_ids_are_unique(splits: dict[str, list[Example]]) -> None:
    everything = [example for examples in splits.values() for example in examples]
    for names in ([e.question.lower() for e in everything], [e.id for e in everything]):
        assert not [name for name, count in Counter(names).items() if count > 1]


def test_unseen_templates_share_no_name_or_gold_with_train(splits: dict[str, list[Example]]) -> None:
    others = [example for name, examples in splits.items() if name != "test_unseen_templates" for example in examples]
    unseen = splits["test_unseen_templates"]
    assert not {e.template for e in unseen} & {e.template for e in others}
    assert not {canonical_text(e.answer or "") for e in unseen} & {canonical_text(e.answer or "") for e in others}


@pytest.mark.parametrize("rows", [60, 6000])
def test_test_uses_train_templates(rows: int, splits: dict[str, list[Example]]) -> None:
    found = splits if rows == 6000 else split_examples(INDEX, rows=rows, seed=0)
    seen = {example.template for example in found["train"]}
    for name in ("test", "validation"):
        assert len(found[name]) == rows // {"test": 15, "validation": 20}[name]
        assert {example.template for example in found[name]} <= seen


def test_each_gold_has_several_wordings(splits: dict[str, list[Example]]) -> None:
    """First words of the questions of one template."""
    ways: dict[str, set[str]] = defaultdict(set)
    for example in splits["train"]:
        ways[example.template].add(" ".join(example.question.split()[:2]))
    counts = sorted(len(way) for way in ways.values())
    assert counts[len(counts) // 4] >= 4  # three quarters of the templates have at least four


def test_rationales_are_short_and_name_fields(splits: dict[str, list[Example]]) -> None:
    for example in splits["train"]:
        assert example.rationale
        assert len(example.rationale.split()) <= 30
        body = json.loads(example.answer or "")
        for condition in body.get("query", {}).get("bool", {}).get("filter", ()):
            ((operator, inner),) = condition.items()
            field = inner["field"] if operator == "exists" else next(iter(inner))
            assert field in example.rationale


def test_golds_are_compact_canonical_json(splits: dict[str, list[Example]]) -> None:
    for example in splits["train"]:
        answer = example.answer or ""
        assert json.dumps(json.loads(answer), separators=(",", ":"), ensure_ascii=False) == answer
        assert len(answer) < 400


def test_same_seed_gives_same_bytes() -> None:
    one, other = (split_examples(INDEX, rows=200, seed=5) for _ in range(2))
    assert {name: _rows(examples) for name, examples in one.items()} == {
        name: _rows(examples) for name, examples in other.items()
    }
    assert _rows(split_examples(INDEX, rows=200, seed=6)["train"]) != _rows(one["train"])


def test_synthesize_gives_requested_count_from_all_templates() -> None:
    made = list(synthesize(INDEX, 500, seed=1))
    assert len({example.question for example in made}) == len({example.id for example in made}) == 500
    assert {example.category for example in made} == CATEGORIES
    assert list(synthesize(INDEX, 500, seed=1)) == made


def test_refuses_index_without_documents() -> None:
    empty = Index(name="empty", mapping={"properties": {}}, settings={}, now="", documents=tuple)
    with pytest.raises(DataError, match="no documents"):
        next(synthesize(empty, 1, seed=0))


def test_golds_pass_every_check(splits: dict[str, list[Example]]) -> None:
    task = QueryDsl()
    for example in [*splits["test"], *splits["test_unseen_templates"], *splits["train"][:300]]:
        draft = task.parse(task.reply_text(example.rationale or "", example.answer or ""))
        assert draft is not None
        assert [p for p in find_problems(task, example, draft) if p.is_error] == [], example.answer


SMALL = Settings(documents=1500, n_questions=2000)


@pytest.fixture(scope="module")
def outcomes() -> list[tuple[Example, object]]:
    """What golds of both test sets give on the embedded engine."""
    from dstill_querydsl.engines import Embedded

    task, found = QueryDsl(SMALL), []
    with Embedded().open(task, Engine()) as executor:
        for example in [*task.examples("test"), *task.examples("test_unseen_templates")]:
            if task.is_refusal(example.answer or ""):
                continue
            outcome = executor.run(example.answer or "", example)
            assert outcome.kind is OutcomeKind.OK, (outcome.reason, example.answer)
            found.append((example, outcome.value))
    return found


def test_golds_run_with_mostly_nontrivial_results(outcomes: list[tuple[Example, object]]) -> None:
    task = QueryDsl(SMALL)
    vacuous = [example.template for example, value in outcomes if task.is_trivial(value, example)]
    assert len(vacuous) <= 0.03 * len(outcomes), vacuous


def test_different_questions_have_different_results(outcomes: list[tuple[Example, object]]) -> None:
    """Neighbouring golds have different results: results are not all alike."""
    task = QueryDsl(SMALL)
    pairs = list(pairwise(outcomes))
    alike = sum(task.same(one, other) for (_, one), (_, other) in pairs)
    assert alike <= 0.02 * len(pairs)
