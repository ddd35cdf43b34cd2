"""What is wrong with questions that were written one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dstill.api.checking import find_problems
from dstill.api.form import Form, NotExpressible
from dstill.api.protocols import Linked
from dstill.api.records import Draft, Example
from dstill.api.task import Task

__all__ = ["faults", "show"]


def show(task: Task, sets: Iterable[tuple[str, Sequence[Example]]]) -> int:
    """Print the faults of each set, and what it asks. The exit code: 1 if there are faults."""
    failed = False
    for name, examples in sets:
        found = list(faults(task, examples))
        categories = Counter(example.category for example in examples)
        print(f"{name}: {len(examples)} questions, {len(found)} faults;", dict(categories.most_common()))
        print("\n".join(found))
        failed = failed or bool(found)
    return int(failed)


def faults(task: Task, examples: Sequence[Example]) -> Iterator[str]:
    """Answers that do not pass the task's checks or do not come back from its form, and questions asked twice."""
    form = Linked.of(task).form()
    assert form is not None
    for example in examples:
        answer = example.answer or ""
        errors = [problem for problem in find_problems(task, example, Draft(answer=answer)) if problem.is_error]
        yield from (f"{example.id}: {problem.message}" for problem in errors)
        if not errors and (fault := _round_trip(task, form, example, answer)):
            yield f"{example.id}: {fault}"
    twice = [text for text, n in Counter(one.question.casefold() for one in examples).items() if n > 1]
    yield from (f"asked twice: {text!r}" for text in twice)


def _round_trip(task: Task, form: Form, example: Example, answer: str) -> str:
    try:
        reading = form.read(example)
        back = form.decode(form.encode(answer, reading), reading)
    except NotExpressible as error:
        return f"not expressible: {error}: {example.question!r}"
    return "" if task.canonical(back) == task.canonical(answer) else f"comes back as {back}"
