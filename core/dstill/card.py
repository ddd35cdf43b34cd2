"""The dataset's card: a README.md with the front matter by which `datasets.load_dataset(folder)` finds the splits."""

from __future__ import annotations

from typing import Any, Mapping

from dstill.task import Task

__all__ = ["dataset_card"]


def dataset_card(name: str, task: Task, facts: Mapping[str, Any]) -> str:
    """The card's text. `facts` are the counts of `Run.generate`."""
    splits: Mapping[str, int] = facts["splits"]
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: data/{split}.jsonl"]
    lines += [
        "---",
        "",
        f"# {name}",
        "",
        f"Questions with rationale and answer for the task `{task.name}` (version {task.version}), "
        f"written by the teacher `{facts['teacher']}` and checked by dstill.",
        "",
        f"{facts['accepted']} of {facts['questions']} questions were accepted, {facts['rejected']} rejected.",
        "",
        "| split | rows |",
        "| --- | ---: |",
        *(f"| {split} | {n} |" for split, n in splits.items()),
    ]
    for title, counts in (("category", facts["categories"]), ("rejected for", facts["rejections"])):
        if counts:
            lines += ["", f"| {title} | rows |", "| --- | ---: |", *(f"| {k} | {n} |" for k, n in counts.items())]
    lines += ["", "`answer` and `rationale` are text as the teacher wrote them; `context` says what they are about."]
    return "\n".join(lines) + "\n"
