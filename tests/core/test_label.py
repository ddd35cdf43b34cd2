"""From questions to records: prompts, refused replies and retries."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dstill import config as configuration
from dstill.answering.prompts import LONGEST, prompts, worked_examples
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import (
    Example,
    Outcome,
    OutcomeKind,
    Prompt,
    Record,
    Rejection,
    Reply,
    TeacherRequest,
)
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.config import Generate
from dstill.factory import Setup
from dstill.plugins import Plugins
from dstill.stages.generate import LabelCounts, label, label_examples
from dstill.stages.generate.curate import stored_rows
from dstill.stages.generate.label import Labeled
from dstill.teacher import fence
from dstill.teacher.budget import Budget, Caps
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts

STORE = Path("replies.sqlite")
Rows = list[Record | Rejection]


def setup_of(plugins: Plugins, task: Task, **generate: Any) -> Setup:
    flags = {"project.task": "toy", **{f"generate.{key}": value for key, value in generate.items()}}
    setup = Setup(plugins, configuration.load(use_files=False, environment={}, flags=flags))
    setup.task = task
    return setup


def teach(
    plugins: Plugins,
    task: Task,
    teacher: Teacher,
    examples: Sequence[Example],
    *,
    shots: int = 2,
    again: LabelCounts | None = None,
    executor: Executor | None = None,
) -> list[Labeled]:
    with ReplyStore(STORE) as store:
        work = label_examples(
            setup_of(plugins, task, shots=shots, concurrency=4),
            teacher,
            examples,
            executor=executor,
            store=store,
            budget=Budget(Caps()),
            counts=again or no_counts(),
        )
        return asyncio.run(work)


def no_counts() -> LabelCounts:
    return LabelCounts(replies=Counts())


def relabelled(plugins: Plugins, task: Task, requests: Sequence[TeacherRequest], file: Path = STORE) -> Rows:
    """The rows of stored replies; their answers are not run."""
    with ReplyStore(file) as store:
        return list(stored_rows(setup_of(plugins, task, teacher="pupil"), requests, store, None, Counter()))


def taught(plugins: Plugins, task: Task, examples: Sequence[Example], *, shots: int = 2, **settings: Any) -> Rows:
    cls = plugins.teacher("parrot")
    return [one.row for one in teach(plugins, task, cls(cls.Config(**settings)).open(task), examples, shots=shots)]


def codes(rows: Rows) -> Counter[str]:
    return Counter(row.problems[0].code if isinstance(row, Rejection) else "accepted" for row in rows)


# --- rows -------------------------------------------------------------------------------


def test_accepted_replies_become_records_in_order(plugins: Plugins, task: Task) -> None:
    examples = [replace(e, extra={"team": "ops"}, context={"index": "i"}) for e in task.examples("train")]
    rows = taught(plugins, task, examples)
    assert [row.id for row in rows] == [e.id for e in examples]
    first = rows[0]
    assert isinstance(first, Record)
    assert (first.answer, first.rationale, first.teacher) == (examples[0].answer, examples[0].rationale, "parrot")
    assert (first.extra, first.context, first.category) == ({"team": "ops"}, {"index": "i"}, "add")


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"cut": "add 1 and 2"}, "truncated"),
        ({"garble": "add 1 and 2"}, "not_parseable"),
        ({"wrong": "add 1 and 2"}, "too_long"),
        ({"down": "add 1 and 2"}, "unavailable"),
    ],
)
def test_refused_replies_become_rejections_with_a_code(
    plugins: Plugins, task: Task, settings: dict[str, Any], code: str
) -> None:
    examples = list(task.examples("train"))
    rows = taught(plugins, task, examples, **settings)
    assert codes(rows) == {"accepted": len(examples) - 1, code: 1}
    (rejection,) = (row for row in rows if isinstance(row, Rejection))
    assert rejection.question == "add 1 and 2"
    assert bool(rejection.text) is (code != "unavailable")


def test_saved_counts_cached_replies(plugins: Plugins, task: Task) -> None:
    examples = list(task.examples("train"))
    teacher = plugins.teacher("parrot")().open(task)
    with ReplyStore(STORE) as store:
        assert label.saved(plugins, task, teacher, examples, Generate(shots=2), store) == 0
    taught(plugins, task, examples[:5], down=examples[2].question)
    with ReplyStore(STORE) as store:
        assert label.saved(plugins, task, teacher, examples[:5], Generate(shots=2), store) == 4


# --- retries ----------------------------------------------------------------------------


class ScriptedTeacher(Teacher):
    """Replies to each prompt with `say(prompt)`."""

    name = "pupil"

    def __init__(self, say: Callable[[Prompt], str | Reply]) -> None:
        super().__init__()
        self.say = say
        self.prompts: list[Prompt] = []

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name, "room": prompt.max_tokens_factor}

    async def ask(self, prompt: Prompt) -> Reply:
        self.prompts.append(prompt)
        said = self.say(prompt)
        return said if isinstance(said, Reply) else Reply(id=prompt.example.id, text=said)


def wrong_first(times: int) -> Callable[[Prompt], str]:
    """Refused answers, `times` for each question, then the right one."""

    def say(prompt: Prompt) -> str:
        mistakes = sum(m.role == "user" and m.content.startswith("That reply") for m in prompt.messages)
        answer = "100+1" if mistakes < times else prompt.example.answer
        return f"<rationale>so it is</rationale><answer>{answer}</answer>"

    return say


@pytest.mark.parametrize(("mistakes", "accepted"), [(0, True), (1, True), (2, True), (3, False)])
def test_refused_reply_is_retried_at_most_twice(plugins: Plugins, task: Task, mistakes: int, accepted: bool) -> None:
    examples, again = list(task.examples("train"))[:6], no_counts()
    teacher = ScriptedTeacher(wrong_first(mistakes)).open(task)
    found = teach(plugins, task, teacher, examples, again=again, shots=0)
    assert codes([one.row for one in found]) == {"accepted" if accepted else "too_long": 6}
    asked = min(mistakes, 2)
    assert len(teacher.prompts) == 6 * (1 + asked)
    assert all(len(one.request.keys) == 1 + asked for one in found)
    assert again.retries == ({"too_long": 6 * asked} if asked else {})
    assert +again.fixed_on_retry == ({"too_long": 6} if mistakes in (1, 2) else {})


def test_retry_prompt_has_the_messages_of_the_checks(plugins: Plugins, task: Task) -> None:
    teacher = ScriptedTeacher(wrong_first(1)).open(task)
    teach(plugins, task, teacher, list(task.examples("train"))[:1], shots=0)
    first, second = teacher.prompts
    assert second.messages[: len(first.messages)] == first.messages
    said, told = second.messages[len(first.messages) :]
    assert (said.role, told.role) == ("assistant", "user")
    assert "100+1" in said.content
    assert "digits: 100 has more than 2 digits at /0" in told.content


def test_endless_reply_is_not_parsed_and_is_cut_in_the_retry(plugins: Plugins, task: Task) -> None:
    teacher = ScriptedTeacher(lambda prompt: task.reply_text("so it is" * 20_000, prompt.example.answer or "")).open(
        task
    )
    (one,) = teach(plugins, task, teacher, list(task.examples("train"))[:1], shots=0)
    assert codes([one.row]) == {"reply_too_long": 1}
    assert isinstance(one.row, Rejection)
    shown = teacher.prompts[1].messages[-2].content
    assert len(one.row.text) == len(shown) == LONGEST


def test_rationale_cannot_inject_terminal_escapes(plugins: Plugins, task: Task) -> None:
    said = "so\x00 it \x1b[31mis\u202e\ud800:\n\tyes \u200d न\u094dय"  # joiners and marks are part of words
    teacher = ScriptedTeacher(lambda prompt: task.reply_text(said, prompt.example.answer or "")).open(task)
    (one,) = teach(plugins, task, teacher, list(task.examples("train"))[:1], shots=0)
    assert isinstance(one.row, Record)
    assert one.row.rationale == "so it [31mis:\n\tyes \u200d न\u094dय"


class Few(Executor):
    """Has few beads."""

    name = "few"

    def execute(self, answer: str, example: Example) -> Outcome:
        if answer == "9+9":
            return Outcome(kind=OutcomeKind.INVALID, reason="too many beads")
        return Outcome(kind=OutcomeKind.OK, value=0)


def test_answer_refused_by_the_engine_is_retried(plugins: Plugins, task: Task) -> None:
    def say(prompt: Prompt) -> str:
        told = "engine: too many beads" in prompt.messages[-1].content
        return task.reply_text("r", (prompt.example.answer or "") if told else "9+9")

    examples, again = list(task.examples("train"))[:3], no_counts()
    with Few().open(task, Engine()) as executor:
        found = teach(plugins, task, ScriptedTeacher(say).open(task), examples, executor=executor, again=again)
    assert codes([one.row for one in found]) == {"accepted": 3}
    assert again.fixed_on_retry == {"invalid": 3}


def test_truncated_reply_is_retried_once_with_more_tokens(plugins: Plugins, task: Task) -> None:
    def say(prompt: Prompt) -> Reply:
        text = task.reply_text("r", prompt.example.answer or "")
        enough = prompt.max_tokens_factor > 1 and "add 1 and 2" not in prompt.example.question
        return Reply(id=prompt.example.id, text=text, finish_reason="stop" if enough else "length")

    teacher = ScriptedTeacher(say).open(task)
    examples = list(task.examples("train"))[:5]
    found = teach(plugins, task, teacher, examples, shots=0)
    assert codes([one.row for one in found]) == {"accepted": 4, "truncated": 1}
    assert Counter(prompt.max_tokens_factor for prompt in teacher.prompts) == {1: 5, label.TOKEN_FACTOR: 5}
    assert all(len(prompt.messages) == 2 for prompt in teacher.prompts)  # the truncated reply is not repeated


def test_second_run_and_rebuild_send_no_request(plugins: Plugins, task: Task) -> None:
    examples = list(task.examples("train"))
    first, second = ScriptedTeacher(wrong_first(1)).open(task), ScriptedTeacher(wrong_first(1)).open(task)
    rows = teach(plugins, task, first, examples)
    assert [one.row for one in teach(plugins, task, second, examples)] == [one.row for one in rows]
    assert second.prompts == []
    assert relabelled(plugins, task, [one.request for one in rows]) == [one.row for one in rows]


def test_reply_that_passes_now_is_accepted_despite_its_retry(plugins: Plugins, task: Task) -> None:
    """For example, after a change of the checks."""
    example = next(iter(task.examples("train")))
    (one,) = teach(plugins, task, ScriptedTeacher(wrong_first(1)).open(task), [example])
    wider = replace(one.request, example=replace(example, context={"mapping": {"digits": 3}}))
    (row,) = relabelled(plugins, task, [wider])
    assert isinstance(row, Record)
    assert row.answer == "100+1"


def test_question_without_cached_reply_is_rejected(plugins: Plugins, task: Task) -> None:
    (one,) = teach(plugins, task, ScriptedTeacher(wrong_first(0)).open(task), list(task.examples("train"))[:1])
    (row,) = relabelled(plugins, task, [one.request], Path("another.sqlite"))
    assert codes([row]) == {"not_in_store": 1}


# --- fence ------------------------------------------------------------------------------


def test_reply_to_another_question_is_rejected(plugins: Plugins, task: Task) -> None:
    """For example, from a proxy that mixes up requests."""
    one, other = list(task.examples("train"))[:2]

    def say(prompt: Prompt) -> str:
        letters = fence.of(other if prompt.example == one else prompt.example)
        return f"<id>{letters}</id>\n" + task.reply_text("r", prompt.example.answer or "")

    rows = [found.row for found in teach(plugins, task, ScriptedTeacher(say).open(task), [one, other])]
    assert codes(rows) == {"other_question": 1, "accepted": 1}


def test_fence_depends_on_the_question_and_not_on_its_id(task: Task) -> None:
    example = next(iter(task.examples("train")))
    assert fence.of(example) == fence.of(replace(example, id="another", extra={"a": 1}))
    assert fence.of(example) != fence.of(replace(example, question="another"))
    assert fence.of(example) != fence.of(replace(example, context={"index": "i"}))


def test_worked_examples_carry_their_fence(plugins: Plugins, task: Task) -> None:
    examples = list(task.examples("train"))
    teacher = ScriptedTeacher(wrong_first(0)).open(task)
    for prompt in prompts(plugins, task, teacher, examples, worked_examples(examples), Generate(shots=2)):
        *before, asked = prompt.messages
        assert asked.content.endswith(f"Begin your reply with <id>{fence.of(prompt.example)}</id>.")
        shown = [m for m in before if m.role != "system"]
        assert len(shown) == 4
        for question, reply in zip(shown[::2], shown[1::2], strict=True):
            letters = question.content[-14:-6]
            assert reply.content.startswith(f"<id>{letters}</id><rationale>")


# --- prompts ----------------------------------------------------------------------------


def questions(prompt: Prompt) -> list[str]:
    return [m.content for m in prompt.messages if m.role == "user"]


def built_prompts(plugins: Plugins, task: Task, examples: Sequence[Example], k: int) -> list[Prompt]:
    teacher, worked = plugins.teacher("parrot")(), worked_examples(examples)
    return list(prompts(plugins, task, teacher, examples, worked, Generate(shots=k)))


def test_shots_prefer_the_same_category_and_exclude_the_question(plugins: Plugins, task: Task) -> None:
    examples = [*task.examples("train"), *task.examples("test")]
    for example, prompt in zip(examples, built_prompts(plugins, task, examples, 3), strict=True):
        *shots, asked = questions(prompt)
        assert asked == example.question
        assert asked not in shots
        assert len(shots) == 3
        kinds = [shot.split()[0] for shot in shots]
        if example.category == "refusal":
            assert set(kinds) >= {"add", "take"}
        else:
            assert kinds[:2] == [asked.split()[0]] * 2
            assert kinds[2] != kinds[0]


def test_shots_come_from_the_training_split(plugins: Plugins, task: Task) -> None:
    examples = [*task.examples("test"), *task.examples("train")]
    train = {e.question for e in task.examples("train")}
    for prompt in built_prompts(plugins, task, examples, 4):
        assert set(questions(prompt)[:-1]) <= train


def test_prompt_without_shots_is_instruction_and_question(plugins: Plugins, task: Task) -> None:
    (prompt, *_) = built_prompts(plugins, task, list(task.examples("train")), 0)
    assert [m.role for m in prompt.messages] == ["system", "user"]
