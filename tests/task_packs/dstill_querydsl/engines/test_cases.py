"""The embedded engine on questions that others wrote, with answers that real engines gave.

The cases lie beside the repository and are not part of it; without them this is skipped. What
is asserted is a ratchet: raise the numbers when the engine gets better, never lower them.
"""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator

import pytest

from dstill.errors import DataError
from dstill.parts import Engine
from dstill.records import Outcome, OutcomeKind
from dstill_querydsl import aggregations
from dstill_querydsl.engines import EmbeddedServer, HttpEngine
from dstill_querydsl.engines.bodies import sort_of
from dstill_querydsl.engines.holes import Holes, exact, not_here

CASES = Path(__file__).parents[5] / "shared" / "cases"
RIGHT = 271  # of 294; the others: 10 scripts, 7 holes, 5 analyzers, 1 look-up in another index
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the third-party cases are not here")


class Runner:
    """Runs cases, each on its own documents; a corpus that many share is loaded once."""

    def __init__(self, engine: HttpEngine) -> None:
        self.engine = engine
        self.corpora: dict[str, tuple[str, Holes]] = {}
        self.loaded = 0

    def run(self, case: dict[str, Any]) -> Outcome:
        try:
            name, holes = self.index(case)
        except DataError as error:
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=f"setup: {error.what}")
        body = dict(case["query"])
        if case.get("api") == "count":
            body |= {"size": 0, "track_total_hits": True}
        if hole := holes.meets(body):
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=hole)
        outcome = self.engine.search(name, body)
        if outcome.kind is OutcomeKind.INVALID and not_here(outcome.reason):
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=outcome.reason)
        return outcome

    def index(self, case: dict[str, Any]) -> tuple[str, Holes]:
        shared = case.get("corpus")
        if shared in self.corpora:
            return self.corpora[shared]
        self.loaded += 1
        name, large = f"dstill-case-{self.loaded}", set[str]()
        mapping, settings = case.get("mapping") or {}, case.get("settings") or {}
        documents = [(one["_id"], one["_source"]) for one in case.get("docs") or ()]
        self.engine.index(name, mapping, exact(documents, large), settings)
        found = (name, Holes.of(mapping, settings, large))
        if shared is not None:
            self.corpora[shared] = found
        return found


@pytest.fixture(scope="module")
def checks() -> ModuleType:
    """The cases' own reader and checker."""
    spec = importlib.util.spec_from_file_location("third_party_check", CASES / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cases(checks: ModuleType) -> list[dict[str, Any]]:
    return list(checks.load(str(CASES / "exec_cases.jsonl")))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with EmbeddedServer.start() as server, HttpEngine(Engine(url=server.url), writable=True) as engine:
        yield Runner(engine)


@pytest.fixture(scope="module")
def outcomes(cases: list[dict[str, Any]], runner: Runner) -> list[tuple[dict[str, Any], Outcome]]:
    return [(case, runner.run(case)) for case in cases]


def test_what_it_answers_is_right(outcomes: list[tuple[dict[str, Any], Outcome]], checks: ModuleType) -> None:
    counts: Counter[str] = Counter()
    wrong = []
    for case, outcome in outcomes:
        found = checks.check(case, outcome.raw) if outcome.kind is OutcomeKind.OK else []
        counts["wrong" if found else outcome.kind.value] += 1
        wrong += [(case["id"], found)] if found else []
    print(dict(counts))
    assert not wrong
    assert counts["ok"] >= RIGHT
    assert counts["unavailable"] == 0


def test_it_says_what_real_engines_said(outcomes: list[tuple[dict[str, Any], Outcome]]) -> None:
    """The whole reply, not just what a case asserts: totals, whole pages, sorted pages, aggregations."""
    answers = {row["id"]: row for row in map(json.loads, (CASES / "engine_answers.jsonl").read_text().splitlines())}
    compared, different = 0, []
    for case, outcome in outcomes:
        real = answers[case["id"]]
        if (
            outcome.kind is not OutcomeKind.OK
            or not real["agree"]
            or "answer" not in real
            or case.get("api") == "count"
        ):
            continue
        compared += 1
        if not like(outcome.raw, real["answer"], case["query"]):
            different.append(case["id"])
    print(compared, "compared,", len(different), "different", different)
    assert not different
    assert compared >= 200


def test_a_wrong_field_fails_as_it_does_on_real_engines(cases: list[dict[str, Any]], runner: Runner) -> None:
    """One field name exchanged: mostly HTTP 200 and another or no result, which must be the real ones'."""
    by_id = {case["id"]: case for case in cases}
    counts: Counter[str] = Counter()
    for row in map(json.loads, (CASES / "field_mutants.jsonl").read_text().splitlines()):
        of = by_id[row["of"]]
        outcome = runner.run({**of, "corpus": of.get("corpus", of["id"]), "query": row["query"]})
        if row["verdict"] == "dialect" or outcome.kind is OutcomeKind.UNSUPPORTED:
            counts["left out"] += 1
        elif (row["verdict"] == "error") != (outcome.kind is OutcomeKind.INVALID):
            counts["refused otherwise"] += 1  # objects where a field should be: the mapping check refuses these first
        elif (
            outcome.kind is OutcomeKind.OK and outcome.raw["hits"].get("total", {}).get("value") != row["now"]["total"]
        ):
            counts["another total"] += 1
        else:
            counts["alike"] += 1
    print(dict(counts))
    assert counts["alike"] >= 861
    assert counts["another total"] == 0
    assert counts["refused otherwise"] <= 14


def like(got: dict[str, Any], want: dict[str, Any], body: dict[str, Any]) -> bool:
    values = [{"body": body, "aggregations": reply.get("aggregations")} for reply in (got, want)]
    ours, theirs = ([hit["_id"] for hit in reply["hits"]["hits"]] for reply in (got, want))
    whole = len(theirs) == (want["hits"].get("total") or {}).get("value")
    hits = ours == theirs if sort_of(body) is not None else not whole or sorted(ours) == sorted(theirs)
    return hits and got["hits"].get("total") == want["hits"].get("total") and aggregations.same(*values)
