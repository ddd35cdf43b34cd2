"""A plugin whose answers are JSON, for tests of the review: what a box says, echoed by an executor.

    {"say": "hello"}   →  "hello", and a line in ran.txt of the working folder

A key ``script`` is refused by the guard, and what begins with ``!`` by the executor.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from dstill import Check, Task, hookimpl
from dstill.api.executor import Executor
from dstill.api.protocols import Presentation
from dstill.api.records import Example, Outcome, OutcomeKind, Problem, RelevantSchema
from dstill.io.strict_json import NotStrict, loads

RAN = "ran.txt"


def form(example: Example, answer: str) -> Iterable[Problem]:
    try:
        if not isinstance(loads(answer), dict):
            yield Problem(layer="json", code="no_object", message="not an object", hint='write {"say": …}')
    except NotStrict as error:
        yield Problem(layer="json", code="not_json", message=f"not strict JSON: {error}")


def guard(example: Example, answer: str) -> Iterable[Problem]:
    if "script" in loads(answer):
        yield Problem(layer="guard", code="script", message="refused: scripts are not allowed", pointer="/script")


class BoxesPresentation(Presentation):
    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        return RelevantSchema(
            title="words", used=(("say", str(example.context.get("say", "text"))),), rest=(("script", "no"),)
        )

    def render_result(self, value: Any) -> str:
        return f"it says {value}"


class Boxes(Task):
    name = "boxes"
    executors = ("echo",)
    json_answers = True
    checks = (Check("json", form, parses=True), Check("guard", guard))
    protocols: ClassVar = {Presentation: BoxesPresentation}

    def examples(self, split: str) -> Iterable[Example]:
        return ()


class Echo(Executor):
    name = "echo"

    def execute(self, answer: str, example: Example) -> Outcome:
        with Path(RAN).open("a") as file:
            file.write(f"{answer}\n")
        said = loads(answer).get("say", "")
        if str(said).startswith("!"):
            return Outcome(kind=OutcomeKind.INVALID, reason=f"nobody says {said}")
        return Outcome(kind=OutcomeKind.OK, value=said)


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Boxes


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield Echo
