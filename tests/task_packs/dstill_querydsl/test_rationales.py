"""The pack's own rationales pass the check that a teacher's have to pass: they name the fields that they are about."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from dstill.api import TASK_SPLITS, Draft, Example
from dstill.api.protocols import RationaleTerms, Synthesis
from dstill_querydsl.bundle.indices import HELD_OUT, NAMES
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings
from dstill_teachers.rationale import check_draft


def count_with_fields(task: QueryDsl, examples: Iterable[Example]) -> int:
    """How many of them have fields to name, and name one; every one has to pass."""
    count = 0
    for example in examples:
        answer, rationale = example.answer or "", example.rationale or ""
        problems = check_draft(task, Draft(answer=answer, rationale=rationale))
        assert not problems, (example.question, rationale, answer)
        count += bool(list(RationaleTerms.of(task).answer_terms(answer)))
    return count


@pytest.mark.slow
def test_rationales_of_bundled_index_name_fields() -> None:
    task = QueryDsl(Settings(documents=1_000))
    assert count_with_fields(task, Synthesis.of(task).synthesize({"index": "weblogs"}, 150, seed=5)) > 100


# those held out are the split test_unseen_data of the others
@pytest.mark.nightly
@pytest.mark.parametrize("index", sorted(set(NAMES) - set(HELD_OUT)))
def test_rationales_of_every_index_and_split_name_fields(index: str) -> None:
    task = QueryDsl(Settings(index=index, n_questions=800, documents=1_000))
    count = count_with_fields(task, (example for split in TASK_SPLITS for example in task.examples(split)))
    print(f"{index}: {count} rationales name a field of theirs")
    assert count > 550


def test_refuses_rationale_without_field(task: QueryDsl) -> None:
    answer = '{"query":{"range":{"http.response.status_code":{"gte":500}}}}'
    draft = Draft(answer=answer, rationale="Failed means a range from five hundred on.")
    assert [p.code for p in check_draft(task, draft) or ()] == ["rationale_names_nothing"]
