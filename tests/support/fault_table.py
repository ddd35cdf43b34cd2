"""How `dstill generate` reacts to each fault of a teacher's endpoint, found by running it.

    for row in rows():
        row.fault, row.once, row.always      # "503", "1 retry, all rows accepted", "stops, exit 7: HOST …"

`once`: the first request fails, all later ones get a reply. `always`: every request fails. Backoff is a hundred times
as fast as usual; a pause that the endpoint requests is kept.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from support.faults import FAULTS
from support.loopback_teacher import LoopbackTeacher, Messages, Say, question_in

__all__ = ["Ran", "Row", "first", "generate", "rows", "run"]

TOY = Path(__file__).parent / "toy.py"
OTHERS = "querydsl,finetune,evaluate,report,sweep,ray,teachers,torch"
KEY = "sk-canary-0123456789abcdef"
QUESTIONS = ("add 1 and 2", "add 2 and 3")
SETTINGS = {
    "project.task": "toy",
    "generate.teacher": "openai",
    "generate.concurrency": 1,
    "generate.questions": "questions.jsonl",
    "teacher.openai.model": "toy",
    "teacher.openai.max_retries": 1,
    "teacher.openai.max_wait": 10.0,
    "teacher.openai.timeout": 10.0,  # long enough for a busy machine
}
# Shorter for an endpoint that never answers; in `once`, the next reply needs more time than that.
BRIEFLY: Mapping[str, Mapping[str, Any]] = {
    "once": {"teacher.openai.timeout": 2.0},
    "always": {"teacher.openai.timeout": 0.5},
}


@dataclass(frozen=True, kw_only=True)
class Row:
    fault: str
    once: str
    always: str


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How one `dstill generate` went."""

    code: int
    result: dict[str, Any]  # what --json says
    err: str
    requests: int
    folder: Path


def rows() -> Iterator[Row]:
    for name, fault in FAULTS.items():
        once, always = (BRIEFLY[when] if name == "no response" else {} for when in ("once", "always"))
        yield Row(
            fault=name,
            once=summary_of(run(first(fault), **once)),
            always=summary_of(run(iter(fault, None), QUESTIONS[:1], **always)),
        )


def first(fault: Callable[[], Say]) -> Iterator[Say]:
    """A script with only that fault, made when the request arrives, so that a date in it is not in the past."""
    yield fault()


def summary_of(ran: Ran) -> str:
    """What happened, in a few words."""
    if ran.code not in (0, 3) or "error" in ran.result:
        return f"stops, exit {ran.code}: {ran.result['error']['message']}"
    rejected = ", ".join(f"`{code}`" for code in ran.result["rejections"])
    retries = ran.requests - ran.result["questions"]
    tried = f"{retries} {'retry' if retries == 1 else 'retries'}" if retries else "no retry"
    waited = " after the requested pause" if re.search(r"next try in [1-9]", ran.err) else ""
    outcome = f"row rejected: {rejected}" if rejected else "all rows accepted"
    return f"{tried}{waited}, {outcome}" + (f", exit {ran.code}" if ran.code else "")


def run(script: Iterable[Say], questions: Iterable[str] = QUESTIONS, **settings: Any) -> Ran:
    with tempfile.TemporaryDirectory() as folder, LoopbackTeacher(reply_to=sum_of, script=script) as server:
        return generate(server, Path(folder), questions, **settings)


def generate(server: LoopbackTeacher, folder: Path, questions: Iterable[str], *words: str, **settings: Any) -> Ran:
    """The command in this process, in a project of its own."""
    rows = [{"id": f"q{n}", "question": question, "split": "train"} for n, question in enumerate(questions, start=1)]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = {**SETTINGS, **settings}
    # not in the file: dstill would ask whether to trust that address
    address = f"teacher.openai.base_url={given.pop('teacher.openai.base_url', server.base_url)}"
    (folder / "dstill.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items()))
    command = ("generate", "--out", "run", "--json", "--set", address, *words)
    code, out, err = called(folder, "--plugin", str(TOY), *command)
    hide: Callable[[str], str] = lambda text: text.replace(f"127.0.0.1:{server.port}", "HOST")  # noqa: E731
    result = json.loads(hide(out.splitlines()[-1])) if out else {}
    return Ran(code=code, result=result, err=hide(err), requests=len(server.requests), folder=folder)


def called(folder: Path, *argv: str) -> tuple[int, str, str]:
    """One command line in `folder`: exit code, stdout, stderr."""
    from dstill.cli import run as command

    kept = {name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")}
    environment = {**kept, "DSTILL_DISABLE": OTHERS, "OPENAI_API_KEY": KEY}
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch("dstill_openai.backoff.FIRST", 0.005),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = command(list(argv))
    return code, out.getvalue(), err.getvalue()


def sum_of(messages: Messages) -> str:
    """The right reply to a question of the toy's, as ``add 1 and 2``."""
    a, b = re.findall(r"add (\d+) and (\d+)", question_in(messages)[0])[-1]
    return f"<rationale>the numbers {a} and {b} together</rationale><answer>{a}+{b}</answer>"


def table() -> str:
    """All rows as Markdown; faults with the same outcome share one."""
    faults: dict[tuple[str, str], list[str]] = {}
    for row in rows():
        faults.setdefault((row.once, row.always if row.always != row.once else "the same"), []).append(row.fault)
    lines = ["| fault | once | at every request |", "| --- | --- | --- |"]
    return "\n".join(
        [*lines, *(f"| {'; '.join(names)} | {' | '.join(outcome)} |" for outcome, names in faults.items())]
    )
