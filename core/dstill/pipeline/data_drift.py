"""What a student learnt of its data, kept beside it, and what of that is not there any more.

    learnt = learnt_from(task, records, context, {})   Learnt(task="sql", context=…, data={"shop": {"columns": …}})
    learnt.to_json()                          the text of student/data.json
    learnt_by(run.folder / "student", {})     read back, also from a student that was copied to another place
    drift(task, learnt, None)                 ("fields that the student learnt are gone: took",); else nothing

What the facts are is the task's and the executor's matter (`DataProfile.data_facts` and `drift`, `Executor.facts`).
Where nothing can be asked (no schema, an engine that is away) nothing is said.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from dstill.api.executor import Executor
from dstill.api.protocols import DataProfile
from dstill.api.records import SCHEMA_VERSION, Example, Record
from dstill.api.task import Task
from dstill.errors import DataError, DstillError
from dstill.io.strict_json import loads

__all__ = ["FILE", "Learnt", "can_tell", "drift", "learnt_by", "learnt_from"]

FILE = "data.json"  # in the student's folder


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What a student was trained on."""

    task: str = ""  # its name; empty: not known
    context: Mapping[str, Any] = field(default_factory=dict)  # of its questions
    data: Mapping[str, Any] = field(default_factory=dict)  # `DataProfile.data_facts` of them; empty: not known

    def to_json(self) -> str:
        """The text of `FILE`."""
        row = {"schema_version": SCHEMA_VERSION, "task": self.task, "context": self.context, "data": self.data}
        return json.dumps(row, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def learnt_from(
    task: Task, records: Sequence[Record], context: Mapping[str, Any], made_from: Mapping[str, Any]
) -> Learnt:
    """What a student that is trained on `records` learns of their data.

    `context`: of the questions that it will be asked; `made_from`: what was seen of the data when the dataset was
    made; it goes before what the task says of it now.
    """
    of_training = DataProfile.of(task).data_facts([record.example for record in records])
    data = {name: made_from.get(name, facts) for name, facts in of_training.items()} or made_from
    return Learnt(task=task.name, context=context, data=data)


def learnt_by(student: Path, made_from: Mapping[str, Any]) -> Learnt:
    """What the student in folder `student` learnt. Raises DataError.

    `made_from` stands for what a student from before there was such a file does not say itself.
    """
    file = student / FILE
    try:
        kept = loads(file.read_text(encoding="utf-8"))
        return Learnt(task=str(kept["task"]), context=dict(kept["context"]), data=dict(kept["data"]))
    except FileNotFoundError:
        return Learnt(data=made_from)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} does not say what a student learnt: {error!r}", where=str(file), hint="train it again"
        ) from None


def drift(task: Task, learnt: Learnt, executor: Executor | None) -> tuple[str, ...]:
    """What is gone or another since then, by name: in what the project says of its data, and in what the engine holds.

    `executor` is an opened one, or None.
    """
    told: list[str] = []
    for now in _now(task, learnt, executor):
        with contextlib.suppress(DstillError):
            told += DataProfile.of(task).drift(learnt.data, now)
    return tuple(dict.fromkeys(told))


def can_tell(task: Task, learnt: Learnt, executor: Executor | None) -> bool:
    """Whether anything is known of the data now, so that no `drift` means that all is there."""
    return any(True for _ in _now(task, learnt, executor))


def _now(task: Task, learnt: Learnt, executor: Executor | None) -> Iterator[Mapping[str, Any]]:
    """What is known of the data now, by those who know something."""
    if not learnt.data:
        return
    example = Example(id="", question="", context=learnt.context)
    for look in (
        (DataProfile.of(task).data_facts, executor.facts)
        if executor is not None
        else (DataProfile.of(task).data_facts,)
    ):
        with contextlib.suppress(DstillError):
            if now := look([example]):
                yield now
