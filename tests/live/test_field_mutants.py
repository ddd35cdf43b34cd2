"""The mapping check against a real Elasticsearch, on new exchanges of fields.

The third-party cases that share a corpus are run with one of their fields exchanged for another;
the bars are those of the third-party file of field mutants.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from support.exec_cases import CASES, load
from support.field_mutants import FieldMutant, Seen, mutants, verdict

from dstill.api.engine import Engine
from dstill.api.records import Outcome, OutcomeKind, Problem
from dstill.errors import DataError
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.language import schema
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping import check

pytestmark = [pytest.mark.live, pytest.mark.skipif(not CASES.is_dir(), reason="the third-party cases are not here")]
SEED = 5
N_PER_CASE = 8  # mutants of a case


@dataclass(frozen=True, kw_only=True)
class JudgedMutant:
    mutant: FieldMutant
    verdict: str  # the engine's: error, silent_…, changed or same
    type: str | None  # of the new field; None: no such field; "dynamic": no mapping names it
    problems: tuple[Problem, ...]

    @property
    def refused(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    @property
    def silent(self) -> bool:
        return self.verdict.startswith("silent")


@pytest.fixture(scope="module")
def judged(elasticsearch_url: str) -> list[JudgedMutant]:
    with HttpEngine(Engine(url=elasticsearch_url), writable=True) as engine:
        return list(_judged(engine))


def _judged(engine: HttpEngine) -> Iterator[JudgedMutant]:
    draw, known = random.Random(SEED), dict[str, tuple[Fields, Fields] | None]()
    for case in load():
        if "corpus" not in case or case.get("api") == "count":
            continue
        name = f"dstill-field-{case['corpus'].replace('_', '-')}"
        if name not in known:
            known[name] = _loaded(engine, name, case)
        if (found := known[name]) is None:
            continue
        fields, given = found
        was = engine.search(name, case["query"])
        if was.kind is not OutcomeKind.OK:
            continue
        names = sorted(field.name for field in fields if not field.name.startswith("_"))
        for mutant in mutants(case["query"], names, draw, N_PER_CASE):
            now = engine.search(name, mutant.body)
            yield JudgedMutant(
                mutant=mutant,
                verdict="error" if now.kind is not OutcomeKind.OK else verdict(_seen(was), _seen(now)),
                type=_type(mutant.new, fields, given),
                problems=(*check.check(mutant.body, fields), *schema.check(mutant.body)),
            )


def _loaded(engine: HttpEngine, name: str, case: dict[str, Any]) -> tuple[Fields, Fields] | None:
    """The fields of the case's mapping after indexing and before; None where the node lacks an analyzer of it."""
    try:
        engine.index(
            name, case["mapping"], ((d["_id"], d["_source"]) for d in case["docs"]), case.get("settings") or {}
        )
    except DataError:
        return None
    return Fields.of(engine.mapping(name)), Fields.of(case["mapping"])


def _type(name: str, fields: Fields, given: Fields) -> str | None:
    field = fields.get(name)
    if field is None or field.type in ("object", "nested"):
        return field and field.type
    return field.type if given.get(name) else "dynamic"


def _seen(outcome: Outcome) -> Seen:
    reply = outcome.raw
    hits, found = reply["hits"], reply.get("aggregations") or {}
    ids = [hit["_id"] for hit in hits["hits"]]
    return Seen(
        total=(hits.get("total") or {"value": 0})["value"],
        results=sum(map(_has_results, found.values())),
        whole=json.dumps([ids, hits.get("total"), found], sort_keys=True),
    )


def _has_results(found: Any) -> bool:
    """Whether an aggregation's result holds anything."""
    if not isinstance(found, Mapping):
        return False
    buckets = found.get("buckets")
    listed = buckets.values() if isinstance(buckets, Mapping) else buckets or ()
    return any(bucket["doc_count"] for bucket in listed) or bool(
        found.get("value") or found.get("doc_count") or found.get("count")
    )


def _share(name: str, hits: list[bool]) -> float:
    print(f"{name}: {sum(hits)} of {len(hits)} ({sum(hits) / len(hits):.2%})")
    return sum(hits) / len(hits)


def test_refuses_what_engine_refuses(judged: list[JudgedMutant]) -> None:
    assert _share("error, refused", [one.refused for one in judged if one.verdict == "error"]) >= 0.95


def test_refuses_silently_empty_mutants_with_unknown_field(judged: list[JudgedMutant]) -> None:
    assert _share("no such field, refused", [one.refused for one in judged if one.silent and one.type is None]) == 1


def test_refuses_silently_empty_mutants_on_object(judged: list[JudgedMutant]) -> None:
    hits = [bool(one.problems) for one in judged if one.silent and one.type in ("object", "nested")]
    assert _share("object or nested, any problem", hits) >= 0.95


def test_accepts_correct_mutants(judged: list[JudgedMutant]) -> None:
    rows = [one for one in judged if one.verdict in ("same", "changed") and one.type not in (None, "dynamic")]
    for one in rows:
        if one.refused:
            print(one.mutant.old, "→", one.mutant.new, one.problems[0].message)
    # By design a term or a range on text is an error, also where it finds something by luck.
    wrong = [one.refused and "which is a text field" not in one.problems[0].message for one in rows]
    assert _share("same or changed, refused", wrong) <= 0.01


def test_reports_some_other_silently_empty_mutants(judged: list[JudgedMutant]) -> None:
    hits = [bool(one.problems) for one in judged if one.silent and one.type not in (None, "object", "nested")]
    assert _share("other silent ones, any problem (no goal)", hits) > 0
