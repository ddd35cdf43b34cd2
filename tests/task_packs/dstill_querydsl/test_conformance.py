"""The pack passes the conformance kit (`dstill pack check querydsl`), here on few questions."""

from __future__ import annotations

import math

import pytest

from dstill import plugins as plugin_loading
from dstill_conformance.kit import check
from dstill_conformance.pack import Pack
from dstill_querydsl.engines.executors import Embedded
from dstill_querydsl.pack import QueryDsl, Settings


@pytest.mark.slow
def test_pack_conforms() -> None:
    task = QueryDsl(Settings(n_questions=300, documents=1_000))
    report = check(Pack(task, executor_class=Embedded, plugins=plugin_loading.load(), limit=6), seconds=math.inf)
    assert report.errors == ()
    assert {finding.code for finding in report.findings} <= {"form_repeats_token"}  # bases were trained with it
    assert report.figures["mutation_score"] > 0.8
    assert report.golds == 6
