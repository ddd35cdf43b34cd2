r"""Writes rules for JSON without white space as EBNF.

    notation = Notation()
    term = notation.rule("term", obj({"term": field(name, value)}))
    notation.text(term)     root ::= term
                            term ::= "{" "\"term\"" ":" …

Expressions are EBNF text; an empty string is an expression that matches nothing, and rules with it are dropped. A rule
in capitals is a token, which is matched as a whole. Every sign and every key is a separate literal, so that no literal
is a prefix of another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

__all__ = [
    "ORDER",
    "Notation",
    "alt",
    "count",
    "key",
    "listed",
    "lit",
    "obj",
    "one_of",
    "opt",
    "pairs",
    "text",
    "up_to",
]

_NAME = re.compile(r"\"(?:[^\"\\]|\\.)*\"|\[(?:[^\]\\]|\\.)*\]|([A-Za-z_][A-Za-z0-9_]*)")


def lit(text: str) -> str:
    """A literal: exactly `text`."""
    return json.dumps(text)


@lru_cache(maxsize=20_000)
def text(value: str) -> str:
    """A literal: `value` as a JSON string."""
    return lit(json.dumps(value, ensure_ascii=False))


def one_of(values: Iterable[str]) -> str:
    """One of these words, as a JSON string."""
    return alt(*(text(value) for value in values))


def alt(*parts: str) -> str:
    """One of the parts that are not empty."""
    distinct = list(dict.fromkeys(part for part in parts if part))
    return distinct[0] if len(distinct) == 1 else f"({' | '.join(distinct)})" if distinct else ""


ORDER = one_of(("asc", "desc"))


def opt(part: str) -> str:
    """`part` or nothing."""
    return f"({part})?"


def key(name: str, value: str) -> str:
    """A key with its value."""
    return f'{text(name)} ":" {value}'


def listed(item: str, most: int, least: int = 1) -> str:
    """A list of `least` to `most` items; `least` is 1 or more."""
    rest = "" if most == 1 else f' ("," {item}){{{least - 1},{most - 1}}}'
    return f'"[" {item}{rest} "]"'


def obj(
    required: Mapping[str, str], optional: Mapping[str, str] | None = None, order: Sequence[str] | None = None
) -> str:
    """An object with these keys, in `order` (default: required keys first) or in alphabetical order.

    Empty if a required value is empty.
    """
    if not all(required.values()):
        return ""
    optional = {name: value for name, value in (optional or {}).items() if value}
    return pairs(
        {name: key(name, value) for name, value in required.items()},
        {name: key(name, value) for name, value in optional.items()},
        order,
    )


def pairs(
    required: Mapping[str, str], optional: Mapping[str, str] | None = None, order: Sequence[str] | None = None
) -> str:
    """Like `obj`, but the values are whole pairs of key and value, and the names only define the order."""
    optional = optional or {}
    names = [*((name, True) for name in required), *((name, False) for name in optional)]
    parts = {**required, **optional}
    if order is not None:
        names.sort(key=lambda name: order.index(name[0]))
    orders = (_in_order(names, parts), _in_order(sorted(names), parts))
    return alt(*(f'"{{" {inner} "}}"' if inner else '"{" "}"' for inner in orders))


def _in_order(order: list[tuple[str, bool]], parts: Mapping[str, str]) -> str:
    if not any(needed for _, needed in order):
        firsts = [_in_order([(order[i][0], True), *order[i + 1 :]], parts) for i in range(len(order))]
        return opt(alt(*firsts)) if firsts else ""
    out, begun = [], False
    for name, needed in order:
        part = parts[name]
        if not begun:
            out.append(part if needed else opt(f'{part} ","'))
            begun = needed
        else:
            out.append(f'"," {part}' if needed else opt(f'"," {part}'))
    return " ".join(out)


def up_to(most: int) -> str:
    """A whole number from 1 to `most`."""
    digits = str(most)
    forms = [count(len(digits) - 1)] if len(digits) > 1 else []
    for at, digit in enumerate(digits):  # numbers that begin like `most` and have a lower digit here
        low = 0 if at else 1
        if int(digit) > low:
            rest = f" [0-9]{{{len(digits) - at - 1}}}" if at < len(digits) - 1 else ""
            forms.append(f"{lit(digits[:at]) + ' ' if at else ''}[{low}-{int(digit) - 1}]{rest}")
    return alt(*forms, lit(digits))


def count(digits: int, least: int = 1) -> str:
    """A whole number of up to `digits` digits, from `least` (0 or 1) up."""
    number = f"[1-9] [0-9]{{0,{digits - 1}}}" if digits > 1 else "[1-9]"
    return number if least else f'("0" | {number})'


class Notation:
    """A collection of named rules."""

    def __init__(self) -> None:
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}  # body → name

    def rule(self, name: str, body: str) -> str:
        """Add a rule and return its name; empty if `body` is empty.

        An equal rule is reused. If another rule has this name, a number is added to it.
        """
        if not body:
            return ""
        kind = "token" if name.isupper() else "rule"  # a rule and a token with the same body are different
        if (known := self._names.get(f"{kind} {body}")) is not None:
            return known
        free = name
        while free in self._rules:
            number = int(free.removeprefix(name) or 1) + 1
            free = f"{name}{number}"
        self._rules[free], self._names[f"{kind} {body}"] = body, free
        return free

    def up_to(self, most: int) -> str:
        """A token: a whole number from 1 to `most`."""
        return self.rule("UP_TO", up_to(most))

    def digits(self, most: int, least: int = 1) -> str:
        """A token: a whole number of up to `most` digits, from `least` (0 or 1) up."""
        return self.rule("DIGITS", count(most, least))

    def text(self, root: str) -> str:
        """The grammar: `root` and every rule that it uses."""
        needed, waiting = [], [root]
        while waiting:
            name = waiting.pop()
            if name in needed:
                continue
            needed.append(name)
            waiting += [part for part in _NAME.findall(self._rules[name]) if part and part not in needed]
        order = [name for name in self._rules if name in set(needed)]
        return "".join([f"root ::= {root}\n", *(f"{name} ::= {self._rules[name]}\n" for name in order)])
