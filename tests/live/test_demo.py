"""The demo's golds and its student's predictions, run on the embedded engine and on two real ones.

Same verdicts, or `DIFFERENT` lists the difference with its reason.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dstill.api.records import Record, Verdict
from dstill_querydsl.language.results.refusal import is_refusal

pytestmark = [pytest.mark.live, pytest.mark.slow]

# id of an item → why its verdict may differ between the engines
DIFFERENT: dict[str, str] = {}


# CI compares the verdicts of one product; `make nightly` of both, and runs the golds.
@pytest.mark.parametrize("product", ["elasticsearch", pytest.param("opensearch", marks=pytest.mark.nightly)])
def test_real_engine_gives_same_verdicts(product: str, demo, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = shutil.copytree(demo.folder, tmp_path / "run")
    url = request.getfixturevalue(f"{product}_url")
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "dstill",
            "evaluate",
            str(folder),
            "--engine-url",
            url,
            "--load-data",
            "--json",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1200,
        env={name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")},
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert product in summary["engine"].lower()
    for system in ("", "-untrained", "-nearest"):
        embedded = _verdicts(folder / f"verdicts{system}.jsonl")
        [file] = folder.glob(f"verdicts{system}-{product}*.jsonl")
        real = _verdicts(file)
        assert real
        assert embedded.keys() == real.keys()
        embedded = {i: embedded[i] for i in real}
        # what the embedded engine says that it cannot run faithfully is no verdict: few, and not compared
        not_here = {i for i, verdict in embedded.items() if verdict.outcome == "unsupported"}
        assert len(not_here) <= 0.03 * len(embedded)
        different = {
            i: (embedded[i].reached.name, embedded[i].reason, real[i].reached.name, real[i].reason)
            for i in embedded.keys() - not_here
            if (embedded[i].reached, embedded[i].trivial) != (real[i].reached, real[i].trivial) and i not in DIFFERENT
        }
        assert not different, f"{system or 'student'}: {len(different)} of {len(real)} differ: {different}"
        assert not [v.gold_error for v in real.values() if v.gold_error]


@pytest.mark.nightly
@pytest.mark.parametrize("product", ["elasticsearch", "opensearch"])
def test_real_engine_accepts_every_gold_of_demo(product: str, demo, request: pytest.FixtureRequest) -> None:
    from dstill.api.engine import Engine
    from dstill_querydsl.engines import Http
    from dstill_querydsl.pack import QueryDsl

    url = request.getfixturevalue(f"{product}_url")
    refused: dict[str, Any] = {}
    ran = 0
    with Http().open(QueryDsl(), Engine(url=url, load_data=True)) as executor:
        for file in sorted((demo.folder / "dataset" / "data").glob("*.jsonl")):
            for record in map(Record.from_row, map(json.loads, file.read_text().splitlines()[:700])):
                if is_refusal(json.loads(record.answer)):
                    continue
                outcome = executor.run(record.answer, record.example)
                ran += 1
                if outcome.kind.value != "ok":
                    refused[record.id] = outcome.reason
    assert ran > 1000
    assert not refused


def _verdicts(file: Path) -> dict[str, Verdict]:
    return {v.id: v for v in map(Verdict.from_row, map(json.loads, file.read_text().splitlines()))}
