"""How the grammar's rules are written down: JSON without white space, in EBNF.

    made = Notation()
    term = made.rule("term", obj({"term": field(name, value)}))
    made.text(term)     root ::= term
                        term ::= "{" "\\"term\\"" ":" …

An expression is EBNF text. A rule in capitals is a token: it is matched as a whole. Every sign and every key is a
literal of its own, so that none is the beginning of another.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Iterable, Mapping, Sequence

__all__ = ["Notation", "alt", "count", "key", "listed", "lit", "obj", "one_of", "opt", "pairs", "text", "up_to"]

_NAME = re.compile(r"\"(?:[^\"\\]|\\.)*\"|\[(?:[^\]\\]|\\.)*\]|([A-Za-z_][A-Za-z0-9_]*)")


def lit(text: str) -> str:
    """`text` as it stands in the answer."""
    return json.dumps(text)


@lru_cache(maxsize=20_000)
def text(value: str) -> str:
    """A JSON string of one spelling."""
    return lit(json.dumps(value, ensure_ascii=False))


def one_of(values: Iterable[str]) -> str:
    """One of these words, as a JSON string."""
    return alt(*(text(value) for value in values))


def alt(*parts: str) -> str:
    """One of the parts; those that are empty are none."""
    given = list(dict.fromkeys(part for part in parts if part))
    return given[0] if len(given) == 1 else f"({' | '.join(given)})" if given else ""


def opt(part: str) -> str:
    return f"({part})?"


def key(name: str, value: str) -> str:
    return f'{text(name)} ":" {value}'


def listed(item: str, most: int, least: int = 1) -> str:
    """A list of `least` to `most` items, `least` from 1 up."""
    rest = "" if most == 1 else f' ("," {item}){{{least - 1},{most - 1}}}'
    return f'"[" {item}{rest} "]"'


def obj(
    required: Mapping[str, str], optional: Mapping[str, str] | None = None, order: Sequence[str] | None = None
) -> str:
    """An object with these keys, in `order` (none: the required ones first) or in alphabetical order.

    Nothing where a required value is nothing.
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
    """`obj` of whole pairs of key and value, where a key is not one word; their names only say the order."""
    optional = optional or {}
    written = [*((name, True) for name in required), *((name, False) for name in optional)]
    every = {**required, **optional}
    if order is not None:
        written.sort(key=lambda one: order.index(one[0]))
    spelled = (_in_order(written, every), _in_order(sorted(written), every))
    return alt(*(f'"{{" {inner} "}}"' if inner else '"{" "}"' for inner in spelled))


def _in_order(order: list[tuple[str, bool]], every: Mapping[str, str]) -> str:
    if not any(needed for _, needed in order):
        firsts = [_in_order([(order[i][0], True), *order[i + 1 :]], every) for i in range(len(order))]
        return opt(alt(*firsts)) if firsts else ""
    out, begun = [], False
    for name, needed in order:
        part = every[name]
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
    for at, digit in enumerate(digits):  # what begins as `most` does, and is lower from here on
        low = 0 if at else 1
        if int(digit) > low:
            rest = f" [0-9]{{{len(digits) - at - 1}}}" if at < len(digits) - 1 else ""
            forms.append(f"{lit(digits[:at]) + ' ' if at else ''}[{low}-{int(digit) - 1}]{rest}")
    return alt(*forms, lit(digits))


def count(digits: int, least: int = 1) -> str:
    """A whole number from 1 (or, with `least` 0, from 0) up, of so many digits."""
    number = f"[1-9] [0-9]{{0,{digits - 1}}}" if digits > 1 else "[1-9]"
    return number if least else f'("0" | {number})'


class Notation:
    """Rules by name, and the text that they make."""

    def __init__(self) -> None:
        self._rules: dict[str, str] = {}
        self._names: dict[str, str] = {}  # body → the name that it has

    def rule(self, name: str, body: str) -> str:
        """`body` under a name: `name`, the name that this very body has, or one beside it. Nothing for nothing."""
        if not body:
            return ""
        kind = "token" if name.isupper() else "rule"  # a rule and a token of one body are two things
        if (found := self._names.get(f"{kind} {body}")) is not None:
            return found
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
        """A token: a whole number of so many digits, from `least` (0 or 1) up."""
        return self.rule("DIGITS", count(most, least))

    def text(self, root: str) -> str:
        """Every rule that `root` leads to."""
        needed, waiting = [], [root]
        while waiting:
            name = waiting.pop()
            if name in needed:
                continue
            needed.append(name)
            waiting += [found for found in _NAME.findall(self._rules[name]) if found and found not in needed]
        order = [name for name in self._rules if name in set(needed)]
        return "".join([f"root ::= {root}\n", *(f"{name} ::= {self._rules[name]}\n" for name in order)])
