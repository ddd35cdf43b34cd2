"""An index of the user's, from `init` to `evaluate`, as a user goes: commands, one after another, on a real server.

The server is Elasticsearch 9.2 behind a recording proxy. Its index holds events of GitHub's as they were put
in without a mapping: 889 fields, most of them text with a keyword sub-field. What the commands
ask for is in the proxy's record, and is nothing but reading.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engine_proxy import EngineProxy

from dstill.api.protocols import Linked

pytestmark = pytest.mark.live

CORPUS = Path(__file__).parents[3] / "shared" / "cases" / "corpora" / "gharchive.json"
INDEX = "gharchive"
# What the scoring client may ask; `init` and the stages need no more.
ALLOWED = {
    ("GET", "/"),
    ("GET", f"/{INDEX}/_mapping"),
    ("POST", f"/{INDEX}/_search"),
    ("POST", f"/{INDEX}/_count"),
    ("POST", f"/{INDEX}/_validate/query"),
    ("POST", f"/{INDEX}/_field_caps"),
    ("GET", f"/{INDEX}/_field_caps"),
}


def ask(url: str, method: str, body: bytes | None = None, kind: str = "application/json") -> Any:
    request = urllib.request.Request(url, body, {"content-type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


@pytest.fixture(scope="module")
def server(url_of: Callable[[str], str]) -> Iterator[str]:
    """The address of an Elasticsearch 9.2 that holds the index."""
    if not CORPUS.exists():
        pytest.skip(f"no {CORPUS.name}")
    url, documents = url_of("elasticsearch9"), json.loads(CORPUS.read_text())["docs"]
    settings = {"number_of_replicas": 0, "index.mapping.total_fields.limit": 2_000}
    ask(f"{url}/{INDEX}", "PUT", json.dumps({"settings": settings}).encode())
    lines = [json.dumps(line) for one in documents for line in ({"index": {"_id": one["_id"]}}, one["_source"])]
    bulk = ("\n".join(lines) + "\n").encode()
    assert ask(f"{url}/{INDEX}/_bulk?refresh=true", "POST", bulk, "application/x-ndjson")["errors"] is False
    yield url
    ask(f"{url}/{INDEX}", "DELETE")


@pytest.fixture
def proxy(server: str) -> Iterator[EngineProxy]:
    with EngineProxy(server) as running:
        yield running


class Project:
    """Commands in a folder, and how long each took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds = folder, {}  # type: ignore[var-annotated]

    def __call__(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")}
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "dstill", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=3000,
            env=environment | {"OMP_NUM_THREADS": "1"},
        )
        self.seconds[words[0]] = round(time.monotonic() - began, 1)
        assert ended.returncode in codes, f"{words}: {ended.stderr[-3000:]}"
        return ended.stdout


def assert_read_only(proxy: EngineProxy) -> None:
    assert proxy.paths <= ALLOWED, proxy.paths - ALLOWED
    assert {("GET", "/"), ("GET", f"/{INDEX}/_mapping"), ("POST", f"/{INDEX}/_search")} <= proxy.paths


def test_init_reads_wide_index_and_lists_omitted_fields(proxy: EngineProxy, tmp_path: Path) -> None:
    said = Project(tmp_path)("init", "--engine-url", proxy.url, "--index", INDEX, "--out", "mine")
    assert_read_only(proxy)
    assert "read from Elasticsearch 9.2.0: 'gharchive', 100 documents, 889 fields" in said
    assert re.search(r"values of 9\d fields are in values.json", said)
    assert re.search(r"no values \(in fewer documents\): payload\..* and 4\d\d more", said)
    assert "questions use the first 40 of these (task.querydsl.question_fields)" in said
    assert "the newest date is 2015-02-01T00:00:16.000Z" in said
    toml = tomllib.loads((tmp_path / "mine" / "dstill.toml").read_text())
    assert toml["task"]["querydsl"]["index"] == toml["executor"]["http"]["index"] == INDEX
    assert toml["task"]["querydsl"]["dialect"] == "elasticsearch9"
    values = json.loads((tmp_path / "mine" / "values.json").read_text())
    assert values["public"] == [True]
    assert values["type.keyword"][0] == "PushEvent"
    assert values["created_at"] == {"min": "2015-02-01T00:00:00.000Z", "max": "2015-02-01T00:00:16.000Z"}
    assert list(values)[:5] == ["actor.id", "created_at", "public", "repo.id", "type.keyword"]
    apart = json.loads((tmp_path / "mine" / "mapping.json").read_text())["_meta"]["fields_apart"]
    assert "payload.push_id" in apart["payload.comment.id"]  # a push is no comment
    # without text_sample_size no request brings a document: counts, values and bounds of fields alone
    assert all(one.json["size"] == 0 for one in proxy.asked if one.path == f"/{INDEX}/_search")


def test_no_request_names_denied_field(proxy: EngineProxy, tmp_path: Path) -> None:
    denied = 'task.querydsl.guard.fields=["*", "!*email*", "!actor"]'
    said = Project(tmp_path)("init", "--engine-url", proxy.url, "--index", INDEX, "--set", denied)
    assert "no values (denied by guard.fields): actor.avatar_url" in said
    asked = b"".join(one.body for one in proxy.asked)
    assert b"email" not in asked
    assert b'"actor.' not in asked
    assert b'"repo.name.keyword"' in asked
    toml = tomllib.loads((tmp_path / "dstill.toml").read_text())
    assert toml["task"]["querydsl"]["guard"]["fields"] == ["*", "!*email*", "!actor"]


def train_and_evaluate(project: Project, *sets: str) -> dict[str, Any]:
    """The last line of `evaluate`, after `generate` and `train`."""
    more = [word for one in sets for word in ("--set", one)]
    project("generate", "--out", "runs/first", *more)
    project("train", "runs/first")
    return json.loads(project("evaluate", "runs/first", "--json").splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.nightly
def test_init_to_evaluate_small(proxy: EngineProxy, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project("init", "--engine-url", proxy.url, "--index", INDEX)
    small = ("task.querydsl.n_questions=90", "train.max_steps=2", 'evaluate.splits=["test", "test_unseen_templates"]')
    summary = train_and_evaluate(project, *small, "task.querydsl.question_fields=12", "evaluate.baselines=[]")
    assert_read_only(proxy)
    assert summary["engine"] == "Elasticsearch 9.2.0"
    assert summary["n"] >= 3
    assert_doctor_passes(project)
    print(project.seconds)


@pytest.mark.nightly
def test_init_to_evaluate(proxy: EngineProxy, tmp_path: Path) -> None:
    project = Project(tmp_path)
    project("init", "--engine-url", proxy.url, "--index", INDEX)
    summary = train_and_evaluate(project)
    assert_read_only(proxy)
    print(project.seconds, summary)
    assert summary["engine"] == "Elasticsearch 9.2.0"
    assert summary["n"] >= 50
    assert summary["executable_accuracy"] > summary["untrained"]
    assert_doctor_passes(project)


def assert_doctor_passes(project: Project) -> None:
    doctor = project("doctor")
    assert "unchanged" in doctor
    assert "10 of 10 right" in doctor


@pytest.fixture
def student(tmp_path: Path) -> str:
    """A student with random weights, which keeps to what the form allows."""
    import torch

    from dstill_linked.model import LinkedModel
    from dstill_linked.saving import LinkedFacts, write_student
    from dstill_linked.student import LinkedConfig, LinkedStudent
    from dstill_linked.vocabulary import Vocabulary
    from dstill_querydsl.pack import QueryDsl

    kind = LinkedStudent(LinkedConfig(width=32, heads=2, encoder_layers=1, decoder_layers=1, hidden=64, longest=48))
    kind.form = Linked.of(QueryDsl()).form()
    vocabulary = Vocabulary.of(kind.form)
    torch.manual_seed(1)
    facts = LinkedFacts(
        shape=kind.shape.to_json(),
        tokens=vocabulary.tokens,
        features=vocabulary.features,
        branches=("predict: ",),
        modality="full",
        seed=1,
        max_length=1024,
        max_target_length=128,
        threads=1,
        known_errors="its weights are random",
    )
    write_student(tmp_path / "base", LinkedModel(kind.shape).state_dict(), facts)
    return f"linked:{tmp_path / 'base'}"


def test_ask_only_reads_and_leaves_nothing(proxy: EngineProxy, student: str, tmp_path: Path) -> None:
    words = ("ask", "--engine-url", proxy.url, "--index", INDEX, "--student", student, "--json")
    questions = ("how many push events", "\u6709\u591a\u5c11 PushEvent", "x " * 1_000)
    said = Project(tmp_path)(*words, *questions, codes=(0, 9))  # random answers may fail, and say so
    rows = [json.loads(line) for line in said.splitlines()]
    assert [row["question"] for row in rows] == [one.strip() for one in questions]
    assert all(row["refused"] or row["reason"] or row["outcome"] == "ok" for row in rows)
    assert_read_only(proxy)
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_adapt_leaves_a_project_and_continues(proxy: EngineProxy, student: str, tmp_path: Path) -> None:
    small = ("task.querydsl.n_questions=90", "task.querydsl.question_fields=12", "train.max_steps=2")
    sets = [word for one in (*small, 'evaluate.baselines=["untrained"]') for word in ("--set", one)]
    words = ("adapt", "--engine-url", proxy.url, "--index", INDEX, "--student", student, *sets)
    project = Project(tmp_path)
    said = project(*words)
    assert_read_only(proxy)
    assert re.search(r"^test: .* % before training → .* % after it$", said, re.MULTILINE)
    assert said.splitlines()[-3:][0] == f"  cd {INDEX}"
    toml = tomllib.loads((tmp_path / INDEX / "dstill.toml").read_text())
    assert toml["train"]["student"] == student
    trained = json.loads((tmp_path / INDEX / "runs/adapted/run.json").read_text())["stages"]["train"]
    summary = json.loads(project(*words, "--json").splitlines()[-1])
    assert summary["run"] == f"{INDEX}/runs/adapted"
    again = json.loads((tmp_path / INDEX / "runs/adapted/run.json").read_text())["stages"]["train"]
    assert again == trained
    assert Project(tmp_path / INDEX)("ask", "--student", "runs/adapted", "--json", "how many events", codes=(0, 9))
