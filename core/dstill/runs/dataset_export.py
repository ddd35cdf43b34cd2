r"""A run's dataset in the formats of other trainers: ``dstill data export RUN``.

    export(run)                     {"train": 6000, "validation": 300, …}, and in the run's folder:

    export/messages/train.jsonl            {"id": …, "messages": [{"role": "user", "content": "…"}, …]}
    export/prompt-completion/train.jsonl   {"id": …, "prompt": "…\n", "completion": "…"}
    export/dataset_info.json               lists the files for LLaMA-Factory
    export/README.md                       lists the files for `datasets.load_dataset(folder, "messages")`

The prompt is what a dstill student reads. The completion is what a teacher writes (rationale and answer in the format
of the task), or the answer alone. Rows are exported after the review.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dstill.api.records import SPLITS, Message, Record, Row
from dstill.errors import RunError
from dstill.io.cards import card, table
from dstill.io.shell import command
from dstill.runs.folder import EXPORT
from dstill.runs.run import Run
from dstill.stages.generate.dataset_card import configs, prompt_version

__all__ = ["FORMS", "export"]

# Column types in the names of `datasets`.
_COLUMNS = {
    "messages": {"messages": "list of role content"},
    "prompt-completion": {"prompt": "string", "completion": "string"},
}
# Entries of the dataset_info.json of LLaMA-Factory.
_DESCRIPTIONS: Mapping[str, Mapping[str, Any]] = {
    "messages": {
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
    },
    "prompt-completion": {"formatting": "alpaca", "columns": {"prompt": "prompt", "response": "completion"}},
}


@dataclass(frozen=True, kw_only=True)
class Conversation(Row):
    """A row of the format ``messages``."""

    id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, kw_only=True)
class Completion(Row):
    """A row of the format ``prompt-completion``."""

    id: str
    prompt: str
    completion: str


def _conversation(id: str, prompt: str, reply: str) -> Row:
    messages = (Message(role="user", content=prompt), Message(role="assistant", content=reply))
    return Conversation(id=id, messages=messages)


def _completion(id: str, prompt: str, reply: str) -> Row:
    # the prompt ends in a line break, because trainers concatenate prompt and completion
    return Completion(id=id, prompt=f"{prompt}\n", completion=reply)


FORMS: Mapping[str, Callable[[str, str, str], Row]] = {"messages": _conversation, "prompt-completion": _completion}


def export(run: Run, *, rationales: bool = True) -> Mapping[str, int]:
    """Write every format of every split. Returns the rows of each split. Raises RunError when there is no dataset.

    `rationales`: replies have the rationale before the answer.
    """
    with run.stage("export-data") as facts:
        splits = {split: records for split in SPLITS if (records := run.records(split))}
        if not splits:
            raise RunError(
                "the run has no dataset to export", where=str(run.folder), hint=command("generate", "--out", run.folder)
            )
        for name, form in FORMS.items():
            for split in SPLITS:
                file = f"{EXPORT}{name}/{split}.jsonl"
                if split in splits:
                    run.write(file, _rows(run, splits[split], form, rationales))
                else:
                    run.discard(file)
        counts = {split: len(records) for split, records in splits.items()}
        facts.update(splits=counts, rationales=rationales)
        run.write_file(f"{EXPORT}dataset_info.json", _dataset_info(run.name, counts))
        run.write_file(f"{EXPORT}README.md", _card(run, counts, rationales))
    return counts


def _rows(run: Run, records: Iterable[Record], form: Callable[[str, str, str], Row], rationales: bool) -> Iterable[Row]:
    for record in records:
        reply = run.task.reply_text(record.rationale, record.answer) if rationales else record.answer
        yield form(record.id, run.task.model_input(record.example), reply)


def _dataset_info(name: str, counts: Mapping[str, int]) -> str:
    entries = {
        f"{name}-{form}-{split}": {"file_name": f"{form}/{split}.jsonl", **about}
        for form, about in _DESCRIPTIONS.items()
        for split in counts
    }
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def _card(run: Run, counts: Mapping[str, int], rationales: bool) -> str:
    files = {form: (form, list(counts)) for form in FORMS}
    columns = {form: {"schema_version": "int64", "id": "string", **types} for form, types in _COLUMNS.items()}
    what = "rationale and answer" if rationales else "answer"
    lines = [
        "",
        f"Questions of the task `{run.task.name}` and their {what}, as `messages` and as `prompt` and `completion`.",
        f"Prompt version: {prompt_version(run.task)}. The dataset itself, with its card, is in `../dataset`.",
        *table(("split", "#rows"), counts.items()),
    ]
    return card(configs(files, columns), f"{run.name}, to train on", lines)
