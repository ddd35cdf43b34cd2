r"""The dataset's card: a README.md with the front matter that `datasets.load_dataset(folder)` reads.

    dataset_card("mine", task, dataset, source, cost)    "---\nconfigs:\n- config_name: default\n  data_files:\n …"

The front matter names the splits and the types of the columns. Without the types, the library would read a column of
texts that look like numbers as numbers. It still adds a time of day to a column of texts that are all dates.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from dstill.api.protocols import DataProfile
from dstill.api.records import Record
from dstill.api.task import Task
from dstill.inputs import given
from dstill.io.cards import card, cell, table
from dstill.io.spool import View
from dstill.stages.generate.curate import Dataset, LabelSource
from dstill.teacher.cost import ReplyCost, summary_lines

__all__ = ["COLUMNS", "configs", "dataset_card", "prompt_version"]

COLUMNS = {"schema_version": "int64", **dict.fromkeys(Record.__dataclass_fields__, "string")}
UNKNOWN = "unknown"
LENGTHS = ("question", "rationale", "answer")
_INTRODUCTION = """\
`answer` and `rationale` are text as the teacher wrote them. If `teacher` is empty, the answer came with the question.
`context` says what a question is about, and `extra` holds columns of a user's own: both are JSON text, as their form
differs from row to row.

    from datasets import load_dataset

    load_dataset("dataset")["train"][0]["answer"]"""


def dataset_card(
    name: str,
    task: Task,
    dataset: Dataset,
    source: LabelSource,
    cost: ReplyCost | None,
    *,
    origin: Mapping[str, str] | None = None,
) -> str:
    """The text of the card of run `name`.

    `cost`: of the replies; None: they were free. `origin`: `dstill.inputs.hub_datasets.origin` of the questions.
    """
    counts, records = dataset.counts, dataset.records
    licences = dict(DataProfile.of(task).licences(View(attrgetter("example"), records))) or {task.name: UNKNOWN}
    if origin:
        licences[f"questions from {origin['questions']}"] = origin["licence"]
    known = UNKNOWN not in licences.values()
    front = [
        *configs({"default": ("data", list(counts.splits))}, {"default": COLUMNS}),
        f"license: {'other' if known else UNKNOWN}",
    ]
    lines = [
        "",
        f"Questions with rationale and answer for the task `{task.name}`, checked by dstill. "
        f"{_by(source, some_given=counts.labels.get('kept', 0))}.",
        f"Prompt version: {prompt_version(task)}.",
        "",
        f"{counts.accepted} of {counts.questions} questions were accepted "
        f"({counts.accepted / max(1, counts.questions):.1%}), {counts.rejected} rejected.",
        *given.summary_lines(counts.labels),
        *summary_lines(cost),
        *table(("split", "#rows"), counts.splits.items()),
        *table(("category", "#rows"), counts.categories.items()),
        *table(("rejected for", "#rows"), counts.rejections.items()),
        *table(("text", "#mean length in characters"), _lengths(records)),
        *table(("data", "licence"), sorted(licences.items())),
        "",
        f"The licences apply to the data that the questions are {'from or about' if origin else 'about'}. Text that a "
        "model wrote is subject to the terms of the model's provider.",
        "",
        _INTRODUCTION,
    ]
    return card(front, name, lines)


def configs(files: Mapping[str, tuple[str, Sequence[str]]], columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Lines of front matter: for each configuration its folder and splits, and the types of its columns."""
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
    """The type ``list of role content`` is a list of objects with these text fields."""
    if not type_.startswith("list of "):
        return [f"    dtype: {type_}"]
    inner = [line for name in type_.split()[2:] for line in (f"    - name: {name}", "      dtype: string")]
    return ["    list:", *inner]


def prompt_version(task: Task) -> str:
    """The version of the task, and a digest of its instructions."""
    digest = hashlib.sha256(task.instructions.encode()).hexdigest()[:12]
    return f"{task.version}, instructions {digest}"


def _by(source: LabelSource, *, some_given: int) -> str:
    models = ", ".join(f"`{cell(model)}` ({n})" for model, n in source.models.items())
    teacher = f"the teacher `{source.teacher}`" + (f", model {models}" if models else "")
    given_ones = ", except for answers that came with the questions" if some_given else ""
    return f"Written by {teacher}{given_ones}"


def _lengths(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    totals = Counter[str]()
    for record in records:
        for name in LENGTHS:
            totals[name] += len(getattr(record, name))
    for name in LENGTHS if records else ():
        yield name, f"{totals[name] / len(records):.1f}"
