"""The pack passes the conformance kit (`dstill pack check sql`), here on few questions."""

from __future__ import annotations

import math

import pytest

from dstill import plugins as plugin_loading
from dstill_conformance.kit import check
from dstill_conformance.pack import Pack
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings


@pytest.mark.slow
def test_pack_conforms() -> None:
    task = Sql(Settings(db="shop", n_questions=60))
    pack = Pack(
        task,
        executor_class=DuckDb,
        executor_config=DuckDbSettings(),
        plugins=plugin_loading.load(),
        limit=3,
        timeout=0.3,
    )
    report = check(pack, seconds=math.inf)
    assert report.findings == ()
    assert report.figures["mutation_score"] > 0.8
    assert report.golds == 3
