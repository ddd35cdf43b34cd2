"""What a student learnt of its data, kept beside it, and what of that is not there any more.

    keep(run, folder, records)      student/data.json: {"task": …, "context": …, "data": {"logs": {"fields": …}}}
    learnt = learnt_by(run)         read back, also from a student that was copied to another place
    drift(run.task, learnt, None)   ("fields that the student learnt are gone: took",); nothing where all is there

What the facts are is the task's and the executor's matter (`Task.facts`, `Executor.facts`, `Task.drift`). Where
nothing can be asked (no mapping, an engine that is away) nothing is said.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from dstill.errors import DataError, DstillError
from dstill.files import write_text
from dstill.parts import Executor
from dstill.records import SCHEMA_VERSION, Example, Record
from dstill.task import Task

if TYPE_CHECKING:
    from dstill.folder import RunFolder
    from dstill.run import Run

__all__ = ["FILE", "Learnt", "can_tell", "context_of", "drift", "keep", "learnt_by"]

FILE = "data.json"  # in the student's folder


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """What a student was trained on."""

    task: str = ""  # its name; empty: not known
    context: Mapping[str, Any] = field(default_factory=dict)  # of its questions
    data: Mapping[str, Any] = field(default_factory=dict)  # `Task.facts` of them; empty: not known


def keep(run: Run, folder: Path, records: Sequence[Record]) -> None:
    """Write what `records` are about beside the student that was trained on them."""
    of_training = run.task.facts([record.example for record in records])
    # what was seen when the dataset was made, before what is said of it now
    made_from = run.manifest["stages"].get("generate", {}).get("data", {})
    data = {name: made_from.get(name, facts) for name, facts in of_training.items()} or made_from
    kept = {"schema_version": SCHEMA_VERSION, "task": run.task.name, "context": context_of(run), "data": data}
    write_text(folder / FILE, json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def context_of(run: Run) -> Mapping[str, Any]:
    """What the run's own examples have beside the question; of a run without any, what its student had."""
    records = (r.context for split in ("test", "train") for r in run.records(split))
    return next(records, None) or learnt_by(run).context


def learnt_by(run: RunFolder) -> Learnt:
    """Of a student from before there was such a file, what its dataset was made from. Raises DataError."""
    file = run.folder / "student" / FILE
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Learnt(task=str(kept["task"]), context=dict(kept["context"]), data=dict(kept["data"]))
    except FileNotFoundError:
        return Learnt(data=run.manifest["stages"].get("generate", {}).get("data", {}))
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
            told += task.drift(learnt.data, now)
    return tuple(dict.fromkeys(told))


def can_tell(task: Task, learnt: Learnt, executor: Executor | None) -> bool:
    """Whether anything is known of the data now, so that no `drift` means that all is there."""
    return any(True for _ in _now(task, learnt, executor))


def _now(task: Task, learnt: Learnt, executor: Executor | None) -> Iterator[Mapping[str, Any]]:
    """What is known of the data now, by those who know something."""
    if not learnt.data:
        return
    example = Example(id="", question="", context=learnt.context)
    for look in (task.facts, executor.facts) if executor is not None else (task.facts,):
        with contextlib.suppress(DstillError):
            if now := look([example]):
                yield now
