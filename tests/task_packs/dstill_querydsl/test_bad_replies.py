"""Replies of teachers whose answer is nearly JSON: what is repaired, what is refused, and with which reason."""

from __future__ import annotations

import pytest

from dstill.api.checking import find_problems
from dstill.api.records import Example, Problem
from dstill_querydsl.pack import QueryDsl

BODY = '{"query":{"exists":{"field":"host.name"}}}'
FENCED = ("took away a markdown fence",)
REFUSED = {
    "prose around": (f"Here it is: {BODY} Enjoy.", "not_json"),
    "prose before a fence": (f"Sure:\n```json\n{BODY}\n```", "not_json"),
    "smart quotes": (BODY.replace('"', "“"), "not_json"),
    "a trailing comma": (f"{BODY[:-1]},}}", "not_json"),
    "single quotes": (BODY.replace('"', "'"), "not_json"),
    "a comment inside": (f"{BODY[:-1]} /* all */}}", "not_json"),
    "a comment behind": (f"{BODY} // all", "trailing_text"),
    "JSON as a string": ('"' + BODY.replace('"', '\\"') + '"', "not_an_object"),  # which is JSON, but no body
    "a list of one": (f"[{BODY}]", "not_an_object"),
}


def parse_and_check(answer: str) -> tuple[str, tuple[str, ...], list[Problem]]:
    """The answer of a reply as it would be in the dataset, its repairs, and its errors."""
    task = QueryDsl()
    draft = task.parse(f"<rationale>host.name is a keyword.</rationale><answer>{answer}</answer>")
    assert draft is not None
    example = Example(id="1", question="which hosts are known?", context={"index": "weblogs"})
    return draft.answer, draft.notes, [problem for problem in find_problems(task, example, draft) if problem.is_error]


@pytest.mark.parametrize("answer", [f"```json\n{BODY}\n```", f"```\n{BODY}\n```"])
def test_repairs_fenced_answer(answer: str) -> None:
    assert parse_and_check(answer) == (BODY, FENCED, [])


def test_strips_space_around_answer() -> None:
    assert parse_and_check(f"\n\t {BODY} \n") == (BODY, (), [])


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_unrepairable_answer(name: str) -> None:
    answer, code = REFUSED[name]
    kept, notes, problems = parse_and_check(answer)
    assert kept == answer  # nothing was guessed at
    assert not notes
    assert [(problem.layer, problem.code) for problem in problems] == [("json", code)]
