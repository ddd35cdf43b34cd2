"""Worked examples chosen by similar questions: selection, order, and prompts of other plugins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

import dstill_teachers
from dstill import hookimpl
from dstill.answering.prompts import prompts, worked_examples
from dstill.api.records import Example, Message, Prompt
from dstill.api.task import Task
from dstill.config import Generate
from dstill.plugins import PluginInfo, Plugins
from dstill_teachers.nearest_shots import nearest
from dstill_teachers.synthetic import Synthetic

NEAREST = Generate(shots=2, shots_by="nearest")


class Questions(Task):
    name = "questions"
    checks = ()

    def examples(self, split: str) -> Iterator[Any]:
        return iter(())


def example(question: str, *, split: str = "train", category: str = "", id: str = "") -> Example:
    return Example(
        id=id or question, question=question, answer=question.upper(), rationale="so", split=split, category=category
    )


def load_plugins(*more: ModuleType) -> Plugins:
    found = Plugins()
    for n, module in enumerate((*more, dstill_teachers)):
        found.add(module, PluginInfo(name=f"plugin-{n}"))
    assert not found.failures
    return found


def shots(
    examples: list[Example], settings: Generate = NEAREST, plugins: Plugins | None = None
) -> dict[str, list[str]]:
    """Question → the worked examples before it."""
    worked = worked_examples(examples)
    asked = prompts(plugins or load_plugins(), Questions(), Synthetic(), examples, worked, settings)
    return {p.example.id: [m.content for m in p.messages if m.role == "user"][:-1] for p in asked}


ERRORS, SLOW, USERS, LOGINS = (
    example("errors of the last hour", category="a"),
    example("slow requests of the last day", category="b"),
    example("how many users are there", category="c"),
    example("failed logins of users", category="d"),
)
ALL = [ERRORS, SLOW, USERS, LOGINS]


def test_shots_are_the_nearest_questions_with_the_nearest_last() -> None:
    asked = example("Errors of the last day?", split="test", category="d")
    found = shots([*ALL, asked])[asked.id]
    assert found == [SLOW.question, ERRORS.question]
    assert shots([*ALL, asked], Generate(shots=2))[asked.id][0] == LOGINS.question  # by category


def test_shots_exclude_the_question_and_other_splits() -> None:
    again = example(ERRORS.question, id="again")
    held_out = [example(f"errors of the last hour {n}", split=s) for n, s in enumerate(("validation", "test"))]
    unanswered = replace(ERRORS, id="open", question="errors of the last hour please", answer=None)
    found = shots([*ALL, again, *held_out, unanswered])
    for own in (ERRORS, again):
        assert found[own.id][-1] == SLOW.question
        assert ERRORS.question not in found[own.id]
    assert {text for texts in found.values() for text in texts} <= {one.question for one in ALL}


def test_ties_keep_the_order_of_examples() -> None:
    pool = [example(f"count {letter}") for letter in "jihgfedefg"]
    asked = "count x"
    assert [one.question for one in nearest(asked, pool, 3)] == ["count h", "count i", "count j"]
    assert all(nearest(asked, pool, 3) == nearest(asked, pool, 3) for _ in range(5))


@pytest.mark.parametrize("k", [0, 1, 3, 50])
def test_number_of_shots_is_bounded(k: int) -> None:
    settings = Generate(shots=k, shots_by="nearest")
    assert {len(found) for found in shots(ALL, settings).values()} == {min(k, 3)}


def test_no_shots_without_worked_examples() -> None:
    asked = example("errors", split="test")
    assert shots([asked]) == {"errors": []}


def test_build_prompt_hook_gets_the_shots() -> None:
    @hookimpl
    def build_prompt(task: Task, example: Example, shots: Any) -> Prompt:
        prompt = task.prompt(example, shots)
        return replace(prompt, messages=(Message(role="system", content="LOUD"), *prompt.messages[1:]))

    module = ModuleType("loud")
    vars(module)["build_prompt"] = build_prompt
    plugins = load_plugins(module)
    examples = [ERRORS, SLOW, LOGINS]
    (*_, prompt) = prompts(plugins, Questions(), Synthetic(), examples, examples, NEAREST)
    assert prompt.messages[0].content == "LOUD"
    assert [m.content for m in prompt.messages if m.role == "user"] == [
        *shots(examples)[LOGINS.id],
        LOGINS.question,
    ]
