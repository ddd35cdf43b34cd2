"""Odd and hostile search bodies on the embedded engine: what the guard lets through is harmless, and is what is sent.

tests/fuzz/test_search_bodies_live.py has the same bodies on real engines.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from support.body_oracle import Finding, Oracle, load
from support.odd_bodies import DENIED, body_text

from dstill_querydsl.engines import EmbeddedEngine, HttpEngine
from dstill_querydsl.language.guard import Limits


@pytest.fixture(scope="module")
def engine() -> Iterator[HttpEngine]:
    with EmbeddedEngine() as engine:
        load(engine, documents=100)
        yield engine


@pytest.fixture(scope="module")
def oracle(engine: HttpEngine) -> Oracle:
    return Oracle(engine)


@given(st.integers(0, 2**40))
def test_accepted_bodies_are_harmless(oracle: Oracle, seed: int) -> None:
    event(oracle.judge(body_text(seed)))


def test_bodies_are_of_every_kind(oracle: Oracle) -> None:
    verdicts = {oracle.judge(body_text(seed)) for seed in range(1_000)}
    assert verdicts == {"not JSON", "guard refused", "engine refused", "ran"}


@pytest.mark.parametrize(
    "body",
    [
        f'{{"query":{{"exists":{{"field":"{DENIED}"}}}},"_source":["{DENIED}"]}}',
        f'{{"size":0,"aggs":{{"a":{{"terms":{{"field":"{DENIED}"}}}}}}}}',
        '{"size":0,"aggs":{"a":{"terms":{"field":"other"}}}}',
        '{"size":1}',
    ],
)
def test_notices_denied_values(engine: HttpEngine, oracle: Oracle, body: str) -> None:
    """A guard that denies no field would be found out."""
    lenient = Oracle(engine, limits=Limits())
    with pytest.raises(Finding, match=r"the query reads|values that may not be read"):
        lenient.judge(body)
    assert oracle.judge(body) == "guard refused"
