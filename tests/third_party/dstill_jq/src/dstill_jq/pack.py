"""The task pack jq: a question about a JSON document, an array of objects → a jq program, run by libjq.

how many books have genre crime   →   [.[] | select(.genre == "crime")] | length
"""

import json
import re
from collections.abc import Iterable
from typing import Any, ClassVar

from dstill import hookimpl
from dstill.api import Example, KnownAnswers, Linked, Mutant, ResultProperties, Task, TestDatabase, TestDatabases
from dstill.api.protocols import Readback
from dstill_jq.executor import Jq
from dstill_jq.form import JqLinked
from dstill_jq.language import CHECKS, REFUSAL, canonical, tokens
from dstill_jq.questions import document, questions

CHANGES = {">": ">=", "<": "<=", "max_by": "min_by", "min_by": "max_by", "max": "min", "add": "length", "==": "!="}


def rows(value: list[Any]) -> list[Any]:
    """The results. A stream of values and the array of them are the same answer."""
    return value[0] if len(value) == 1 and isinstance(value[0], list) else value


def near(number: str) -> list[float]:
    return [float(f"{float(number):.9g}")]


class JqResults(ResultProperties):
    def is_trivial(self, value: Any, example: Example) -> bool:
        return all(row in (None, False, 0, []) for row in rows(value))


class JqData(TestDatabases):
    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        name, numbers = example.context["document"], map(int, re.findall(r"\b\d+\b", example.answer or ""))
        return [TestDatabase(name=f"{n}", data={"rows": document(name, n, *numbers)}) for n in range(1, k + 1)]

    def mutants(self, example: Example) -> Iterable[Mutant]:
        for n, part in enumerate(parts := tokens(example.answer or "")):
            if new := CHANGES.get(part):
                yield Mutant(name=f"{part} → {new} at {n}", answer=" ".join([*parts[:n], new, *parts[n + 1 :]]))


class JqKnown(KnownAnswers):
    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return [("[.[]|length]|add", " [ .[] | length ]\n| add ")]

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return [("length", "length + 1"), ("first", "last"), ("length > 1", "1")]

    def hostile_answers(self, example: Example) -> Iterable[str]:
        return ["$ENV", "env.HOME", 'import "a" as a; .', '"\\(env)"', "input", "def f: f; f", "[range(1e12)]", "halt"]

    def runaway_answers(self, example: Example) -> Iterable[str]:
        return ["[., .] | " * 40 + "[..] | length"]


class JqTask(Task):
    """Questions about a JSON document, answered by jq programs."""

    name = "jq"
    instructions = (
        "Write a jq program that answers the question about a document, an array of objects with the given fields: "
        '.[] | select(.pages > 300) | .title. If no field has what is asked, write error("WHAT").'
    )
    executors = ("libjq",)
    checks = CHECKS
    protocols: ClassVar = {
        KnownAnswers: JqKnown,
        Linked: JqLinked,
        ResultProperties: JqResults,
        TestDatabases: JqData,
        Readback: "dstill_jq.readback:JqReadback",
    }
    data_key, data_noun, schema_keys = "document", "document", ("fields",)

    def examples(self, split: str) -> Iterable[Example]:
        return questions(split)

    def model_input(self, example: Example) -> str:
        return f"{example.question} | {' '.join(example.context.get('fields', ()))}"

    def canonical(self, answer: str) -> str:
        return canonical(answer)

    def is_refusal(self, answer: str) -> bool:
        return bool(REFUSAL.fullmatch(answer))

    def same(self, got: Any, want: Any) -> bool:
        """Numbers agree in nine digits, and true is not 1."""
        one, other = (json.loads(json.dumps(rows(v)), parse_float=near, parse_int=near) for v in (got, want))
        return one == other


register_tasks, register_executors = hookimpl(lambda: [JqTask]), hookimpl(lambda: [Jq])
