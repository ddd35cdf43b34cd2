"""What questions promise of any mapping: categories, shares, sameness, and golds that hold."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dstill.api.checking import find_problems
from dstill.api.protocols import ResultProperties
from dstill.api.records import Draft, Example, OutcomeKind, TestDatabase
from dstill.errors import DataError
from dstill_querydsl.bundle.index_of import index_of
from dstill_querydsl.bundle.indices import Index, bundled
from dstill_querydsl.engines import Embedded
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.questions.templates import Rules, Tally, composed_questions, questions
from dstill_querydsl.questions.templates.plan import TEMPLATES

pytestmark = pytest.mark.slow

NAMES = ["shop", "fleet", "gharchive"]
EVERY = {template.category for template in TEMPLATES} - {"schema_variant"}  # an index of the user's has no variants
LACKS = {
    "shop": set(),
    "fleet": {"text_or_keyword"},  # its only text has no sub-field of whole values
    "gharchive": {"text_or_keyword", "nested", "geo", "ip", "units"},
}


def _rows(made: Any) -> list[str]:
    return [json.dumps(one.example.to_row()) for one in made]


@pytest.mark.parametrize("name", NAMES)
def test_makes_every_category_that_mapping_supports(name: str, made: Callable[..., Any]) -> None:
    found, tally = made(name)
    assert len(found) == 240
    assert {one.example.category for one in found} == EVERY - LACKS[name]
    assert tally.made.total() == 240
    print(f"{name}: {tally.drop_rate:.1%} dropped, {dict(tally.dropped)}, {dict(tally.made)}")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", [50, 240])
def test_category_shares_hold_for_any_count(name: str, first: int, made: Callable[..., Any], task: QueryDsl) -> None:
    counts = Counter(one.example.category for one in made(name)[0][:first])
    assert counts["refusal"] >= 0.08 * first
    assert counts["adversarial"] >= 0.03 * first
    assert sum(task.is_refusal(one.example.answer) for one in made(name)[0][:first]) >= 0.08 * first


@pytest.mark.parametrize("name", NAMES)
def test_golds_pass_checks(name: str, index: Callable[[str], Index], made: Callable[..., Any]) -> None:
    task, own = QueryDsl(), index(name)
    values = own.given_values.to_json() if own.given_values else {}
    context = {"index": name, "mapping": own.mapping, "values": values}
    for one in made(name)[0]:
        example = Example(id="1", question=one.example.question, context=context)
        problems = list(find_problems(task, example, Draft(answer=one.example.answer)))
        assert [p for p in problems if p.is_error] == [], one.example.answer


@pytest.mark.parametrize("name", NAMES)
def test_golds_run_with_nontrivial_results(
    name: str, made: Callable[..., Any], index: Callable[[str], Index], task: QueryDsl, executor: Embedded
) -> None:
    """On the executor that evaluation uses, over the documents that were invented."""
    found = [one for one in made(name)[0] if "refusal" not in one.body]
    place = found[0].context.trial_index
    database = TestDatabase(name="invented", data={"documents": [list(pair) for pair in place.documents()]})
    # An analyzer of n-grams is the index' own; what asks for it was run by the questions' own trial.
    plain = json.dumps(place.mapping).replace(', "analyzer": "my_ngrams"', "")
    mapping = {**json.loads(plain), "_meta": {"now": place.now}}
    values = index(name).values.to_json()  # the guard knows the range of a histogram by them
    for one in [one for one in found if ".grams" not in (one.example.answer or "")][:120]:
        context = {"index": name, "mapping": mapping, "values": values, "test_database": database}
        example = Example(id="1", question="", context=context)
        outcome = executor.run(one.example.answer, example)
        assert outcome.kind is OutcomeKind.OK, (outcome.reason, one.example.answer)
        assert not ResultProperties.of(task).is_trivial(outcome.value, example), one.example.answer


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_gives_same_bytes(name: str, index: Callable[[str], Index], made: Callable[..., Any]) -> None:
    again = composed_questions(index(name), 30, 0, Rules(), Tally())
    assert _rows(again) == _rows(made(name)[0][:30])
    assert _rows(composed_questions(index(name), 30, 1, Rules(), Tally())) != _rows(made(name)[0][:30])


@pytest.mark.parametrize("name", NAMES)
def test_questions_are_unique_and_rationales_short(name: str, made: Callable[..., Any]) -> None:
    examples = [one.example for one in made(name)[0]]
    assert len({example.question.lower() for example in examples}) == len({e.id for e in examples}) == len(examples)
    for example in examples:
        assert 3 <= len(example.rationale.split()) <= 40
        assert len(example.question) <= 2_000


def test_values_come_from_values_file(made: Callable[..., Any]) -> None:
    """Not a condition on a status that the file has not."""
    seen = set()
    for one in made("shop")[0]:
        for clause in one.body.get("query", {}).get("bool", {}).get("filter", ()):
            seen |= {clause["term"]["status"]} if "status" in clause.get("term", {}) else set()
    assert seen == {"open", "paid", "shipped", "returned"}


def test_reports_fields_without_questions(made: Callable[..., Any]) -> None:
    _, tally = made("fleet")
    assert dict(tally.skipped.types) == {"dense_vector": 1}
    assert "warning: no questions about 1 field because of the type: 1 dense_vector" in list(tally.remarks())
    assert any("made-up" in line for line in tally.remarks())


def test_reports_and_ignores_misfitting_values() -> None:
    mapping = {"properties": {"level": {"type": "keyword"}, "took": {"type": "integer"}, "from": {"type": "ip"}}}
    values = {"level": ["warn", 3, True], "took": {"examples": [1, 2.5, "n/a"], "max": 9}, "from": ["x"], "gone": ["y"]}
    tally = Tally()
    index = index_of({"index": "own", "mapping": mapping, "values": values})
    assert len(list(questions(index, 30, 0, Rules(), tally))) == 30
    assert tally.skipped.unmapped == ["gone"]
    assert tally.skipped.misfits == ["level: True", "took: 2.5", "took: 'n/a'", "from: 'x'"]


def test_refuses_mapping_without_usable_fields() -> None:
    empty = index_of({"index": "own", "mapping": {"properties": {"v": {"type": "dense_vector"}}}})
    with pytest.raises(DataError, match="no field that a question can use") as raised:
        list(questions(empty, 5, 0, Rules()))
    assert raised.value.where == "1 of type dense_vector"


@pytest.fixture(scope="module")
def quakes() -> list[Example]:
    return list(questions(bundled("quakes"), 120, 0, Rules()))


def test_bundled_index_questions_include_variants(quakes: list[Example], task: QueryDsl) -> None:
    varied = [example for example in quakes if example.category == "schema_variant"]
    assert varied
    for example in varied:
        assert example.context == {"index": "quakes", "variant": example.context["variant"]}
        assert [p for p in find_problems(task, example, Draft(answer=example.answer)) if p.is_error] == []
        assert [p for p in mapping_errors(example) if p] != []


def test_golds_of_poisoned_mapping_run_and_prompt_has_injection(
    quakes: list[Example], task: QueryDsl, executor: Embedded
) -> None:
    """The mapping gives orders in its own words; documents and answer stay the index'."""
    poisoned = [one for one in quakes if "mapping" in one.context]
    assert poisoned
    for example in poisoned:
        outcome = executor.run(example.answer or "", example)
        assert outcome.kind is OutcomeKind.OK
        assert not ResultProperties.of(task).is_trivial(outcome.value, example)
        order = example.context["mapping"]["_meta"]["description"]
        assert order in task.prompt(example, ()).messages[-1].content


def test_prompt_explains_lexicon_words() -> None:
    example = Example(id="1", question="strong quakes", context={"index": "quakes", "variant": 1})
    assert "Here strong means magnitude 6 or more" in QueryDsl().prompt(example, ()).messages[-1].content
    own = Example(id="1", question="x", context={"index": "quakes", "mapping": {"properties": {"a": {"type": "ip"}}}})
    assert "Here " not in QueryDsl().prompt(own, ()).messages[-1].content


def mapping_errors(example: Example) -> list[str]:
    """What the base index says of a variant's gold: its names are others."""
    problems = find_problems(
        QueryDsl(), Example(id="1", question="", context={"index": "quakes"}), Draft(answer=example.answer or "")
    )
    return [problem.code for problem in problems if problem.is_error]
