"""The task pack rpn: "take x, add 4, then multiply by y" → ``x 4 + y *``, run on a stack machine."""

import itertools
import random
from collections.abc import Iterable
from typing import ClassVar

from dstill import hookimpl
from dstill.api import Check, Example, Executor, KnownAnswers, Linked, Outcome, OutcomeKind, Task

VALUES = {"x": 23, "y": 41, "z": 97, **{digit: int(digit) for digit in "123456789"}}
WORDS = {"+": "add", "-": "subtract", "*": "multiply by"}
RUN = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
UNSEEN = (("-", "*"), ("*", "-"))  # templates, a pair of operators each, that no training row has
ROWS = {"train": (0, 2400), "validation": (2400, 2440), "test": (2440, 2560), "test_unseen_templates": (0, 60)}


def value_of(answer: str) -> int:
    """What the program computes. Raises ValueError for what is no program."""
    stack: list[int] = []
    for word in answer.split():
        if word in RUN and len(stack) > 1:
            stack[-2:] = [RUN[word](*stack[-2:])]
        elif word in VALUES:
            stack.append(VALUES[word])
        else:
            raise ValueError(f"'{word}' is no operand, or lacks operands before it")
    if len(stack) != 1:
        raise ValueError(f"it leaves {len(stack)} numbers instead of one")
    return stack[0]


class Machine(Executor):
    name = "rpn-machine"

    def execute(self, answer: str, example: Example) -> Outcome:
        return Outcome(kind=OutcomeKind.OK, value=value_of(answer))


class RpnAnswers(KnownAnswers):
    def hostile_answers(self, example: Example) -> Iterable[str]:
        return ["__import__('os').getcwd()", "9 9 ** 9 **"]


class Rpn(Task):
    name = "rpn"
    instructions = "Write the calculation in reverse Polish notation, with the operands x, y, z, 1 to 9 and + - *."
    executors = ("rpn-machine",)
    checks = (Check.from_parser("program", value_of),)
    protocols: ClassVar = {KnownAnswers: RpnAnswers, Linked: "dstill_rpn.form:RpnLinked"}

    def examples(self, split: str) -> Iterable[Example]:
        pairs = [p for p in itertools.product(WORDS, WORDS) if (p in UNSEEN) == (split == "test_unseen_templates")]
        made = list(itertools.product(pairs, itertools.permutations(VALUES, 3)))
        random.Random(0).shuffle(made)
        for n, ((p, q), (a, b, c)) in enumerate(made[slice(*ROWS.get(split, (0, 0)))]):
            asked = f"take {a}, {WORDS[p]} {b}, then {WORDS[q]} {c}"
            why = f"{a} and {b} are pushed, {p} joins them; {c} is pushed, {q} gives the result"
            gold = f"{a} {b} {p} {c} {q}"
            yield Example(id=f"{split}-{n}", question=asked, rationale=why, answer=gold, template=p + q, split=split)

    def canonical(self, answer: str) -> str:
        return " ".join(answer.split())


register_tasks, register_executors = hookimpl(lambda: [Rpn]), hookimpl(lambda: [Machine])
