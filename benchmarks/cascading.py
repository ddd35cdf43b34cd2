"""The cascade of a run's student and a scripted large model of known accuracy, as docs/confidence.md shows it.

    dstill demo --out r1 && PYTHONPATH=tests python -m benchmarks.cascading r1

The model is a server on loopback: it gives the reference answer to nine questions in ten, and to each other one the
reference answer to another question about the same data, which mostly runs and is wrong. Which questions these are
depends on their text alone. A reply takes one second and costs $0.40 and $1.60 per million tokens of prompt and reply,
where four characters are a token. The run is evaluated again; the table is printed by `dstill evaluate`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.loopback_teacher import LoopbackTeacher, Say, raw

from dstill import Run
from dstill.api.records import Record
from dstill.api.task import data_of

ACCURACY = 0.9
SECONDS = 1.0
PRICES = (0.4, 1.6)  # US dollars per million tokens of prompt and reply
MODEL = "scripted"
CHARACTERS = 4  # of a token


def replies(run: Run, splits: Sequence[str]) -> dict[str, str]:
    """Question → what the model says."""
    said: dict[str, str] = {}
    for split in splits:
        rows = run.records(split)
        for n, row in enumerate(rows):
            others = (rows[(n + step) % len(rows)] for step in range(1, len(rows)))
            given = row if _is_right(row.question) else next(other for other in others if _differs(run, row, other))
            said[row.question] = f"<rationale>{given.rationale}</rationale><answer>{given.answer}</answer>"
    return said


def _is_right(question: str) -> bool:
    return int.from_bytes(hashlib.sha256(question.encode()).digest()[:8]) / 2**64 < ACCURACY


def _differs(run: Run, row: Record, other: Record) -> bool:
    task = run.task
    return data_of(task, row) == data_of(task, other) and task.canonical(row.answer) != task.canonical(other.answer)


def completion(said: Mapping[str, str], body: Mapping[str, Any]) -> Say:
    """The reply to a request, with its tokens."""
    asked = body["messages"][-1]["content"]
    text = next(said[question] for question in sorted(said, key=len, reverse=True) if question in asked)
    read = sum(len(message["content"]) for message in body["messages"]) // CHARACTERS
    usage = {"prompt_tokens": read, "completion_tokens": len(text) // CHARACTERS}
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return raw(
        {"id": "c", "object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}, delay=SECONDS
    )


def main() -> None:
    run = Run.open(sys.argv[1])
    said = replies(run, run.settings.evaluate.splits)
    with LoopbackTeacher(refuse=lambda body: completion(said, body)) as server:
        settings = {
            "teacher.openai.base_url": server.base_url,
            "teacher.openai.api_key_env": "",
            "teacher.openai.prices": f"{{{MODEL} = [{PRICES[0]}, {PRICES[1]}]}}",
            "generate.concurrency": "16",
        }
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        command = ["-m", "dstill", "evaluate", sys.argv[1], "--baseline", f"openai:{MODEL}", *words]
        subprocess.run([sys.executable, *command], check=True, cwd=Path.cwd(), env=os.environ)


if __name__ == "__main__":
    main()
