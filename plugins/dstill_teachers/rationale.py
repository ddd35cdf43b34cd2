"""What every task asks of a rationale: that it is there, and that it explains instead of telling.

In: a task, an example and a draft. Out: a `Problem` of layer ``rationale``, as

    rationale_empty          there is no rationale
    rationale_leaks_answer   it holds the whole answer, so a student would learn to copy
    rationale_names_nothing  it names none of what the answer is about (`RationaleTerms`), as the fields of a query

or None where there is nothing to say. ``http.response.status_code`` is named by that path, by ``status_code``, or by
the words "status codes"; one name will do. Not covered: whether a rationale is true.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Iterable

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.records import Draft, Example, Problem
    from dstill.api.task import Task

__all__ = ["check_draft"]

# A shorter answer, as "42", is named by any good rationale.
SHORTEST_LEAK = 16


@hookimpl
def check_draft(task: Task, example: Example, draft: Draft) -> Iterable[Problem] | None:
    from dstill.api.protocols import RationaleTerms
    from dstill.api.records import Problem

    if not draft.rationale.strip():
        message, hint = "the reply has no rationale", "ask for the steps before the answer"
        return [Problem(layer="rationale", code="rationale_empty", message=message, hint=hint)]
    rationale = _bare(draft.rationale)
    spellings = (_bare(draft.answer), _bare(task.canonical(draft.answer)))
    if any(len(answer) >= SHORTEST_LEAK and answer in rationale for answer in spellings):
        message, hint = "the rationale holds the whole answer", "ask for reasons, not for the answer itself"
        return [Problem(layer="rationale", code="rationale_leaks_answer", message=message, hint=hint)]
    terms = tuple(RationaleTerms.of(task).answer_terms(draft.answer))
    if terms and not any(_names(draft.rationale, term) for term in terms):
        message, hint = "the rationale names nothing that the answer uses", f"name it: {', '.join(terms[:5])}"
        return [Problem(layer="rationale", code="rationale_names_nothing", message=message, hint=hint)]
    return None


def _names(rationale: str, term: str) -> bool:
    """Whether `term` stands in it, by its whole path, the last step of that, or the words of that."""
    last = term.rpartition(".")[2] or term
    text = rationale.casefold()
    return last.casefold() in text or _words(last) <= _words(rationale)


def _words(text: str) -> set[str]:
    """``statusCode`` and "status codes" are the same words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return {word.casefold().rstrip("s") for word in re.split(r"[\W_]+", apart) if word}


def _bare(text: str) -> str:
    """`text` without any white space, so that layout does not hide an answer."""
    return re.sub(r"\s+", "", text)
