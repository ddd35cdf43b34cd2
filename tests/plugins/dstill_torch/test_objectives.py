from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from dstill import Check, Task
from dstill.api.records import Example, Record
from dstill_torch.objectives import DistillStepByStep, LabelOnly, RationaleFirst


class Echo(Task):
    name = "echo"
    checks: Any = (Check("any", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()


RECORD = Record(id="1", question="one and two", rationale="add them", answer="1 + 2")


def test_dss_weights_of_label_and_rationale_sum_to_one() -> None:
    objective = DistillStepByStep()
    objective.label_weight = 0.8
    label, rationale = objective.pairs(RECORD, Echo())
    assert (label.task_prefix, label.source, label.target) == ("predict: ", "one and two", "1 + 2")
    assert (rationale.task_prefix, rationale.source, rationale.target) == ("explain: ", "one and two", "add them")
    assert label.weight + rationale.weight == pytest.approx(1)
    assert label.weight == pytest.approx(0.8)


def test_dss_with_label_weight_one_is_label_only() -> None:
    objective = DistillStepByStep()
    objective.label_weight = 1.0
    assert list(objective.pairs(RECORD, Echo())) == list(LabelOnly().pairs(RECORD, Echo()))


def test_dss_explains_if_it_learnt_rationales() -> None:
    objective = DistillStepByStep()
    _, rationale = objective.pairs(RECORD, Echo())
    assert objective.explanation(rationale.source) == rationale.task_prefix + rationale.source
    objective.label_weight = 1.0
    assert objective.explanation("one and two") is None
    assert LabelOnly().explanation("one and two") is None
    assert RationaleFirst().explanation("one and two") is None  # its reasons come with the answer


def test_record_without_a_rationale_has_a_label_only() -> None:
    bare = Record(id="1", question="q", rationale="", answer="a")
    assert [pair.target for pair in DistillStepByStep().pairs(bare, Echo())] == ["a"]
    assert list(RationaleFirst().pairs(bare, Echo())) == []  # a student would learn to write no rationale


def test_rationale_first_target_is_parsed_by_the_task() -> None:
    objective, task = RationaleFirst(), Echo()
    (pair,) = objective.pairs(RECORD, task)
    assert objective.prompt(pair.source) == pair.task_prefix + pair.source
    draft = objective.read(pair.target, task.parse)
    assert draft is not None
    assert (draft.answer, draft.rationale) == ("1 + 2", "add them")
    assert objective.read("1 + 2", task.parse) is None


@pytest.mark.parametrize("objective", [DistillStepByStep(), LabelOnly()])
def test_prompts_match_training_sources(objective: Any) -> None:
    first = next(iter(objective.pairs(RECORD, Echo())))
    assert objective.prompt(first.source) == first.task_prefix + first.source
    assert objective.read(" 1 + 2 \n", Echo().parse).answer == "1 + 2"
    assert objective.read("  ", Echo().parse) is None
