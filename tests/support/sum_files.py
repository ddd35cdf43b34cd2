"""The toy's language in files, for `dstill check`: a sum on each line of a ``.sums`` file.

    # digits=3          how many digits the numbers after it may have
    12+3  # an answer, and a comment

A number must not begin with 0: that is repaired. A wrong repair of a number that is too long is proposed, too, and one
that does not lie in the answer: dstill must not use them.

    dstill --plugin tests/support/toy.py --plugin tests/support/sum_files.py check --task sums
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

from support.toy import Toy, digits, form

from dstill import Check, Task, hookimpl
from dstill.api import Edit, Example, FileAnswer, Fix, Problem
from dstill.api.protocols import AnswerFiles


class SumFiles(AnswerFiles):
    suffixes: ClassVar[tuple[str, ...]] = (".sums", ".both")
    problem_codes: ClassVar = {"too_long": "A number has too many digits."}

    def has_answers(self, text: str, suffix: str) -> bool:
        return "+" in text

    def file_answers(self, text: str, suffix: str) -> Iterable[FileAnswer]:
        context, start = {}, 0
        for line in text.split("\n"):
            if found := re.match(r"# digits=(\d+)", line):
                context = {"mapping": {"digits": int(found[1])}}
            plain = re.sub("#.*", lambda comment: " " * len(comment[0]), line)
            if plain.strip():
                yield FileAnswer(start=start, end=start + len(line), text=plain, context=context)
            start += len(line) + 1

    def answer_fixes(self, example: Example, answer: str, problems: Sequence[Problem]) -> Iterable[Fix]:
        for problem in problems:
            if problem.code == "zero":
                for zeros in re.finditer(r"\b0+(?=\d)", answer):
                    yield Fix(edits=(Edit(start=zeros.start(), end=zeros.end(), text=""),), problem=problem)
            if problem.code == "too_long":
                yield Fix(edits=(Edit(start=0, end=len(answer), text="1+1"),), problem=problem)
                yield Fix(edits=(Edit(start=0, end=9_999, text=""),), problem=problem, same_meaning=True)


class OtherFiles(SumFiles):
    suffixes = (".both",)


class Sums(Toy):
    """Sums in files."""

    name = "sums"
    checks = (
        Check("form", lambda example, answer: form(example, answer.strip()), parses=True),
        Check("digits", digits),
    )
    protocols: ClassVar = {**Toy.protocols, AnswerFiles: SumFiles}

    def canonical(self, answer: str) -> str:
        return re.sub(r"\b0+(?=\d)", "", answer.strip())


class Others(Sums):
    name = "others"
    protocols: ClassVar = {**Sums.protocols, AnswerFiles: OtherFiles}


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    return [Sums, Others]
