"""The checks of a task over one answer.

list(find_problems(task, example, Draft(answer="1 +")))   → [Problem(layer="form", code="syntax_error", …)]
not_checked(task, example)                                → ["schema"]: the example has no schema to check against
"""

from __future__ import annotations

from typing import Iterable, Iterator

from dstill.api.faults import PASSING, refused
from dstill.api.records import Draft, Example, Problem
from dstill.api.task import Check, Task

__all__ = ["find_problems", "not_checked"]


def find_problems(task: Task, example: Example, draft: Draft, layers: Iterable[str] | None = None) -> Iterator[Problem]:
    """What the checks of `task` find in `draft`, in their order.

    A layer that cannot parse the answer is the last one. `layers` names those to report; None: all of them. A check
    that raises refuses the answer; errors in `PASSING` are raised, as they concern the machine or the setup.
    """
    wanted = None if layers is None else set(layers)
    for check in task.checks:
        found = _found(task, check, example, draft)
        if wanted is None or check.name in wanted:
            yield from found
        if check.parses and any(p.is_error for p in found):
            if wanted is not None and check.name not in wanted:
                yield from found  # the asked layers could not run: say why
            return


def not_checked(task: Task, example: Example) -> list[str]:
    """The layers that do not apply to `example`, because it lacks what they need (`Check.applies`)."""
    return [check.name for check in task.checks if not _applies(check, example)]


def _applies(check: Check, example: Example) -> bool:
    try:
        return check.applies is None or check.applies(example)
    except PASSING:
        raise
    except Exception:
        return True  # `find_problems` refuses the answer and says why


def _found(task: Task, check: Check, example: Example, draft: Draft) -> tuple[Problem, ...]:
    try:
        applies = check.applies is None or check.applies(example)
        return tuple(check.run(example, draft.answer)) if applies else ()
    except PASSING:
        raise
    except Exception as error:
        return (refused(task, check.name, f"check '{check.name}'", error, example.id),)
