"""The dataset's card: a README.md with the front matter by which `datasets.load_dataset(folder)` finds the splits.

    dataset_card("mine", task, facts, records)    "---\nconfigs:\n- config_name: default\n  data_files:\n …"

The front matter also says what the columns are: read without, a column whose texts all look like numbers or dates
would be taken for those. Of texts that all are dates the library still writes the time of day behind them.
"""

from __future__ import annotations

import hashlib
import statistics
from typing import Any, Iterator, Mapping, Sequence

from dstill.api.protocols import DataProfile
from dstill.api.records import Record
from dstill.api.task import Task
from dstill.io.cards import card, cell, table
from dstill.teacher.cost import summary_lines

__all__ = ["COLUMNS", "configs", "dataset_card", "prompt_version"]

COLUMNS = {"schema_version": "int64", **dict.fromkeys(Record.__dataclass_fields__, "string")}
UNKNOWN = "unknown"
_ABOUT = """\
`answer` and `rationale` are text as the teacher wrote them. `context` says what a question is about, and `extra` holds
columns of a user's own: both are JSON text, as their form differs from row to row.

    from datasets import load_dataset

    load_dataset("dataset")["train"][0]["answer"]"""


def dataset_card(name: str, task: Task, facts: Mapping[str, Any], records: Sequence[Record]) -> str:
    """The card's text. `facts` are the counts of `Run.generate`, `records` the rows of the dataset."""
    splits: Mapping[str, int] = facts["splits"]
    licences = dict(DataProfile.of(task).licences([record.example for record in records])) or {task.name: UNKNOWN}
    known = UNKNOWN not in licences.values()
    front = [
        *configs({"default": ("data", list(splits))}, {"default": COLUMNS}),
        f"license: {'other' if known else UNKNOWN}",
    ]
    lines = [
        "",
        f"Questions with rationale and answer for the task `{task.name}`, written by {_by(facts)}, checked by dstill.",
        f"Prompt version: {prompt_version(task)}.",
        "",
        f"{facts['accepted']} of {facts['questions']} questions were accepted "
        f"({facts['accepted'] / max(1, facts['questions']):.1%}), {facts['rejected']} rejected.",
        *summary_lines(facts.get("cost") or {}),
        *table(("split", "#rows"), splits.items()),
        *table(("category", "#rows"), facts["categories"].items()),
        *table(("rejected for", "#rows"), facts["rejections"].items()),
        *table(("text", "#mean length in characters"), _lengths(records)),
        *table(("data", "licence"), sorted(licences.items())),
        "",
        "The licences are those of the data that the questions are about; what a model wrote is under the terms of "
        "whoever runs it.",
        "",
        _ABOUT,
    ]
    return card(front, name, lines)


def configs(files: Mapping[str, tuple[str, Sequence[str]]], columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Front matter: of each configuration the folder with its splits' files, and the types of its columns."""
    lines = ["configs:"]
    for config, (folder, splits) in files.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {folder}/{split}.jsonl"]
    lines.append("dataset_info:")
    for config, types in columns.items():
        lines += [f"- config_name: {config}", "  features:"]
        for name, type_ in types.items():
            lines += [f"  - name: {name}", *_feature(type_)]
    return lines


def _feature(type_: str) -> list[str]:
    """``list of role content``: a list of objects with these texts."""
    if not type_.startswith("list of "):
        return [f"    dtype: {type_}"]
    inner = [line for name in type_.split()[2:] for line in (f"    - name: {name}", "      dtype: string")]
    return ["    list:", *inner]


def prompt_version(task: Task) -> str:
    """The task's own version, and a digest of its instructions: whatever changes these changes the digest."""
    digest = hashlib.sha256(task.instructions.encode()).hexdigest()[:12]
    return f"{task.version}, instructions {digest}"


def _by(facts: Mapping[str, Any]) -> str:
    models = ", ".join(f"`{cell(model)}` ({n})" for model, n in (facts.get("models") or {}).items())
    return f"the teacher `{facts['teacher']}`" + (f", model {models}" if models else "")


def _lengths(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    for name in ("question", "rationale", "answer"):
        if records:
            yield name, f"{statistics.fmean(len(getattr(record, name)) for record in records):.1f}"
