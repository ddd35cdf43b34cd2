"""A real Elasticsearch says whether bodies that the canonical form takes for equal have equal results."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.spellings import MAPPING, body, documents, step

from dstill.api.engine import Engine
from dstill.api.records import OutcomeKind
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.language.canonical import canonical
from dstill_querydsl.language.results import compare

pytestmark = pytest.mark.live
BODIES = 400
N_DATABASES = 3


def test_canonically_equal_bodies_have_same_result(elasticsearch_url: str) -> None:
    wrong: list[tuple[Any, Any]] = []
    pairs = 0
    with HttpEngine(Engine(url=elasticsearch_url), writable=True) as engine:
        for number in range(N_DATABASES):
            engine.index(f"dstill-canonical-{number}", MAPPING, [(d[0], d[1]) for d in documents(50 + number)])

        def value(query: Any, number: int) -> Any:
            outcome = observe(lambda one: engine.search(f"dstill-canonical-{number}", one), query)
            assert outcome.kind is OutcomeKind.OK, (outcome.reason, query)
            return outcome.value

        for seed in range(BODIES):
            draw = random.Random(seed)
            one = other = body(draw)
            for _ in range(draw.randrange(1, 5)):
                other = step(other, draw)
            equal = [canonical(one), *([other] if canonical(other) == canonical(one) else [])]
            pairs += len(equal)
            want = value(one, seed % N_DATABASES)
            wrong += [(one, same) for same in equal if not compare.same(value(same, seed % N_DATABASES), want)]
    print(f"{pairs} pairs, {len(wrong)} with different results")
    assert not wrong
