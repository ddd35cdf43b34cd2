"""A plugin with a student whose accuracy, memory and failures depend on its recipe, and that logs its trainings.

learning_rate   the share of its training pairs that it keeps
r               1: it fails; 2: it is killed; 3: it takes a minute; 5: it fails unless the batch may be halved;
                6: it fails the first time; its memory is that many MiB
diary.txt       in the working folder: a line a training
shut, away      in the working folder: the executor `moody` does not open; it can be asked for nothing
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from dstill import hookimpl
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.metric import Metric
from dstill.api.modality import Choice, Memory, Modality, ModelSpec
from dstill.api.objective import Objective
from dstill.api.recipe import Device, Recipe
from dstill.api.records import Example, Level, ModelInput, Outcome, OutcomeKind, Pair, Record, Score, Verdict
from dstill.api.student import Generation, Generator, Student, TrainingJob, TrainResult
from dstill.api.task import Task
from dstill.errors import ServiceError, TrainingError


class Learner(Student):
    name = "learner"

    def spec(self, texts: Iterable[str] = ()) -> ModelSpec:
        counts = {"layers": 1, "hidden": 1, "feed_forward": 1, "heads": 1, "vocabulary": 1}
        size = len(list(texts))
        return ModelSpec(architecture="Dict", parameters=size, embedding=0, linears={}, encoder_decoder=False, **counts)

    def fit(self, job: TrainingJob) -> TrainResult:
        recipe = job.recipe
        with Path("diary.txt").open("a") as trainings:
            trainings.write(f"{job.modality.name} {recipe.r} {recipe.learning_rate:.6f} {job.seed}\n")
        times = sum(line.split()[1] == str(recipe.r) for line in Path("diary.txt").read_text().splitlines())
        if recipe.r == 1 or (recipe.r == 6 and times == 1):
            raise TrainingError("the loss is NaN", where="step 3", hint="lower it")
        if recipe.r == 5 and not recipe.auto_find_batch_size:
            raise TrainingError("out of memory", where="step 1", hint="set train.auto_find_batch_size")
        if recipe.r == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if recipe.r == 3:
            for tick in range(600):
                time.sleep(0.1)
                job.on_step(tick, 600, {})
        pairs = [(pair.source, pair.target) for row in job.train for pair in row[:1]]
        kept = pairs[: round(len(pairs) * recipe.learning_rate)]
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / "pairs.json").write_text(json.dumps({_key(source): target for source, target in kept}))
        return TrainResult(
            steps=max(recipe.max_steps, 1),
            seconds=float(recipe.max_steps),
            history=(),
            peak_memory=recipe.r << 20,
            trained_parameters=len(kept),
            all_parameters=len(pairs),
        )

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        return LookupGenerator(json.loads((folder / "pairs.json").read_text()))


class LookupGenerator(Generator):
    def __init__(self, pairs: dict[str, str]) -> None:
        self.pairs = pairs

    def generate(self, sources: Iterable[ModelInput]) -> Iterable[Generation]:  # type: ignore[override]
        for source in sources:
            text = self.pairs.get(_key(source.text.removeprefix("predict: ")), "")
            yield Generation(text=text, tokens=len(text), seconds=0.01)


def _key(source: str) -> str:
    return " ".join(sorted(source.split()))


class FullLike(Modality):
    """Ignores the rank."""

    name = "whole"
    priority = 100
    ignores = frozenset({"r", "lora_alpha"})

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return Memory(parts={"weights": 1})

    def prepare(self, model: object, recipe: Recipe) -> object:
        return model


class LoraLike(FullLike):
    name = "part"
    priority = 10
    ignores = frozenset()


class Dss(Objective):
    name = "dss"

    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        yield Pair(task_prefix="predict: ", source=task.model_input(record.example), target=record.answer)
        yield Pair(task_prefix="explain: ", source=task.model_input(record.example), target=record.rationale)


class LabelOnly(Dss):
    """Learns labels only."""

    name = "label-only"

    def pairs(self, record: Record, task: Task) -> Iterable[Pair]:
        target = record.answer if "-" not in record.answer else "1+1"
        yield Pair(task_prefix="predict: ", source=task.model_input(record.example), target=target)


class Accuracy(Metric):
    """Like the real metric, without statistics, whose import takes seconds in every trial."""

    name = "executable_accuracy"

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        checked = [v for v in verdicts if v.checked == Level.CORRECT and not v.gold_error and not v.expects_refusal]
        value = sum(v.correct for v in checked) / len(checked) if checked else None
        return Score(name=self.name, value=value, low=value, high=value, n=len(checked))


class Exact(Metric):
    """Likewise."""

    name = "exact_match"

    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        value = sum(v.exact is True for v in verdicts) / len(verdicts) if verdicts else None
        return Score(name=self.name, value=value, low=value, high=value, n=len(verdicts))


class UnreliableExecutor(Executor):
    name = "moody"

    def open(self, task: Task, engine: Engine) -> Self:
        if Path("shut").exists():
            raise ServiceError("moody is shut", where="here", hint="wait")
        return super().open(task, engine)

    def execute(self, answer: str, example: Example) -> Outcome:
        if Path("away").exists():
            return Outcome(kind=OutcomeKind.UNAVAILABLE, reason="connection refused")
        return Outcome(kind=OutcomeKind.OK, value=answer)


@hookimpl
def select_modality(modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device) -> Choice:
    """`whole` fits 40 texts: an objective with two sequences per record exceeds that for the toy's rows."""
    return Choice(modality="part" if student.parameters > 40 else "whole", reasons=())


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    return [UnreliableExecutor]


@hookimpl
def register_metrics() -> Iterable[type[Metric]]:
    return [Accuracy, Exact]


@hookimpl
def register_students() -> Iterable[type[Student]]:
    return [Learner]


@hookimpl
def register_modalities() -> Iterable[type[Modality]]:
    return [FullLike, LoraLike]


@hookimpl
def register_objectives() -> Iterable[type[Objective]]:
    return [Dss, LabelOnly]
