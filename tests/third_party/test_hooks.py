"""The package's hooks: what each answers for its own task, and that it passes on every other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.third_party.conftest import RPN

from dstill.api.engine import Engine
from dstill.api.modality import ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Draft, Example, Level
from dstill.api.task import Check, Task
from dstill.defaults import select_modality as core_choice

EXAMPLE = Example(id="1", question="take x, add 4, then multiply by y", answer="x 4 + y *")


class Other(Task):
    name = "other"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package's modules, from its source: this interpreter has it not installed."""
    monkeypatch.syspath_prepend(str(RPN / "src"))
    from dstill_rpn import hooks

    return hooks


@pytest.fixture
def rpn(hooks: Any) -> Task:
    task: Task = hooks.Rpn()
    return task


def test_prompt_asks_for_stack(hooks: Any, rpn: Task) -> None:
    prompt, own = hooks.build_prompt(rpn, EXAMPLE, [EXAMPLE]), rpn.prompt(EXAMPLE, [EXAMPLE])
    assert prompt.messages[0].content.endswith(hooks.STACK)
    assert prompt.messages[1:] == own.messages[1:]


def test_reads_answer_from_last_line(hooks: Any, rpn: Task) -> None:
    draft = hooks.parse_reply(rpn, "x, 4: one number\ny: the result\nAnswer: x 4 + y *\n")
    assert draft == Draft(
        answer="x 4 + y *",
        rationale="x, 4: one number\ny: the result",
        notes=("took the answer from the last line",),
    )


@pytest.mark.parametrize("reply", ["x 4 +", "answer: x 4 +", "answer:\nx 4 +", ""])
def test_passes_other_replies_to_pack(hooks: Any, rpn: Task, reply: str) -> None:
    assert hooks.parse_reply(rpn, reply) is None


def test_passes_reply_in_pack_form_to_pack(hooks: Any, rpn: Task) -> None:
    assert hooks.parse_reply(rpn, rpn.reply_text("why\nanswer: 1 2 +", "x 4 +")) is None


@pytest.mark.parametrize(
    ("answer", "level", "reason"),
    [
        ("x 4 + y * 1 *", Level.CORRECT, "right, in 7 words instead of 5"),
        ("x 4 + y * 2 *", Level.EXECUTED, "ran, with another result than the reference"),
        ("x 4 + y * * *", Level.UNPARSED, "'*' is no operand, or lacks operands before it"),
    ],
)
def test_judges_longer_program_by_length(hooks: Any, rpn: Task, answer: str, level: Level, reason: str) -> None:
    from dstill_rpn.pack import Machine

    verdict = hooks.judge_answer(rpn, EXAMPLE, Draft(answer=answer), Machine().open(rpn, Engine()))
    assert (verdict.reached, verdict.reason) == (level, reason)


@pytest.mark.parametrize("draft", [None, Draft(answer="x 4 + y *"), Draft(answer="x")])
def test_passes_program_of_gold_length_to_core(hooks: Any, rpn: Task, draft: Draft | None) -> None:
    assert hooks.judge_answer(rpn, EXAMPLE, draft, None) is None


def test_every_hook_ignores_other_task(hooks: Any) -> None:
    other = Other()
    assert hooks.build_prompt(other, EXAMPLE, []) is None
    assert hooks.parse_reply(other, "why\nanswer: x 4 +") is None
    assert hooks.judge_answer(other, EXAMPLE, Draft(answer="x 4 + y * 1 *"), None) is None


def test_core_selects_modality_unless_headroom_is_set(hooks: Any) -> None:
    from dstill_rpn.modality import Top, TopConfig

    from dstill_torch.modalities import Full

    shape = ModelSpec(
        architecture="any",
        parameters=10**9,
        embedding=10**8,
        linears={"q_proj": (2048, 2048, 16), "v_proj": (2048, 2048, 16)},
        layers=16,
        hidden=2048,
        feed_forward=5632,
        heads=16,
        vocabulary=32000,
        encoder_decoder=False,
    )
    recipe = Recipe()
    need = Full().memory_required(shape, recipe).total
    device = Device(name="a card", kind="cuda", total=need, free=need, bf16=False)
    without, asked = [Full(), Top()], [Full(), Top(TopConfig(headroom=0.1))]
    assert hooks.select_modality([Full()], shape, recipe, device) is None
    assert hooks.select_modality(without, shape, recipe, device) is None
    assert core_choice(asked, shape, recipe, device).modality == "full"
    assert hooks.select_modality(asked, shape, recipe, device).modality == "top"
    cramped = replace(device, free=Top().memory_required(shape, recipe).total)
    assert hooks.select_modality(asked, shape, recipe, cramped) is None  # nothing leaves as much


def test_imports_package_from_this_folder(hooks: Any) -> None:
    assert Path(hooks.__file__).is_relative_to(RPN)
