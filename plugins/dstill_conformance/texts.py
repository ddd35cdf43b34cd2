"""Texts that a task pack must survive: what a model can write, and what an attacker would. The same for a seed.

junk(0)                        → texts that are in no language: control characters, lone surrogates, noise
any_text(["price < 20"], 0)    → these, deep and long texts, and golds that are cut, changed and doubled
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

__all__ = ["any_text", "junk", "respelled"]

GOLDS = 20  # that are changed
CHANGES = 6  # of each
LENGTH = 40  # of random texts, in characters
DEPTH = 2_000  # of nested texts
LARGE = 50_000  # characters

FIXED_TEXTS = (
    "",
    " ",
    "\n\n",
    "\0",
    "\0a\0b",
    "\ud800 \udfff",
    "a\udc80b",
    "\u202eab\u2066c",
    "\ufeffa\u200bb",
    "e\u0301 \u00e9 \ufb01 \u0130 \u00df",
    "１２ \u0663 ½ ²",
    "-0 1e999 NaN Infinity 00 0x1 1_000",
    "9" * 5_000,
    "'",
    '"',
    "`",
    "\\",
    "%s %d {} {0} $x ${x}",
    "null",
    "true",
    "[]",
    "{}",
    '"text"',
    "[1, 2",
    '{"a": 1, "a": 2}',
    "<answer></answer>",
    "<rationale>a</rationale><answer>b</answer>",
    "--",
    "; ;",
    "/* */",
)
NESTED = (("(", ")"), ("[", "]"), ('{"a":', "}"), ("not ", ""), ("-", ""))
NOISE = "\x00\x01\x07\x08\x1b\x7f\x80\x9f\u200b\u2028\u202e\ud800\udfff\ufffe\U000e0001"
ALPHABET = "abcXYZ019 _-+*/<>=!?.,:;()[]{}'\"\\|&%$#@~^\t\n"


def any_text(golds: Sequence[str], seed: int) -> list[str]:
    """Texts of every kind; `golds` are answers to change."""
    draw = random.Random(f"texts {seed}")
    texts = [*FIXED_TEXTS, *junk(seed), "a" * LARGE, " " * LARGE, "a b " * (LARGE // 4), "((a) " * (LARGE // 5)]
    texts += [opening * DEPTH + closing * DEPTH for opening, closing in NESTED]
    texts += [opening * DEPTH for opening, closing in NESTED if closing]
    texts += ["".join(draw.choices(ALPHABET, k=draw.randint(1, LENGTH))) for _ in range(20)]
    for gold in draw.sample(sorted(set(golds)), min(GOLDS, len(set(golds)))):
        texts += [*respelled(gold), *(_changed(gold, draw) for _ in range(CHANGES))]
    return list(dict.fromkeys(texts))


def junk(seed: int) -> list[str]:
    """Texts that are in no language."""
    draw = random.Random(f"junk {seed}")
    noise = ["".join(draw.choices(NOISE, k=draw.randint(3, LENGTH))) for _ in range(6)]
    marks = ["".join(draw.choices("}{)(][><\"'\\|^~`?!;", k=draw.randint(9, LENGTH))) for _ in range(6)]
    return [*noise, *marks]


def respelled(answer: str) -> Iterator[str]:
    """Texts that are the same answer in many languages."""
    yield f" {answer}"
    yield f"{answer}\n"
    if " " in answer:
        yield answer.replace(" ", "  ")
        yield answer.replace(" ", "\n", 1)


def _changed(gold: str, draw: random.Random) -> str:
    """`gold` with one change."""
    at, to = draw.randrange(len(gold) + 1), draw.randrange(len(gold) + 1)
    match draw.randrange(6):
        case 0:
            return gold[:at]
        case 1:
            return gold[:at] + draw.choice(NOISE + ALPHABET) + gold[at:]
        case 2:
            return gold[:at] + draw.choice(ALPHABET) + gold[at + 1 :]
        case 3:
            return gold[: min(at, to)] + gold[max(at, to) :]
        case 4:
            return gold + gold[at:]
        case _:
            return gold.swapcase()
