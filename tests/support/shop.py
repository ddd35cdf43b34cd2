"""A plugin with a student to serve: it answers at once unless a file makes it wait, and its engine can go away.

    Shop: "what is tea?" → {"say": "tea"}       the task, whose answers are JSON
    Clerk                                        the student: pairs by heart
    Till                                         the engine

What is in the working folder steers them: while ``hold`` is there the clerk writes nothing, while ``down`` is there the
till is away, ``gone`` takes its index, ``moved`` a field of it, and while ``stuck`` is there no run of it ends.
``batches.txt`` gets a line with the size of each batch. A question with "break" in it breaks the clerk,
and so does every batch that it is in.
"""

from __future__ import annotations

import json
import math
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from support.boxes import form, guard
from support.model_spec import SMALLEST
from support.toy import Heap

from dstill import Check, Task, hookimpl
from dstill.api.engine import Change, Engine
from dstill.api.executor import Executor
from dstill.api.modality import Modality, ModelSpec
from dstill.api.objective import Objective
from dstill.api.protocols import DataProfile, Presentation, RationaleTerms
from dstill.api.records import Example, ModelInput, Outcome, OutcomeKind, Record, RelevantSchema, Table
from dstill.api.student import Generation, Generator, Student, TrainingJob, TrainResult
from dstill.errors import ServiceError
from dstill.io.strict_json import NotStrict, loads
from dstill_torch.objectives import DistillStepByStep

HOSTILE = "<img src=//evil.example/x onerror=alert(1)><script>alert(2)</script>"
BIDI = "\u202egnirts\u202c \u200b"
NESTED = {"say": "nested", "bool": {"must": [{"term": {"a": 12345678901234567890}}, {"term": {"b": [1, 2]}}]}}
PAIRS: Mapping[str, tuple[str, str, str]] = {  # question → answer, rationale, category
    "what is tea?": ('{"say": "tea"}', "tea is a word", "plain"),
    "what is coffee?": ('{"say": "coffee"}', "coffee is a word", "plain"),
    "what is nested?": (json.dumps(NESTED), "it has parts", "deep"),
    "what is monthly?": ('{"say": "monthly"}', "it is of many months", "deep"),
    "what is wrong?": ('{"say": "!"}', "the till does not know it", "wrong"),
    "what is a script?": ('{"script": "x"}', "the guard knows it", "wrong"),
    "what is broken?": ('{"say": ', "it has no end", "wrong"),
    "what is secret?": ('{"refusal": "it is a secret"}', "nobody may know", "refusal"),
    f"what is {HOSTILE}?": (json.dumps({"say": HOSTILE + BIDI, HOSTILE: {"x": BIDI}}), HOSTILE + BIDI, HOSTILE),
    "what is half a pair?": ('{"say": "\\ud800"}', "half", "odd"),
}


class ShopProfile(DataProfile):
    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        return {"shop": {"fields": {"say": "text"}}}

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        for name in then["shop"]["fields"].keys() - now["shop"]["fields"].keys():
            yield f"fields that the student learnt are gone: {name}"


class ShopPresentation(Presentation):
    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        name = example.context.get("index", "")
        fields = (
            ("say", "text: what is said"),
            ("price", f"long: {HOSTILE}"),
            ("when", "date"),
            ("who", "keyword: ann@shop.example"),
        )
        return RelevantSchema(title=f"fields of {name}", rest=fields)

    def render_result(self, value: Any) -> str:
        return f"it says {value}"

    def snippets(self, answer: str, example: Example) -> Sequence[tuple[str, str]]:
        return (("shell", f"say {shlex.quote(answer)}"), ("Python", f"say({answer!r})"))

    def result_tables(self, value: Any, answer: str, whole: bool = False) -> Sequence[Table]:
        if value == "nested":
            rows = (("a" * 12, "12", "1,000", "0"), ("b", "3", "-1", "0"))
            return (Table(columns=("part", "#n", "#another figure of it", "#a third figure"), rows=rows, spare=2),)
        if value == "monthly":
            sold = tuple((f"{2023 + n // 12}-{n % 12 + 1:02}", f"{1000 + n:,}") for n in range(48))
            return (Table(columns=("month", "#sold"), rows=sold[::-1]),)
        return (Table(title="hits", columns=("#n", "said"), rows=(("1", str(value)),)),)


class ShopTerms(RationaleTerms):
    def answer_terms(self, answer: str) -> Iterable[str]:
        return sorted(loads(answer).keys())


class Shop(Task):
    name = "shop"
    data_key = "index"
    executors = ("till",)
    json_answers = True
    checks = (Check("json", form, parses=True), Check("guard", guard))
    protocols: ClassVar = {DataProfile: ShopProfile, Presentation: ShopPresentation, RationaleTerms: ShopTerms}

    def examples(self, split: str) -> Iterable[Example]:
        return ()

    def is_refusal(self, answer: str) -> bool:
        try:
            return "refusal" in loads(answer)
        except (NotStrict, TypeError):
            return False


class Till(Executor):
    name = "till"
    parallel = 2

    def open(self, task: Task, engine: Engine) -> Self:
        if Path("down").exists():
            raise ServiceError("cannot reach the till", where="till", hint="open it")
        return super().open(task, engine)

    def execute(self, answer: str, example: Example) -> Outcome:
        while Path("stuck").exists():
            time.sleep(0.005)
        if Path("gone").exists():
            raise ServiceError("no such index, asked for searching 'shop'", where="till", hint="check its name")
        if Path("down").exists():
            return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="the till is closed")
        said = loads(answer).get("say", "")
        if str(said).startswith("!"):
            return Outcome(kind=OutcomeKind.INVALID, reason=f"nobody says {said}")
        return Outcome(kind=OutcomeKind.OK, value=said)

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        if Path("down").exists():
            raise ServiceError("cannot reach the till", where="till", hint="open it")
        return {"shop": {"fields": {} if Path("moved").exists() else {"say": "text"}}}

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        return ()


class Both(DistillStepByStep):
    name = "both"


class Clerk(Student):
    name = "clerk"

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        return replace(SMALLEST, architecture="Dict")

    def fit(self, job: TrainingJob) -> TrainResult:
        job.folder.mkdir(parents=True, exist_ok=True)
        pairs = {pair.task_prefix + pair.source: pair.target for row in job.train for pair in row}
        (job.folder / "pairs.json").write_text(json.dumps(pairs))
        return TrainResult(steps=1, seconds=0.1, history=(), peak_memory=1, trained_parameters=1, all_parameters=1)

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        return Memory(json.loads((folder / "pairs.json").read_text()))


class Memory(Generator):
    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.pairs = pairs

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        return [len(source.text.split()) for source in sources]

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        with Path("batches.txt").open("a") as file:
            file.write(f"{len(sources)}\n")
        while Path("hold").exists():
            time.sleep(0.005)
        for source in sources:
            if "break" in source.text:
                raise RuntimeError("the clerk has had enough")
            text = self.pairs.get(source.text, '{"say": "what?"}')
            yield Generation(
                text=text, tokens=len(text.split()), seconds=0.01, logprob=-3.0 if "perhaps" in source.text else -0.1
            )

    def candidates(
        self, sources: Sequence[ModelInput], n: int, *, least_logprob: float = -math.inf
    ) -> Iterator[tuple[Generation, ...]]:
        """Its answer and, to a question with "maybe", tea."""
        tea = Generation(text='{"say": "tea"}', tokens=2, seconds=0.01, logprob=-1.0)
        for source, first in zip(sources, self.generate(sources), strict=True):
            yield (first, tea) if "maybe" in source.text else (first,)


def records() -> list[Record]:
    return [
        Record(id=f"{split}-{n}", question=question, answer=answer, rationale=why, category=category, split=split,
               context={"index": "shop"}, teacher="oracle", template=f"{n}")
        for split in ("train", "test")
        for n, (question, (answer, why, category)) in enumerate(PAIRS.items())
    ]  # fmt: skip


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Shop


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield Till


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Clerk


@hookimpl
def register_objectives() -> Iterable[type[Objective]]:
    yield Both


@hookimpl
def register_modalities() -> Iterable[type[Modality]]:
    yield Heap
