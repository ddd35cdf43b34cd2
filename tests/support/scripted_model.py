"""A scripted large model for the toy's sums, wrong where the second number ends in 0: `LoopbackTeacher(reply_to=…)`.

model_says([{"role": "user", "content": "add 3 and 10"}])
→  "<rationale>the numbers 3 and 10 together</rationale><answer>3+9</answer>"
"""

from __future__ import annotations

import re

from support.loopback_teacher import Messages, question_in

__all__ = ["is_right", "model_says", "sum_in"]

SUM = re.compile(r"add (\d+) and (\d+)")


def sum_in(question: str) -> tuple[int, int]:
    """The numbers of the last "add 3 and 4" in a text."""
    first, second = SUM.findall(question)[-1]
    return int(first), int(second)


def is_right(question: str) -> bool:
    """Whether the model is right on a question: not if its second number ends in 0."""
    return sum_in(question)[1] % 10 != 0


def model_says(messages: Messages) -> str:
    first, second = sum_in(question_in(messages)[0])
    given = second if second % 10 else second - 1
    return f"<rationale>the numbers {first} and {second} together</rationale><answer>{first}+{given}</answer>"
