"""generate and evaluate warn of a pack that contradicts itself, and name its methods that raise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.rows_pack import Rows, Shelf

from dstill.api import TASK_SPLITS, Draft, Engine, Example, Verdict, judge
from dstill.api.fallbacks import with_fallbacks
from dstill.api.task import Task
from dstill.errors import PluginError
from dstill.quality.consistency import for_golds, for_questions, for_verdicts


def questions(task: Task) -> list[Example]:
    return [example for split in TASK_SPLITS for example in task.examples(split)]


def evaluated(task: Task, answer: Any = lambda example: example.answer) -> list[str]:
    """What is said about an evaluation of the test questions, each with `answer`."""
    examples = list(task.examples("test"))
    with Shelf().open(task, Engine()) as shelf:
        verdicts: Sequence[Verdict] = [judge(task, e, Draft(answer=answer(e)), shelf) for e in examples]
        return for_verdicts(task, examples, {"student": verdicts}, shelf)


def test_sound_pack_gives_no_warning() -> None:
    assert for_questions(Rows(), questions(Rows())) == []
    assert evaluated(Rows()) == []
    assert evaluated(Rows(), lambda e: "SELECT name FROM nowhere") == []
    assert for_golds(Rows(), []) == []


def test_refusals_of_more_than_half_of_a_test_split_give_a_warning() -> None:
    class Wide(Rows):
        def is_refusal(self, answer: str) -> bool:
            return True

    found = for_questions(Wide(), questions(Rows()))
    assert len(found) == 2  # the third test split is small
    assert found[0].startswith("42 of 42 reference answers of test are refusals, so a student that always refuses")
    assert found[0].endswith("`dstill pack check rows` says more")


@pytest.mark.parametrize("lost", [None, Draft(answer="SELECT name FROM things")])
def test_reply_that_is_not_parsed_back_gives_a_warning(lost: Draft | None) -> None:
    class Lossy(Rows):
        def parse(self, text: str) -> Draft | None:
            return lost

    (found,) = for_questions(Lossy(), questions(Rows()))
    assert "`parse` of task 'rows' must undo `reply_text`" in found


def test_exact_answer_with_another_result_gives_a_warning() -> None:
    class Identity(Rows):
        def same(self, got: Any, want: Any) -> bool:
            return got is want

    found = evaluated(Identity())
    assert "answers are the reference in another spelling, and have another result" in found[0]
    assert "`same` and `canonical` of task 'rows' contradict each other" in found[0]


def test_mutation_score_of_zero_gives_a_warning() -> None:
    class Always(Rows):
        def same(self, got: Any, want: Any) -> bool:
            return True

    (found,) = evaluated(Always())
    assert found.startswith("the mutation score is 0:")


# --- methods that raise -----------------------------------------------------------------


class Broken(Rows):
    def examples(self, split: str) -> Iterable[Example]:
        yield Example(id="1", question="?")
        raise KeyError(split)

    def model_input(self, example: Example) -> str:
        return str(example.context["nothing"])


def test_method_that_a_command_needs_is_named_with_its_line() -> None:
    task = with_fallbacks(Broken())
    with pytest.raises(PluginError, match=r"task 'rows': method 'examples' raised KeyError: 'test'") as raised:
        list(task.examples("test"))
    assert raised.value.where.startswith(f"{__file__}:")
    example = replace(next(iter(Rows().examples("test"))), context={})
    with pytest.raises(PluginError, match=rf"method 'model_input' raised KeyError on example '{example.id}'"):
        task.model_input(example)
