"""A whole plugin in one file, without torch: a small language, and one of every other part.

    dstill --plugin tests/support/toy.py generate --task toy --teacher parrot

The language is sums: "add 3 and 4" → ``3+4``. The student keeps its pairs as JSON and answers a
question with the pair of the same words in any order: right for sums, wrong (and silently so) for
differences. What cannot be run faithfully ends in ``~``, what the abacus is not there for in ``!``.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import click

from dstill import Check, Run, Task, hookimpl
from dstill.api.engine import Change, CheckResult, Engine, ProjectFiles
from dstill.api.executor import Executor
from dstill.api.metric import Metric
from dstill.api.modality import Memory, Modality, ModelSpec
from dstill.api.objective import Objective
from dstill.api.option import Option, OptionValue
from dstill.api.protocols import DataProfile, Demo, Synthesis
from dstill.api.recipe import Recipe
from dstill.api.records import (
    Draft,
    Example,
    Grammar,
    Level,
    ModelInput,
    Outcome,
    OutcomeKind,
    Pair,
    Problem,
    Prompt,
    Record,
    Reply,
    Score,
    Section,
    Severity,
    Verdict,
)
from dstill.api.setting import setting
from dstill.api.student import Generation, Generator, Student, TrainingJob, TrainResult
from dstill.api.task import TaskProtocol
from dstill.api.teacher import Teacher
from dstill.errors import FailedItems, ServiceError, UsageError
from dstill.io.input_files import object_of

SUM = re.compile(r"(\d+)([+-])(\d+)([~!]?)")
REFUSAL = "none"


# --- the language -----------------------------------------------------------------------


def form(example: Example, answer: str) -> Iterable[Problem]:
    if answer != REFUSAL and not SUM.fullmatch(answer):
        yield Problem(layer="form", code="not_a_sum", message=f"'{answer}' is no sum", hint="write it as 1+2")


def digits(example: Example, answer: str) -> Iterable[Problem]:
    most = example.context.get("mapping", {}).get("digits", 2)
    for number in re.findall(r"\d+", answer):
        if len(number) > most:
            yield Problem(
                layer="digits", code="too_long", message=f"{number} has more than {most} digits", pointer="/0"
            )
        elif number.startswith("0"):
            yield Problem(layer="digits", code="zero", message=f"{number} begins with 0", severity=Severity.WARNING)


@dataclass(frozen=True, kw_only=True)
class Limits:
    most: int = setting(9, "largest number", low=1, high=99)


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    prefix: str = setting("", "put before each question")
    limits: Limits = field(default_factory=Limits)


def shown(data: str) -> OptionValue:
    if data not in ("loud", "soft"):
        raise UsageError(f"the toy has no data called '{data}'", where="--bundled-index", hint="loud or soft")
    return OptionValue(settings={"task.toy.prefix": f"{data}: "})


OPTIONS = (
    Option(
        name="--bundled-index",
        commands=("demo",),
        help="How the demo's questions are put.",
        read=shown,
    ),
    Option(
        name="--index",
        commands=("init", "ask", "adapt"),
        help="Which numbers to read.",
        read=lambda text: OptionValue(settings={"executor.abacus.index": text}),
    ),
    Option(
        name="--mapping",
        commands=("check",),
        metavar="FILE",
        help="How many digits a number may have.",
        read=lambda text: OptionValue(context={"mapping": object_of(Path(text), "--mapping", "as {digits}")}),
        column=lambda value: {"mapping": value},
    ),
)


class ToyProfile(DataProfile):
    def describe(self, engine: Engine, settings: Any = None) -> ProjectFiles:
        """Of an engine whose address says how large its numbers are: ``abacus:20``."""
        most = int(engine.url.rpartition(":")[2])
        return ProjectFiles(
            files={"numbers.json": json.dumps(list(range(1, most + 1)))},
            settings={"task.toy.limits.most": most, "generate.teacher": "parrot"},
            recipe={"train.num_train_epochs": 2.0},
            about=(f"read {most} numbers of {settings.index or 'all'}",),
            brief=(f"{most} numbers",),
        )


class ToyDemo(Demo):
    demo_settings: ClassVar = {
        "generate.teacher": "parrot",
        "train.student": "memory",
        "train.objective": "plain",
        "evaluate.baselines": ["untrained"],
    }
    demo_quick_settings: ClassVar = {"task.toy.limits.most": 5}


class ToySynthesis(Synthesis):
    task: Toy

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        for number in range(n):
            a, b = (number * 7 + seed) % self.task.config.limits.most + 1, number % self.task.config.limits.most + 1
            yield self.task.example(f"made-{number}", f"add {a} and {b}", f"{a}+{b}", "add", "")


class Toy(Task):
    """Sums and differences of small numbers."""

    name = "toy"
    Config = ToyConfig
    executors: ClassVar[tuple[str, ...]] = ("abacus",)
    checks: tuple[Check, ...] = (Check("form", form, parses=True), Check("digits", digits))
    options = OPTIONS
    answer_keys = ("query",)
    protocols: ClassVar[Mapping[type[TaskProtocol], type[TaskProtocol] | str]] = {
        DataProfile: ToyProfile,
        Demo: ToyDemo,
        Synthesis: ToySynthesis,
    }

    def examples(self, split: str) -> Iterable[Example]:
        for a in range(1, 5):
            for b in range(1, 5):
                swapped = a > b
                if a != b and swapped == (split == "test") and split in ("train", "test"):
                    yield self.example(f"{split}-add-{a}-{b}", f"add {a} and {b}", f"{a}+{b}", "add", split)
                    yield self.example(f"{split}-take-{a}-{b}", f"take {a} from {b}", f"{b}-{a}", "take", split)
        if split == "validation":
            yield self.example("validation-1", "add 5 and 5", "5+5", "add", split)
        if split in ("train", "test"):
            question = {"train": "sing a song", "test": "a song sing"}[split]
            yield self.example(f"{split}-sing", question, REFUSAL, "refusal", split)

    def example(self, id: str, question: str, answer: str, category: str, split: str) -> Example:
        return Example(
            id=id,
            question=f"{self.config.prefix}{question}",
            answer=answer,
            rationale=f"the words say {answer}",
            category=category,
            template=category,
            split=split,
        )

    def is_refusal(self, answer: str) -> bool:
        return answer == REFUSAL


KNOWN = [("1+2", "3"), ("3-2", "1")]  # of the abacus


@dataclass(frozen=True, kw_only=True)
class AbacusConfig:
    index: str = setting("", "which of its numbers; empty: all")


class Abacus(Executor):
    """Counts. Its data are the entries of ``looks.json`` in the working folder, one after the other."""

    name = "abacus"
    parallel = 2
    Config = AbacusConfig

    def execute(self, answer: str, example: Example) -> Outcome:
        match = SUM.fullmatch(answer)
        if match is None:
            return Outcome(kind=OutcomeKind.INVALID, reason=f"cannot count {answer}")
        if match[4]:
            kind = OutcomeKind.UNSUPPORTED if match[4] == "~" else OutcomeKind.UNAVAILABLE
            return Outcome(kind=kind, reason="not today")
        a, b = int(match[1]), int(match[3])
        return Outcome(kind=OutcomeKind.OK, value=a + b if match[2] == "+" else a - b)

    @property
    def label(self) -> str:
        return "abacus 1"

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        looks = Path("looks.json")
        if not looks.exists():
            return {}
        now, *left = json.loads(looks.read_text())
        looks.write_text(json.dumps(left))
        return dict(now)

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        for name in then:
            if then[name] != now.get(name):
                yield Change(message=f"{name}: {then[name]}, now {now.get(name)}", breaks=name == "wires")

    def self_check(self) -> Iterable[CheckResult]:
        yield CheckResult(name="beads", found="10 a wire", advice="oil the wires")
        for sum_, expected in KNOWN:
            outcome = self.run(sum_, Example(id=sum_, question=sum_))
            found = str(outcome.value) if outcome.kind is OutcomeKind.OK else outcome.reason
            problem = (
                None if found == expected else FailedItems(f"{sum_} gives {found}", where="abacus 1", hint="count")
            )
            yield CheckResult(name=sum_, found=found, expected=expected, problem=problem)
        if not self.engine.load_data:
            yield CheckResult(name="5+5", found="needs --load-data", expected="10", checked=False)


# --- teaching ---------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ParrotConfig:
    delay: float = setting(0.0, "seconds a reply", low=0, high=60)
    slow: str = setting("", "only questions with this text take that long")
    cut: str = setting("", "replies to questions with this text are cut off")
    garble: str = setting("", "likewise: not in the form that was asked")
    wrong: str = setting("", "likewise: an answer that a check refuses")
    down: str = setting("", "likewise: the service fails")


class Parrot(Teacher):
    """Says the gold, or what its settings make of it."""

    name = "parrot"
    is_lookup = True
    Config = ParrotConfig

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name, "answer": prompt.example.answer}

    async def ask(self, prompt: Prompt) -> Reply:
        config, example = self.config, prompt.example

        def hit(text: str) -> bool:
            return bool(text) and text in example.question

        if config.delay and (not config.slow or hit(config.slow)):
            await asyncio.sleep(config.delay)
        if hit(config.down):
            raise ServiceError("the parrot is asleep")
        text = self.task.reply_text(example.rationale or "", example.answer or "")
        if hit(config.garble):
            text = "squawk"
        if hit(config.wrong):
            text = self.task.reply_text("it is so", "100+1")
        return Reply(id=example.id, text=text, finish_reason="length" if hit(config.cut) else "stop")


# --- learning ---------------------------------------------------------------------------


class Plain(Objective):
    """The answer alone."""

    name = "plain"

    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        yield Pair(task_prefix="predict: ", source=task.model_input(record.example), target=record.answer)

    def read(self, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
        return Draft(answer=text.strip()) if text.strip() else None


class Heap(Modality):
    """All of it."""

    name = "heap"
    priority = 50

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return Memory(parts={"weights": 1 << 20})

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        return model


class Memorizer(Student):
    """Keeps its pairs as JSON."""

    name = "memory"

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        words = len(set(texts))
        return ModelSpec(
            architecture="Dict",
            parameters=words,
            embedding=0,
            linears={},
            encoder_decoder=False,
            layers=1,
            hidden=1,
            feed_forward=1,
            heads=1,
            vocabulary=words,
        )

    def fit(self, job: TrainingJob) -> TrainResult:
        job.folder.mkdir(parents=True, exist_ok=True)
        known = _pairs(Path(self.base)) if self.base else {}
        pairs = known | {_key(pair.task_prefix + pair.source): pair.target for row in job.train for pair in row}
        (job.folder / "pairs.json").write_text(json.dumps(pairs))
        for step in range(1, 3):
            job.on_step(step, 2, {"loss": 1 / step})
        history = ({"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5})
        n = len(pairs)
        return TrainResult(
            steps=2, seconds=0.1, history=history, peak_memory=1 << 20, trained_parameters=n, all_parameters=n
        )

    def load_base(self) -> Generator:
        return self.load(Path(self.base)) if self.base else super().load_base()

    def base_limits(self) -> str:
        return "half of its differences are wrong"

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        return Recall(_pairs(folder) if trained else {})


def _pairs(folder: Path) -> dict[str, str]:
    pairs: dict[str, str] = json.loads((folder / "pairs.json").read_text())
    return pairs


class Recall(Generator):
    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.pairs = pairs

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        for source in sources:
            text = self.pairs.get(_key(source.text), "")
            yield Generation(text=text, tokens=len(text), seconds=0.01, truncated="endless" in source.text)

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """What it would write, and with a chance of half the temperature the answer to another question."""
        for source, known in zip(sources, self.generate(sources), strict=True):
            draw = random.Random(f"{seed} {source.text}")
            others = sorted(set(self.pairs.values()))
            yield tuple(
                replace(known, text=draw.choice(others)) if draw.random() < temperature / 2 else known for _ in range(n)
            )


def _key(source: str) -> str:
    return " ".join(sorted(source.split()))


# --- evaluation -------------------------------------------------------------------------


class Right(Metric):
    """The share of right answers, among those checked."""

    name = "right"

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        checked = [v for v in verdicts if v.checked == Level.CORRECT and not v.gold_error]
        value = sum(v.correct for v in checked) / len(checked) if checked else None
        return Score(name=self.name, value=value, n=len(checked))


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Toy


@hookimpl
def register_teachers() -> Iterable[type[Teacher]]:
    yield Parrot


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Memorizer


@hookimpl
def register_modalities() -> Iterable[type[Modality]]:
    yield Heap


@hookimpl
def register_objectives() -> Iterable[type[Objective]]:
    yield Plain


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield Abacus


@hookimpl
def register_metrics() -> Iterable[type[Metric]]:
    yield Right


@hookimpl
def register_commands(cli: click.Group) -> None:
    @cli.command()
    def squawk() -> None:
        """Say something."""
        click.echo("squawk")


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    yield Section(title="Toy", text=run.name, order=5)
