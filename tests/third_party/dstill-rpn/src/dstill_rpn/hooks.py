"""What a team adds to a pack without touching it: each hook passes on every task but rpn.

build_prompt     the prompt asks for the stack after each operator
parse_reply      a reply that ends in a line "answer: x 4 +" will do, without tags
judge_answer     a right program that is longer than the gold is right, and the verdict says how long
select_modality  of the modalities that fit, the fullest that leaves `modality.top.headroom` of the memory free
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dstill import Task, hookimpl
from dstill.api.executor import Executor
from dstill.api.judging import judge
from dstill.api.modality import Choice, Modality, ModalityFit, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Draft, Example, Prompt, Verdict
from dstill_rpn.modality import Top
from dstill_rpn.pack import Rpn

__all__ = ["build_prompt", "judge_answer", "parse_reply", "select_modality"]

STACK = "In the rationale, name what is on the stack after each operator."
LAST_LINE = re.compile(r"(?P<rationale>.*)\n\s*answer:(?P<answer>[^\n]+)", re.DOTALL | re.IGNORECASE)


@hookimpl
def build_prompt(task: Task, example: Example, shots: Sequence[Example]) -> Prompt | None:
    if not isinstance(task, Rpn):
        return None
    prompt = task.prompt(example, shots)
    system, *rest = prompt.messages
    return replace(prompt, messages=(replace(system, content=f"{system.content}\n{STACK}"), *rest))


@hookimpl
def parse_reply(task: Task, text: str) -> Draft | None:
    match = LAST_LINE.fullmatch(text.strip()) if isinstance(task, Rpn) and task.parse(text) is None else None
    if match is None:
        return None
    notes = ("took the answer from the last line",)
    return Draft(answer=match["answer"].strip(), rationale=match["rationale"].strip(), notes=notes)


@hookimpl
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict | None:
    if not isinstance(task, Rpn) or draft is None or example.answer is None:
        return None
    words, enough = len(draft.answer.split()), len(example.answer.split())
    if words <= enough:
        return None
    verdict = judge(task, example, draft, executor)
    return replace(verdict, reason=f"right, in {words} words instead of {enough}") if verdict.correct else verdict


@hookimpl
def select_modality(
    modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device
) -> Choice | None:
    """None, the core's own choice, unless headroom was asked for and something leaves as much."""
    top = next((m for m in modalities if isinstance(m, Top)), None)
    if top is None or not top.config.headroom:
        return None
    reduced = replace(device, free=int(device.free * (1 - top.config.headroom)))
    reasons = tuple(
        ModalityFit(
            modality=m.name,
            priority=m.priority,
            memory_required=m.memory_required(student, recipe),
            unfit_reason=m.unfit_reason(student, recipe, reduced) or "",
        )
        for m in sorted(modalities, key=lambda m: -m.priority)
    )
    fitting = [reason for reason in reasons if not reason.unfit_reason]
    return Choice(modality=fitting[0].modality, reasons=reasons) if fitting else None
