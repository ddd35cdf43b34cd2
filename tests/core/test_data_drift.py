"""Facts about the data that a student stores, and reports of missing fields."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dstill import Check, Run, Task
from dstill.api.executor import Executor
from dstill.api.protocols import DataProfile
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.errors import DataError, ServiceError
from dstill.quality.data_drift import FILE, Learnt, drift
from dstill.stages.predict.predictor import Predictor


@pytest.fixture
def run(project: Path, trained_run: Callable[..., Run]) -> Run:
    """Made when the abacus had two wires."""
    Path("looks.json").write_text(json.dumps([{"wires": 2}] * 2))
    return trained_run("mine")


def test_student_stores_the_data_facts_of_its_dataset(run: Run, project: Path) -> None:
    kept = json.loads((run.folder / "student" / FILE).read_text())
    assert kept == {"schema_version": 1, "task": "toy", "context": {}, "data": {"wires": 2}}
    shutil.copytree(run.folder, project / "elsewhere")
    assert Run.open(project / "elsewhere", plugins=run.plugins).learnt() == Learnt(task="toy", data={"wires": 2})


def test_nothing_is_known_of_a_student_without_its_file(run: Run) -> None:
    (run.folder / "student" / FILE).unlink()
    assert run.learnt() == Learnt()


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{", "[]", '{"task": "toy"}', '{"task": "toy", "context": 1, "data": {}}']
)
def test_malformed_facts_file_is_an_error(run: Run, text: str) -> None:
    (run.folder / "student" / FILE).write_text(text)
    with pytest.raises(DataError, match="does not say what a student learnt") as caught:
        run.learnt()
    assert caught.value.hint == "train it again"


def test_no_drift_is_reported_without_facts(run: Run) -> None:
    with Predictor(run, execute=True) as answering:
        assert answering.drift() == ()


# --- reports ----------------------------------------------------------------------------


class BeadsProfile(DataProfile):
    task: Beads

    def data_facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        return self.task.said

    def drift(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[str]:
        return [f"{name} is gone" for name in then if name not in now]


class Beads(Task):
    name = "beads"
    checks: tuple[Check, ...] = ()
    said: Mapping[str, Any] = {"wires": 2}
    protocols: ClassVar = {DataProfile: BeadsProfile}

    def examples(self, split: str) -> Iterable[Example]:
        return ()


class Counter(Executor):
    name = "counter"
    held: Mapping[str, Any] | None = None

    def execute(self, answer: str, example: Example) -> Outcome:
        return Outcome(kind=OutcomeKind.OK)

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        if self.held is None:
            raise ServiceError("the counter is away")
        return self.held


@pytest.mark.parametrize(
    ("said", "held", "told"),
    [
        ({"wires": 2}, {"wires": 3}, ()),
        ({"rods": 1}, {"wires": 2}, ("wires is gone",)),
        ({"wires": 2}, {"rods": 1}, ("wires is gone",)),
        ({"rods": 1}, {"rods": 1}, ("wires is gone",)),  # once
        ({}, {}, ()),  # nothing is known
        ({"wires": 2}, None, ()),  # an unavailable engine reports nothing
    ],
)
def test_asks_task_and_engine(said: Any, held: Any, told: tuple[str, ...]) -> None:
    task, counter = Beads(), Counter()
    task.said, counter.held = said, held
    assert drift(task, Learnt(task="beads", data={"wires": 2}), counter) == told
    assert drift(task, Learnt(), counter) == ()


def test_asks_the_task_alone_without_an_executor() -> None:
    task = Beads()
    task.said = {"rods": 1}
    assert drift(task, Learnt(task="beads", data={"wires": 2}), None) == ("wires is gone",)
