"""The facts that a student learnt of its data, saved beside it, and their changes since.

    learnt = learnt_from(task, records, context, {})   Learnt(task="sums", context=…, data={"shop": {"columns": …}})
    learnt.to_json()                          the text of student/data.json
    learnt_by(run.folder / "student")         read from there, also from a copy of the student
    drift(task, learnt, None)                 ("fields that the student learnt are gone: took",); empty: no change

The task and the executor describe the data (`DataProfile.data_facts` and `drift`, `Executor.facts`). When neither can
be asked (there is no schema, the engine is away), no drift is reported.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    """The data that a student was trained on."""

    task: str = ""  # name; empty: not known
    context: Mapping[str, Any] = field(default_factory=dict)  # of the questions
    data: Mapping[str, Any] = field(default_factory=dict)  # `DataProfile.data_facts`; empty: not known

    def to_json(self) -> str:
        """The text of `FILE`."""
        row = {"schema_version": SCHEMA_VERSION, "task": self.task, "context": self.context, "data": self.data}
        return json.dumps(row, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def learnt_from(
    task: Task, records: Sequence[Record], context: Mapping[str, Any], made_from: Mapping[str, Any]
) -> Learnt:
    """The facts that a student trained on `records` learns of their data.

    `context`: of the questions that it will be asked. `made_from`: the facts of the data when the dataset was made;
    they take precedence over what the task says now.
    """
    of_training = DataProfile.of(task).data_facts([record.example for record in records])
    data = {name: made_from.get(name, facts) for name, facts in of_training.items()} or made_from
    return Learnt(task=task.name, context=context, data=data)


def learnt_by(student: Path) -> Learnt:
    """The facts that the student in folder `student` learnt, if any. Raises DataError for a damaged file."""
    file = student / FILE
    try:
        row = loads(file.read_text(encoding="utf-8"))
        return Learnt(task=str(row["task"]), context=dict(row["context"]), data=dict(row["data"]))
    except FileNotFoundError:
        return Learnt()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} does not say what a student learnt: {error!r}", where=str(file), hint="train it again"
        ) from None


def drift(task: Task, learnt: Learnt, executor: Executor | None) -> tuple[str, ...]:
    """Removals and changes since then, one line each, in the description of the data and in the engine.

    `executor`: an opened one; None: the engine is not asked.
    """
    changes: list[str] = []
    for now in _now(task, learnt, executor):
        with contextlib.suppress(DstillError):
            changes += DataProfile.of(task).drift(learnt.data, now)
    return tuple(dict.fromkeys(changes))


def can_tell(task: Task, learnt: Learnt, executor: Executor | None) -> bool:
    """Whether the data can be described now, so that an empty `drift` means that nothing changed."""
    return any(True for _ in _now(task, learnt, executor))


def _now(task: Task, learnt: Learnt, executor: Executor | None) -> Iterator[Mapping[str, Any]]:
    """The facts of the task and the executor about the data now."""
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
