"""Checks the rationale of a draft, for every task.

The check finds one of these problems, of layer ``rationale``:

    rationale_empty          there is no rationale
    rationale_leaks_answer   it contains the whole answer, so a student would learn to copy
    rationale_names_nothing  it mentions none of the answer's terms (`RationaleTerms`), for example fields of a query

The term ``http.response.status_code`` is mentioned by this path, by ``status_code`` or by the words "status codes"; one
mentioned term is enough. Not covered: whether a rationale is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.records import Draft, Problem
    from dstill.api.task import Task

__all__ = ["check_draft"]

SHORTEST_LEAK = 16  # characters: a good rationale may contain a shorter answer, for example "42"


@hookimpl
def check_draft(task: Task, draft: Draft) -> Iterable[Problem] | None:
    """The problem of the draft's rationale, if it has one."""
    from dstill.api.protocols import RationaleTerms
    from dstill.api.records import Problem

    if not draft.rationale.strip():
        message, hint = "the reply has no rationale", "ask for the steps before the answer"
        return [Problem(layer="rationale", code="rationale_empty", message=message, hint=hint)]
    rationale = _without_space(draft.rationale)
    spellings = (_without_space(draft.answer), _without_space(task.canonical(draft.answer)))
    if any(len(answer) >= SHORTEST_LEAK and answer in rationale for answer in spellings):
        message, hint = "the rationale contains the whole answer", "ask for reasons instead of the answer"
        return [Problem(layer="rationale", code="rationale_leaks_answer", message=message, hint=hint)]
    terms = tuple(RationaleTerms.of(task).answer_terms(draft.answer))
    if terms and not any(_mentions(draft.rationale, term) for term in terms):
        message, hint = "the rationale mentions nothing that the answer uses", f"mention {', '.join(terms[:5])}"
        return [Problem(layer="rationale", code="rationale_names_nothing", message=message, hint=hint)]
    return None


def _mentions(rationale: str, term: str) -> bool:
    """Whether `rationale` contains the last part of the path `term`, or the words of that part."""
    last = term.rpartition(".")[2] or term
    text = rationale.casefold()
    return last.casefold() in text or _words(last) <= _words(rationale)


def _words(text: str) -> set[str]:
    """The words of `text` in singular: the same for ``statusCode`` and "status codes"."""
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return {word.casefold().rstrip("s") for word in re.split(r"[\W_]+", separated) if word}


def _without_space(text: str) -> str:
    """`text` without white space, so that formatting does not hide an answer."""
    return re.sub(r"\s+", "", text)
