"""The third-party cases (../shared/cases) and how one is run: each on its own documents.

cases = load()                                    # exec_cases.jsonl, with its documents
runner = Runner(engine)                           # of the embedded engine: reports unsupported
ran = runner.run(cases[0])                        # Ran(outcome=Outcome(kind=ok, value=…, raw=…), loaded=True)
load_checker().check(cases[0], ran.outcome.raw)   # the cases' own checker: what is wrong, by line
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import DataError
from dstill_querydsl.engines import HttpEngine
from dstill_querydsl.engines.bodies import sort_of
from dstill_querydsl.engines.parity_guard import search_if_supported
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.engines.unsupported_features import UnsupportedFeatures, note_large_numbers
from dstill_querydsl.language import aggregations

__all__ = ["CASES", "Runner", "load", "load_checker", "rows", "same_reply"]

CASES = Path(__file__).parents[3] / "shared" / "cases"


@cache
def load_checker() -> ModuleType:
    """The cases' own reader and checker."""
    spec = importlib.util.spec_from_file_location("third_party_check", CASES / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load() -> list[dict[str, Any]]:
    return list(load_checker().load(str(CASES / "exec_cases.jsonl")))


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The rows of another file of cases."""
    yield from map(json.loads, (CASES / name).read_text().splitlines())


@dataclass
class Runner:
    """Runs cases on one engine; documents that many cases share are loaded once."""

    engine: HttpEngine

    def __post_init__(self) -> None:
        self._indices: dict[str, tuple[str, UnsupportedFeatures] | str] = {}

    def run(self, case: dict[str, Any]) -> Outcome:
        """What the engine answered; of one that loads no such index: unsupported."""
        index = self._index(case)
        if isinstance(index, str):
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=f"setup: {index}")
        name, unsupported = index
        embedded, body = self.engine.capabilities.embedded, dict(case["query"])
        if case.get("api") == "count":
            body |= {"size": 0, "track_total_hits": True}

        def search(one: Mapping[str, Any]) -> Outcome:
            return self.engine.search(name, one)

        return search_if_supported(unsupported, search, body) if embedded else observe(search, body)

    def _index(self, case: dict[str, Any]) -> tuple[str, UnsupportedFeatures] | str:
        """The case's documents on the engine, or why it does not take them."""
        mapping, settings = case.get("mapping") or {}, case.get("settings") or {}
        documents = [(one["_id"], one["_source"]) for one in case.get("docs") or ()]
        key = hashlib.sha256(json.dumps([mapping, settings, documents]).encode()).hexdigest()[:12]
        if key not in self._indices:
            name, large = f"dstill-case-{key}", set[str]()
            try:
                self.engine.index(name, mapping, note_large_numbers(documents, large), settings)
                self._indices[key] = (name, UnsupportedFeatures.of(mapping, settings, large))
            except DataError as error:
                self._indices[key] = error.what
        return self._indices[key]


def same_reply(got: dict[str, Any], want: dict[str, Any], body: dict[str, Any]) -> bool:
    """Whether two raw replies say the same: totals, whole pages, order where sorted, aggregations; not scores."""
    values = [{"body": body, "aggregations": reply.get("aggregations")} for reply in (got, want)]
    ours, theirs = ([hit["_id"] for hit in reply["hits"]["hits"]] for reply in (got, want))
    whole = len(theirs) == (want["hits"].get("total") or {}).get("value")
    hits = ours == theirs if sort_of(body) is not None else not whole or sorted(ours) == sorted(theirs)
    return hits and got["hits"].get("total") == want["hits"].get("total") and aggregations.same(*values)
