"""The core's own answers to the hooks: what happens where no plugin says otherwise.

Registered first, so that pluggy asks it last: any plugin's answer goes before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Iterable, Sequence

from dstill.errors import UsageError
from dstill.hookspecs import hookimpl

if TYPE_CHECKING:
    from dstill.api.executor import Executor
    from dstill.api.modality import Choice, Modality, ModelSpec
    from dstill.api.recipe import Device, Recipe
    from dstill.api.records import Draft, Example, Problem, Prompt, Verdict
    from dstill.api.task import Task
    from dstill.config import Generate

__all__ = ["build_prompt", "check_draft", "judge_answer", "parse_reply", "select_modality"]


@hookimpl
def build_prompt(
    task: Task,
    example: Example,
    shots: Sequence[Example],
    pool: Iterable[Example],
    settings: Generate,
    build: Callable[[Sequence[Example]], Prompt],
) -> Prompt:
    return task.prompt(example, shots)


@hookimpl
def parse_reply(task: Task, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
    return task.parse(text)


@hookimpl
def check_draft(task: Task, example: Example, draft: Draft) -> Iterable[Problem]:
    from dstill.api.checking import find_problems

    return find_problems(task, example, draft)


@hookimpl
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict:
    from dstill.api.judging import judge

    return judge(task, example, draft, executor)


@hookimpl
def select_modality(modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device) -> Choice:
    """Of those that fit, the one of highest `fullness`."""
    from dstill.api.modality import Choice, reasons

    found = reasons(modalities, student, recipe, device)
    fitting = next((r.modality for r in found if not r.unfit_reason), None)
    if fitting is None:
        least = min(found, key=lambda r: r.memory_required.total)
        raise UsageError(
            f"no modality fits {device.name}",
            where="; ".join(f"{r.modality}: {r.unfit_reason}" for r in found),
            hint=f"{least.modality} needs least: try a smaller batch, shorter inputs or "
            "gradient_checkpointing, or a smaller student",
        )
    return Choice(modality=fitting, reasons=found)
