"""Odd and hostile search bodies on real engines, for DSTILL_FUZZ_SECONDS on each (default: a minute).

A body that the guard lets through must not read a denied field or another index, run a script or cost more than the
limits say. Elasticsearch also prints how it understood each body, which must pass the guard too. A finding names a
seed: ``body_text(SEED)`` of tests/support/odd_bodies.py is its body.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator

import pytest
from support.body_oracle import Finding, Oracle, load
from support.live_nodes import own_node
from support.odd_bodies import body_text

from dstill.api.engine import Engine
from dstill_querydsl.engines import HttpEngine

pytestmark = [pytest.mark.live, pytest.mark.nightly]

SECONDS = float(os.environ.get("DSTILL_FUZZ_SECONDS", "60"))
DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch3", "opensearch2")


@pytest.fixture(params=DIALECTS)
def oracle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    node = own_node(tmp_path_factory, request.param, "1g")
    try:
        with HttpEngine(Engine(url=node.url), writable=True) as engine:
            load(engine)
            yield Oracle(engine, understands=request.param.startswith("elasticsearch"), statistics=True)
    finally:
        node.stop()


def test_accepted_bodies_are_harmless(oracle: Oracle, capsys: pytest.CaptureFixture[str]) -> None:
    seed = first = secrets.randbelow(2**40)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        text = body_text(seed)
        try:
            oracle.judge(text)
        except Finding as finding:
            raise AssertionError(f"seed {seed}: {finding}\n{text}") from None
        seed += 1
    with capsys.disabled():
        print(f"\n{seed - first} bodies from seed {first}\n{oracle}")
    assert oracle.verdicts["ran"] > 0
