"""A marked key is in no byte of what dstill writes or prints, whoever repeats it: the teacher, the engine, an error.

Looked for as it is, as JSON has it once and twice, as a URL has it, and in base64.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.fault_table import sum_of
from support.kill.children import Children, python_path
from support.loopback_server import Asked, serving
from support.loopback_teacher import LoopbackTeacher, Messages, Say, error, question_in, raw
from support.sizes import first_quick

from dstill.io import secrets

KEY = 'sk-canary/"0123+456=\\789abcdef'  # signs that JSON and URLs write otherwise
ENGINE_KEY = "engine-canary-'0123456789'"
LOGIN = "elastic:pass-canary-0123456789"

# An executor that has a key and repeats it in everything it says.
ENGINE = """
from dstill import hookimpl
from dstill.errors import ServiceError
from dstill.api.engine import CheckResult
from dstill.api.records import Outcome, OutcomeKind
from dstill.io.secrets import Secret
from support.toy import Abacus, Toy

class Guarded(Abacus):
    "Wants a key."
    name = "guarded"

    def open(self, task, engine):
        self.key = Secret.from_environment(engine.api_key_env, "the abacus")
        return super().open(task, engine)

    def execute(self, answer, example):
        if "12" in answer:
            return Outcome(kind=OutcomeKind.INVALID, reason=f"denied to {self.key.reveal()}")
        return super().execute(answer, example)

    def self_check(self):
        key = self.key.reveal()
        problem = ServiceError(f"no entry for {key}", where=key, hint=f"not {key}")
        yield CheckResult(name="beads", found=f"opened by {key}", advice=f"hide {key}", problem=problem)

class Locked(Toy):
    "Sums behind a key."
    name = "locked"
    executors = ("guarded",)

@hookimpl
def register_tasks():
    yield Locked

@hookimpl
def register_executors():
    yield Guarded
"""


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What this test makes known as secret is not known to the others."""
    before = set(secrets._known)
    yield
    secrets._known.intersection_update(before)


def spellings(key: str) -> set[str]:
    once = json.dumps(key)[1:-1]
    in_base64 = base64.b64encode(key.encode()).decode().rstrip("=")
    return {key, once, json.dumps(once)[1:-1], quote(key, safe=""), in_base64}


def spellings_in(what: str, content: bytes) -> Iterator[str]:
    for key in (KEY, ENGINE_KEY, LOGIN, LOGIN.partition(":")[2]):
        for spelling in spellings(key):
            if spelling.encode() in content:
                yield f"{what}: {spelling}"


def echo_keys(messages: Messages) -> str:
    """Right replies whose rationale has the key in every spelling; one answer is the key."""
    asked = question_in(messages)[0]
    if any(pair in asked for pair in ("3 and 3", "3 and 4")):  # two of each: a 400 takes the question that comes first
        return f"<rationale>it is so</rationale><answer>{KEY}</answer>"
    if any(pair in asked for pair in ("2 and 3", "2 and 4")):
        return f"my key is {KEY}"
    return sum_of(messages).replace("together", f"together, says {' '.join(sorted(spellings(KEY)))}")


QUESTIONS = [f"add {a} and {b}" for a in range(1, 6) for b in (1, 3, 4, 12)]
ECHOES = [
    error(500, f"bad key {KEY}"),
    error(429, f"slow down, {KEY}", headers={"retry-after": "0"}),
    error(400, f"not for {KEY}", code=KEY),
    raw({"error": {"message": base64.b64encode(KEY.encode()).decode(), "code": 500}}),
    Say(body=f"<p>{KEY}</p>".encode(), status=502, headers={"content-type": "text/html"}),
]


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: bytes
    stderr: bytes


RunDstill = Callable[..., Ended]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as made:
        yield made


@pytest.fixture
def run_dstill(project: Path, root: Path, children: Children) -> RunDstill:
    """Runs a command with the keys in its environment; its output must hold none of them."""
    (project / "locked.py").write_text(ENGINE)
    environment = {
        **os.environ,
        "OPENAI_API_KEY": KEY,
        "ENGINE_KEY": ENGINE_KEY,
        "LOGIN": LOGIN,
        "DSTILL_DISABLE": "finetune,ray,sweep,torch",
        "PYTHONPATH": python_path(),
    }
    plugins = ["--plugin", str(root / "tests" / "support" / "toy.py"), "--plugin", "locked.py"]

    def run(*words: str) -> Ended:
        children.begin(["--debug", *plugins, *words], cwd=project, env=environment)
        status = children.end()
        out, err = project / "out.txt", project / "err.txt"
        ended = Ended(os.waitstatus_to_exitcode(status), out.read_bytes(), err.read_bytes())
        for file in (out, err):
            file.unlink()
        assert list(spellings_in(f"dstill {' '.join(words)}", ended.stdout + ended.stderr)) == []
        return ended

    return run


@pytest.mark.slow
def test_no_output_contains_key(project: Path, run_dstill: RunDstill) -> None:
    rows = [{"id": f"q{n}", "question": text, "split": "train"} for n, text in enumerate(QUESTIONS)]
    held_out = [{"id": f"t{n}", "question": f"add {n} and 9", "answer": f"{n}+9", "split": "test"} for n in (1, 2)]
    (project / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*rows, *held_out]))
    with LoopbackTeacher(reply_to=echo_keys, script=ECHOES) as server:
        assert run_dstill("init", "--task", "locked").returncode == 0
        settings = {
            "generate.teacher": "openai",
            "generate.questions": "questions.jsonl",
            "teacher.openai.base_url": server.base_url,
            "teacher.openai.model": "toy",
            "engine.api_key_env": "ENGINE_KEY",
            "train.student": "memory",
            "train.objective": "plain",
        }
        given = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        made = run_dstill("generate", "--task", "locked", "--out", "run", "--json", *given)
        assert made.returncode in (0, 3), made.stderr.decode()
        facts = json.loads(made.stdout.splitlines()[-1])
        assert facts["accepted"] > 10
        assert {"not_parseable", "not_a_sum", "bad_request", "invalid"} <= facts["rejections"].keys()
        assert KEY in server.keys[0]
        for words in (
            ["train", "run", "--allow-unreviewed"],
            ["evaluate", "run"],
            ["report", "run"],
            ["runs", "trace", "run", "q0"],
            ["runs", "trace", "run", "q2", "--json"],
            ["predict", "run", "add 1 and 12", "--execute"],
            ["doctor", "--task", "locked", "--set", "engine.api_key_env=ENGINE_KEY"],
            ["doctor", "--task", "locked", "--set", "engine.api_key_env=ENGINE_KEY", "--json"],
        ):
            ended = run_dstill(*words)
            assert ended.returncode != 1, ended.stderr.decode()  # a bug
    files = [path for path in project.rglob("*") if path.is_file()]
    assert {"run.json", "log.txt", "rejects.jsonl", "train.jsonl", "report.html"} <= {path.name for path in files}
    leaks = [leak for path in files for leak in spellings_in(str(path.relative_to(project)), path.read_bytes())]
    assert leaks == []
    assert "says " + "***" in (project / "run" / "dataset" / "data" / "train.jsonl").read_text()


@pytest.fixture
def echoing() -> Iterator[str]:
    """The address of something that answers every request with what it was sent, and 401."""

    def answer(asked: Asked) -> tuple[int, dict[str, str], Any]:
        sent = asked.headers.get("authorization", "")
        plain = base64.b64decode(sent.partition(" ")[2]).decode() if sent.startswith("Basic") else sent
        error = {"type": "security", "reason": f"denied: {sent} {plain}", "root_cause": []}
        return 401, {"x-elastic-product": "Elasticsearch"}, {"error": error, "status": 401}

    with serving(answer) as url:
        yield url


@pytest.mark.nightly
@pytest.mark.parametrize("setting", first_quick(["engine.api_key_env=OPENAI_API_KEY", "engine.basic_auth_env=LOGIN"]))
def test_hides_key_that_engine_repeats(project: Path, run_dstill: RunDstill, echoing: str, setting: str) -> None:
    engine = [
        "--task",
        "querydsl",
        "--set",
        f"engine.url={echoing}",
        "--set",
        "executor.http.index=logs",
        "--set",
        setting,
    ]
    for words in (["doctor", *engine], ["generate", *engine, "--teacher", "synthetic", "--out", "run"]):
        ended = run_dstill(*words)
        assert ended.returncode != 0
        assert re.search(rb"denied|401|reject|refused", ended.stdout + ended.stderr), ended.stderr.decode()
    for path in project.rglob("*"):
        if path.is_file():
            assert list(spellings_in(path.name, path.read_bytes())) == []
