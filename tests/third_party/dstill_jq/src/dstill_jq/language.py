"""The part of jq that answers may use: its tokens, its canonical form, and what is refused before anything runs.

    .[]|select(.pages>300)|.title   →   . [ ] | select ( .pages > 300 ) | .title

Left out are definitions, modules, variables, objects that an answer makes, and texts with programs inside.
"""

import re
from collections.abc import Iterable

import jq

from dstill.api import Check, Example, Problem

TOKEN = re.compile(
    r'\s*("(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"|(?:\.[A-Za-z_]\w*)+|[A-Za-z_]\w*|\d+(?:\.\d+)?'
    r"|\.\.|//|[=!<>]=|[][().,:;|<>?+*/%-])\s*",
    re.ASCII,
)
OPERATORS = ("|", ",", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "//", "and", "or")
FUNCTIONS = (  # without arguments, and with arguments
    "add all any ascii_downcase ceil empty false first flatten floor keys last length max min not null reverse round"
    " sort tonumber tostring true type unique",
    "all any contains endswith error first group_by has index last map max_by min_by select sort_by split startswith"
    " test unique_by",
)
VALUES, CALLS = (frozenset(names.split()) for names in FUNCTIONS)
REFUSAL = re.compile(r'\s*error\s*\(\s*"[^"\\]*"\s*\)\s*')


def tokens(answer: str) -> list[str]:
    """The tokens of a program. Raises ValueError for what is not in this part of jq."""
    found, place = [], 0
    while place < len(answer):
        match = TOKEN.match(answer, place)
        if not match or len(found) >= 300:
            raise ValueError("more than 300 tokens" if match else f"no jq that is allowed, at character {place}")
        found.append(match[1])
        place = match.end()
    return found


def canonical(answer: str) -> str:
    """The tokens with a space between them; a text that has other parts as it is."""
    try:
        return " ".join(tokens(answer))
    except ValueError:
        return answer.strip()


def program(answer: str) -> None:
    """Raises ValueError for what libjq cannot compile. An import reads files, so names are looked at first."""
    if names := {token for token in tokens(answer) if token[0].isalpha()} - VALUES - CALLS - {"and", "or"}:
        raise ValueError(f"not allowed: {', '.join(sorted(names))}")
    try:
        jq.compile(answer)
    except ValueError as error:
        raise ValueError(str(error).splitlines()[0]) from None


def fields(example: Example, answer: str) -> Iterable[Problem]:
    known = example.context["fields"]
    for path in dict.fromkeys(token for token in tokens(answer) if re.match(r"\.\w", token)):
        if not any(f"{path}." in f"{field}." for field in known):
            yield Problem(layer="fields", code="unknown_field", message=f"no field '{path}'", hint=", ".join(known))


CHECKS = (
    Check.from_parser("program", program, hint="for example: .[] | select(.pages > 300) | .title"),
    Check("fields", fields, applies=lambda example: "fields" in example.context),
)
