"""`dstill data audit` of a file, a run and the questions of a task: table, JSON and exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def last_object(ended: Any) -> Any:
    return json.loads(ended.out.splitlines()[-1])


def write_rows(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_audits_golds_of_the_task(cli: Cli) -> None:
    ended = cli("data", "audit", "--task", "toy", "--json")
    assert ended.code == 0, ended.err
    facts = last_object(ended)
    assert facts["ok"] is True
    assert (facts["source"], facts["engine"], facts["refusals"]) == ("task toy", "abacus 1", 2)
    assert facts["golds"] == facts["ran"] + facts["refusals"] == 27


def test_audits_golds_of_a_file(cli: Cli, project: Path) -> None:
    file = write_rows(
        project / "golds.jsonl",
        {"id": "a", "question": "add 1 and 2", "answer": "1+2"},
        {"id": "b", "question": "add 1 and 2", "answer": "2+2"},
        {"id": "c", "question": "\x1b[31mwords", "answer": "words"},
    )
    ended = cli("data", "audit", file)
    assert ended.code == 3
    assert (
        "1 of 3 reference answers fail a check or do not run; 1 questions have different reference answers" in ended.err
    )
    assert "'words' is no sum" in ended.out
    assert "mutation score: not measured" in ended.out  # the toy has no mutants
    facts = cli("data", "audit", file, "--json")
    assert facts.code == 3
    assert last_object(facts)["refused"][0]["problems"][0]["code"] == "not_a_sum"
    assert last_object(facts)["duplicates"] == {"same": [], "conflicting": [["a", "b"]]}


def test_audits_the_dataset_of_a_run(cli: Cli) -> None:
    assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
    ended = cli("data", "audit", "mine", "--json", "--limit", "5")
    assert ended.code == 0, ended.err
    assert (last_object(ended)["ran"], last_object(ended)["source"]) == (5, "mine")
    assert last_object(ended)["leakage"] == []


def test_limit_zero_needs_no_engine(cli: Cli) -> None:
    ended = cli("data", "audit", "--task", "toy", "--limit", "0")
    assert ended.code == 0
    assert "executed on" not in ended.out
