"""Checks written questions: every answer has to pass the task's checks and come back from the linked form."""

from __future__ import annotations

import sys
from collections import Counter

from dstill.api.checking import find_problems
from dstill.api.form import NotExpressible
from dstill.api.records import Draft
from dstill_querydsl.pack import QueryDsl
from tools.base import written


def main() -> int:
    names, failed = sys.argv[1:] or written.NAMES, 0
    task = QueryDsl()
    form = task.form()
    for name in names:
        examples = written.questions(name)
        categories, faults = Counter(example.category for example in examples), list[str]()
        for example in examples:
            problems = list(find_problems(task, example, Draft(answer=example.answer or "")))
            faults += [f"{example.id}: {problem.message}" for problem in problems if problem.is_error]
            if any(problem.is_error for problem in problems):
                continue
            try:
                reading = form.read(example)
                back = form.decode(form.encode(example.answer or "", reading), reading)
                if task.canonical(back) != task.canonical(example.answer or ""):
                    faults.append(f"{example.id}: comes back as {back}")
            except NotExpressible as error:
                faults.append(f"{example.id}: not expressible: {error}: {example.question!r}")
        twice = [text for text, n in Counter(one.question.casefold() for one in examples).items() if n > 1]
        faults += [f"{name}: asked twice: {text!r}" for text in twice]
        print(f"{name}: {len(examples)} questions, {len(faults)} faults;", dict(categories.most_common()))
        print("\n".join(faults))
        failed += len(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
