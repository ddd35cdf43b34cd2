"""Refusals: the right answer to questions that the index cannot answer, and to requests to change data.

    {"refusal": {"reason": "no field holds the revenue", "missing": ["revenue"]}}

`reason` is for a person. `missing` is optional and names what the index lacks. A body with a refusal and a search is an
error.
"""

from __future__ import annotations

from typing import Any

from dstill.api.records import Problem

__all__ = ["check", "is_refusal", "reason"]

LONGEST = 500  # characters of a reason


def is_refusal(value: Any) -> bool:
    """Whether a parsed answer is a refusal. `check` checks its form."""
    return isinstance(value, dict) and set(value) == {"refusal"} and isinstance(value["refusal"], dict)


def reason(value: Any) -> str:
    """The reason that a parsed refusal gives, and what it names as missing; empty: none."""
    if not is_refusal(value):
        return ""
    why, missing = value["refusal"].get("reason"), value["refusal"].get("missing")
    names = ", ".join(name for name in missing if isinstance(name, str)) if isinstance(missing, list) else ""
    text = why if isinstance(why, str) else ""
    return f"{text} (missing: {names})".lstrip() if names else text


def check(value: Any) -> tuple[Problem, ...]:
    """Problems in the form of a refusal. None if the answer is not a refusal."""
    if not isinstance(value, dict) or "refusal" not in value:
        return ()
    extra = sorted(set(value) - {"refusal"})
    if extra:
        return (
            _problem(
                "refusal_and_body",
                f"a refusal cannot be combined with '{extra[0]}'",
                f"/{extra[0]}",
                "refuse or search, not both",
            ),
        )
    refusal = value["refusal"]
    if not isinstance(refusal, dict):
        return (_problem("refusal_form", "a refusal is an object", "/refusal", FORM),)
    problems = [
        _problem("refusal_form", f"a refusal has no field '{name}'", f"/refusal/{name}", FORM)
        for name in sorted(set(refusal) - {"reason", "missing"})
    ]
    text = refusal.get("reason")
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST:
        problems.append(_problem("refusal_form", "a refusal gives a reason in words", "/refusal/reason", FORM))
    missing = refusal.get("missing", [])
    if not isinstance(missing, list) or not all(isinstance(name, str) for name in missing):
        problems.append(_problem("refusal_form", "'missing' is a list of names", "/refusal/missing", FORM))
    return tuple(problems)


FORM = 'write {"refusal": {"reason": "...", "missing": ["..."]}}'


def _problem(code: str, message: str, pointer: str, hint: str) -> Problem:
    return Problem(layer="schema", code=code, message=message, pointer=pointer, hint=hint)
