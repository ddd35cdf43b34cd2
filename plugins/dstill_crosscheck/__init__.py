"""Judges answers on two engines: an answer is right only if both say so (``evaluate.second_executor``).

    dstill evaluate RUN --engine-url http://localhost:9200 --set evaluate.second_executor=http

Each engine gives the verdict that it would give alone (`dstill.api.judge`): answer, reference and test databases run on
both. If only one of them says right, the answer is not judged: the verdict's outcome is ``unsupported``, and its reason
quotes both engines.

Not covered: two engines that are wrong in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api import Draft, Example, Executor, Task, Verdict

__all__ = ["judge_answer"]


@hookimpl
def judge_answer(task: Task, example: Example, draft: Draft | None, executor: Executor | None) -> Verdict | None:
    """The verdict of both engines; None if no second engine is set."""
    if executor is None or executor.second is None:
        return None
    from dstill.api import judge
    from dstill_crosscheck.agreement import combined

    return combined(*((engine.label, judge(task, example, draft, engine)) for engine in (executor, executor.second)))
