"""Random answers, as a cursor allows them.

walk(form.start(reading), seed)     → ["{", "size:", "=0"], or None for a walk that comes to no end
"""

from __future__ import annotations

import random
from collections import defaultdict

from dstill.api.form import Cursor, Token

__all__ = ["walk"]

_LONG, _LONGEST = 40, 400  # tokens after which brackets are closed, and after which a walk is given up
_WEIGHTS = {"bracket": 2.0, "character": 0.3, "value": 0.5, "structure": 2.0, "pointer": 3.0}


def walk(cursor: Cursor, seed: int) -> list[Token] | None:
    """The tokens of one answer: a kind of token by weight, then any of that kind."""
    rng, written = random.Random(seed), list[Token]()
    while len(written) < _LONGEST:
        allowed = cursor.allowed()
        if "" in allowed and (len(written) > _LONG or rng.random() < 0.12):
            return written
        kinds: dict[str, list[Token]] = defaultdict(list)
        for token in sorted(allowed, key=str):
            if token != "":
                kinds[_kind(token)].append(token)
        if not kinds:
            return written if "" in allowed else None
        weights = [1_000 if kind == "bracket" and len(written) > _LONG else _WEIGHTS[kind] for kind in kinds]
        token = rng.choice(kinds[rng.choices(list(kinds), weights)[0]])
        written.append(token)
        cursor = cursor.push(token)
    return None


def _kind(token: Token) -> str:
    if isinstance(token, int):
        return "pointer"
    if token in ("}", "]", ")"):
        return "bracket"
    if token[0] in "'%":
        return "character"
    return "value" if token[0] in "+*" or token in ("..", "page", "number", "text") else "structure"
