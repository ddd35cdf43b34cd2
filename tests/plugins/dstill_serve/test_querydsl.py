"""The Query DSL pack behind `dstill serve`: real bodies, the real guard, real hits, and a deleted mapping.

The student is the clerk of `support/shop.py`: only the server is tested here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.installed import entry_points
from support.kill.children import python_path
from support.signed import KEY, signed

from dstill import config, plugins
from dstill.api.protocols import Synthesis
from dstill.api.records import Example, Record
from dstill.runs.folder import data_file
from dstill.runs.run import Run
from dstill_querydsl.pack import QueryDsl

ENABLED_PLUGINS = {"querydsl", "serve", "teachers"}
MAPPING = {"properties": {"level": {"type": "keyword"}, "took": {"type": "long"}}}
HOSTILE = '{"query":{"script":{"script":{"source":"while (true) {}"}}}}'
UNKNOWN = '{"query":{"term":{"http.response.status":404}}}'


@pytest.fixture
def make_run(project: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """``make_run([example, …], **settings)``: a run whose student memorized these examples."""
    others = {point.name for point in entry_points(group="dstill")} - ENABLED_PLUGINS
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(sorted(others)))

    def make(examples: list[Example], **settings: Any) -> Run:
        loaded = plugins.load([root / "tests" / "support" / "shop.py"])
        flags = {
            "project.task": "querydsl",
            "train.student": "clerk",
            "train.objective": "both",
            "evaluate.baselines": [],
            "review.required": "never",
            "task.querydsl.documents": 300,
            **{key.replace("__", "."): value for key, value in settings.items()},
        }
        made = config.load(use_files=False, flags=flags, sections=plugins.part_sections(loaded))
        run = Run.create(project / "tea", config=made, plugins=loaded)
        rows = [
            Record(id=e.id, question=e.question, rationale="so it is", answer=e.answer or "", context=e.context,
                   category=e.category, template=e.template)
            for e in examples
        ]  # fmt: skip
        run.write(data_file("train"), rows)
        run.write(data_file("test"), [Record(**{**vars(row), "split": "test", "id": f"t{row.id}"}) for row in rows])
        run.save()
        run.train()
        return run

    return make


@pytest.fixture
def weblogs(make_run: Callable[..., Run]) -> Run:
    asked = list(Synthesis.of(QueryDsl()).synthesize({"index": "weblogs"}, 30, 3))
    bad = [
        Example(id=f"bad-{n}", question=f"bad {n}", answer=answer, context={"index": "weblogs"})
        for n, answer in enumerate((HOSTILE, UNKNOWN))
    ]
    return make_run([*asked, *bad])


def test_answers_are_checked_and_executed(weblogs: Run, serve_in_thread: Callable[..., Any]) -> None:
    server = serve_in_thread(weblogs)
    outcomes = []
    for record in weblogs.records("train")[:30]:
        row = server.query(record.question, execute=True, index="weblogs").json
        assert row["value"] == json.loads(record.answer)
        outcomes.append(row.get("outcome", "refused"))
        if row.get("outcome") == "ok":
            assert row["shown"]
            assert row["tables"]
    assert outcomes.count("ok") > 20
    assert set(outcomes) <= {"ok", "refused", "unsupported"}
    guarded, unknown = server.query("bad 0", execute=True).json, server.query("bad 1", execute=True).json
    assert (guarded["ok"], guarded["problems"][-1]["layer"]) == (False, "guard")
    assert "outcome" not in guarded
    assert unknown["problems"][0]["code"] == "unknown_field"
    about = server("GET", "/v1/about").json
    assert [layer["name"] for layer in about["layers"]] == ["json", "schema", "mapping", "sense", "guard"]
    fields = dict(about["data"]["weblogs"]["fields"])
    assert fields["http.response.status_code"].startswith("integer")


def run_with_own_mapping(make_run: Callable[..., Run]) -> Run:
    Path("mapping.json").write_text(json.dumps(MAPPING))
    example = Example(
        id="1", question="errors?", answer='{"query":{"term":{"level":"error"}}}', context={"index": "logs"}
    )
    mapping = str(Path("mapping.json").absolute())
    return make_run([example], task__querydsl__index="logs", task__querydsl__mapping=mapping)


def test_missing_mapping_is_an_error_before_the_server_starts(make_run: Callable[..., Run], root: Path) -> None:
    run = run_with_own_mapping(make_run)
    Path("mapping.json").unlink()
    support = root / "tests" / "support"
    # a separate process, because this one caches the file
    ended = subprocess.run(
        [sys.executable, "-m", "dstill", "--plugin", str(support / "shop.py"), "serve", str(run.folder), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": python_path()},
    )
    assert ended.returncode in (2, 4)
    assert "mapping.json" in ended.stderr
    assert "serving" not in ended.stderr


def test_mapping_deleted_while_serving_was_already_read(
    make_run: Callable[..., Run], serve_in_thread: Callable[..., Any]
) -> None:
    server = serve_in_thread(run_with_own_mapping(make_run), execute=False)
    Path("mapping.json").unlink()
    assert server.query("errors?").json["ok"]
    assert server("GET", "/v1/about").json["data"]["logs"]["fields"] == [["level", "keyword"], ["took", "long"]]


TOKEN = "a-token-of-the-tests-0123456789"
COUNT = '{"size":0,"track_total_hits":true}'


def test_answers_read_the_rows_of_their_caller(
    make_run: Callable[..., Run], serve_in_thread: Callable[..., Any]
) -> None:
    asked = [Example(id="1", question="how many?", answer=COUNT, context={"index": "weblogs"})]
    rows = {"weblogs": "http.request.method = {caller.method}"}
    server = serve_in_thread(make_run(asked, task__querydsl__guard__rows=rows), claims_key=KEY, token=TOKEN)

    def query(claims: dict[str, Any], **more: Any) -> Any:
        return server("POST", "/v1/query", {"question": "how many?", **more}, authorization=f"Bearer {signed(claims)}")

    counts = {}
    for method in ("GET", "POST", "NONE"):
        reply = query({"method": method}, execute=True).json
        counts[method] = reply["result"]["total"]["value"]
    assert 0 == counts["NONE"] < counts["POST"] < counts["GET"] < 300
    for claims in ({}, {"user": "x"}, {"method": ["GET", "POST"]}, {"method": {}}):
        reply = query(claims, execute=True)
        assert (reply.status, reply.error["code"]) == (403, "missing_claim")
        assert reply.error["message"] == "answers run for callers whose token has the claim method"
        assert query(claims).json["answer"] == COUNT  # which reads nothing
    plain = server("POST", "/v1/query", {"question": "how many?", "execute": True}, authorization=f"Bearer {TOKEN}")
    assert (plain.status, plain.error["code"]) == (403, "missing_claim")
    assert server("POST", "/v1/query", {"question": "how many?"}).status == 401


def test_a_server_without_a_key_uses_the_configured_claims(
    make_run: Callable[..., Run], serve_in_thread: Callable[..., Any]
) -> None:
    asked = [Example(id="1", question="how many?", answer=COUNT, context={"index": "weblogs"})]
    rows = {"weblogs": "http.request.method = {caller.method}"}
    run = make_run(asked, task__querydsl__guard__rows=rows, task__querydsl__guard__caller={"method": "NONE"})
    server = serve_in_thread(run)
    assert server.query("how many?", execute=True).json["result"]["total"]["value"] == 0
    about = server("GET", "/v1/about").json
    assert about["examples"] == {}  # questions name values of any row
    assert "POST" not in str(about["data"])
