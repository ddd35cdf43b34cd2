"""Runs the checks of a task on one answer.

list(find_problems(task, example, Draft(answer="1 +")))   → [Problem(layer="form", code="syntax_error", …)]
not_checked(task, example)                                → ["schema"]: the example has no schema to check against
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dstill.api.faults import OWN_ERRORS, refused
from dstill.api.records import Draft, Example, Problem
from dstill.api.task import Check, Task

__all__ = ["find_problems", "not_checked"]


def find_problems(task: Task, example: Example, draft: Draft, layers: Iterable[str] | None = None) -> Iterator[Problem]:
    """The problems that the checks of `task` find in `draft`, in the order of the checks.

    Stops after a layer that cannot parse the answer. `layers` names the layers to report; None: all. If a check raises,
    the answer is refused, except for errors of `dstill.api.faults.OWN_ERRORS`, which concern the machine or the setup:
    these are raised.
    """
    wanted = None if layers is None else set(layers)
    for check in task.checks:
        problems = _problems(task, check, example, draft)
        if wanted is None or check.name in wanted:
            yield from problems
        if check.parses and any(p.is_error for p in problems):
            if wanted is not None and check.name not in wanted:
                yield from problems  # the wanted layers cannot run: say why
            return


def not_checked(task: Task, example: Example) -> list[str]:
    """Names of the layers that skip `example` because it lacks what they need (`Check.applies`)."""
    return [check.name for check in task.checks if not _applies(check, example)]


def _applies(check: Check, example: Example) -> bool:
    try:
        return check.applies is None or check.applies(example)
    except OWN_ERRORS:
        raise
    except Exception:
        return True  # `find_problems` refuses the answer and says why


def _problems(task: Task, check: Check, example: Example, draft: Draft) -> tuple[Problem, ...]:
    try:
        applies = check.applies is None or check.applies(example)
        return tuple(check.run(example, draft.answer)) if applies else ()
    except OWN_ERRORS:
        raise
    except Exception as error:
        return (refused(task, check.name, f"check '{check.name}'", error, example.id),)
