"""The core's implementations of the hooks, which apply if no plugin returns a result.

They are registered first, so pluggy calls them last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dstill.errors import UsageError
from dstill.hookspecs import hookimpl

if TYPE_CHECKING:
    from dstill.api.executor import Executor
    from dstill.api.modality import Choice, Modality, ModelSpec
    from dstill.api.recipe import Device, Recipe
    from dstill.api.records import Draft, Example, Problem, Prompt, Verdict
    from dstill.api.task import Task

__all__ = ["build_prompt", "check_draft", "judge_answer", "parse_reply", "select_modality"]


@hookimpl
def build_prompt(task: Task, example: Example, shots: Sequence[Example]) -> Prompt:
    """The task's own prompt."""
    return task.prompt(example, shots)


@hookimpl
def parse_reply(task: Task, text: str) -> Draft | None:
    """As the task parses it."""
    return task.parse(text)


@hookimpl
def check_draft(task: Task, example: Example, draft: Draft) -> Iterable[Problem]:
    """The problems that the task's checks find."""
    from dstill.api.checking import find_problems

    return find_problems(task, example, draft)


@hookimpl
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict:
    """The verdict of `dstill.api.judging`."""
    from dstill.api.judging import judge

    return judge(task, example, draft, executor)


@hookimpl
def select_modality(modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device) -> Choice:
    """The modality of highest priority that fits. Raises UsageError if none does."""
    from dstill.api.modality import Choice, reasons

    fits = reasons(modalities, student, recipe, device)
    fitting = next((r.modality for r in fits if not r.unfit_reason), None)
    if fitting is None:
        smallest = min(fits, key=lambda r: r.memory_required.total)
        raise UsageError(
            f"no modality fits {device.name}",
            where="; ".join(f"{r.modality}: {r.unfit_reason}" for r in fits),
            hint=f"{smallest.modality} needs the least memory: try a smaller batch, shorter inputs or "
            "gradient_checkpointing, or a smaller student",
        )
    return Choice(modality=fitting, reasons=fits)
