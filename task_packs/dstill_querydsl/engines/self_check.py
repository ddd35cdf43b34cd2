"""The checks of `dstill doctor` on an engine: its version, the key's privileges, and requests with known results.

    server_checks(server, "logs")           version, client, key
    index_checks(server, "logs", mapping)   the user's index, read-only: size, changes, results that hold on any index
    conformance_checks(server, "dstill-…")  `conformance_cases.CASES`, on an index with `conformance_docs.DOCUMENTS`
    skipped_checks(server)                  the same cases if no such index may be created

Each yields `CheckResult`s. A wrong result is a `CheckResult` with a problem, never an exception.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from dstill.api.engine import CheckResult
from dstill.api.records import OutcomeKind
from dstill.errors import DataError, FailedItems
from dstill.io.shell import quoted
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines.conformance_cases import CASES, REFUSAL, Case, extract
from dstill_querydsl.engines.conformance_docs import DOCUMENTS, MAPPING
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.privileges import privileges, read_only_key
from dstill_querydsl.engines.server_version import TESTED_VERSIONS
from dstill_querydsl.language.mapping.drift import counted, drift, field_count, fields_digest
from dstill_querydsl.language.prompt_injection import injections_in

__all__ = [
    "CONFORMANCE_INDEX",
    "conformance_checks",
    "index_checks",
    "instruction_checks",
    "server_checks",
    "skipped_checks",
]

CONFORMANCE_INDEX = Index(
    name="doctor",
    mapping=MAPPING,
    settings={},
    now="2025-02-15T00:00:00Z",
    documents=lambda: ((id, dict(source)) for id, source in DOCUMENTS.items()),
    recipe="known documents 1",
)
_MAX_INSTRUCTIONS = 5  # texts of one mapping to show
_UNKNOWN_QUERY = {"mach": {"field": "word"}}


def server_checks(server: HttpEngine, index: str) -> Iterator[CheckResult]:
    """Product and version, the form of requests, and the privileges of the key on `index`."""
    product, settings = server.capabilities, server.settings
    versions = "; ".join(f"{name} {', '.join(map(str, majors))}" for name, majors in TESTED_VERSIONS.items())
    tested = "tested with dstill" if product.tested else f"not tested with dstill; tested: {versions}"
    yield CheckResult(name="version", found=f"{product.product} {product.version}, {tested}")
    form = "same major version, native form" if product.own else "another product or major version, plain JSON"
    yield CheckResult(name="client", found=f"elasticsearch {version('elasticsearch')}: {form}")
    rights = privileges(settings, product, index, server.ca_fingerprint)
    problem = None
    if rights.lacks:
        message = f"the key lacks {', '.join(rights.lacks)} on '{index}'"
        problem = FailedItems(message, where=settings.url, hint="create a key with these privileges: see above")
    advice = "" if rights.writes == () else read_only_key(product.product, settings.url, index)
    yield CheckResult(name="key", found=str(rights), problem=problem, advice=advice)


# --- requests with known results --------------------------------------------------------


def conformance_checks(server: HttpEngine, name: str) -> Iterator[CheckResult]:
    """Run every case of the engine's dialect on the index `name`."""
    return (_compare(server, case.name, _result_of(server, name, case), case.expected) for case in _cases(server))


def skipped_checks(server: HttpEngine) -> Iterator[CheckResult]:
    """The same cases, none of them run."""
    why = "needs --load-data, which creates an index and removes it afterwards"
    for case in _cases(server):
        yield CheckResult(name=case.name, found=why, expected=_text(case.expected), checked=False)


def _cases(server: HttpEngine) -> Iterator[Case]:
    return (case for case in CASES if not case.dialects or server.capabilities.dialect in case.dialects)


def _result_of(server: HttpEngine, name: str, case: Case) -> Any:
    """The engine's result in the form of the expected one, or why there is none."""
    outcome = server.search(name, case.body)
    if case.expected == REFUSAL and outcome.kind is not OutcomeKind.UNAVAILABLE:
        return {"refused": outcome.kind is OutcomeKind.INVALID}
    return extract(outcome.raw, case.expected) if outcome.kind is OutcomeKind.OK else outcome.reason


def _compare(server: HttpEngine, name: str, got: Any, *accepted: Any) -> CheckResult:
    """The check that `got` is one of the `accepted` results."""
    text, expected = _text(got), _text(accepted[-1])
    problem = None
    if got not in accepted:
        problem = FailedItems(
            f"a known result is wrong: {name}: got {text}",
            where=f"{server.capabilities} at {server.settings.url}, expected {expected}",
            hint="do not trust scores of this engine until you know why",
        )
    return CheckResult(name=name, found=text, expected=expected, problem=problem)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- an index of the user ---------------------------------------------------------------


def index_checks(server: HttpEngine, name: str, then: Mapping[str, Any] | None) -> Iterator[CheckResult]:
    """Check an index read-only: its size, how its fields differ from `then`, and results that hold on any index."""
    now, before = server.mapping(name), server.count(name)
    yield _size(server, name, before, now)
    yield from instruction_checks(name, now)
    if then is not None:
        yield _drift(name, then, now)
    results = [_result_of(server, name, invariant) for invariant in invariants(before)]
    after = server.count(name)  # the index may have changed meanwhile
    for got, early, late in zip(results, invariants(before), invariants(after), strict=True):
        yield _compare(server, early.name, got, early.expected, late.expected)
    for query, valid in (({"match_all": {}}, True), (_UNKNOWN_QUERY, False)):
        yield _compare(server, f"_validate/query of {next(iter(query))}", server.validates(name, query), valid)


def invariants(count: int) -> tuple[Case, ...]:
    """Cases that hold on every index with `count` documents."""
    everything: Mapping[str, Any] = {"match_all": {}}
    unknown = {"exists": {"field": "no_such_field_in_any_index"}}

    def total(name: str, query: Mapping[str, Any], expected: int) -> Case:
        body = {"query": query, "size": 0, "track_total_hits": True}
        return Case(name=name, body=body, expected={"total": expected, "hits": 0})

    return (
        total("match_all finds what _count counts", everything, count),
        total("match_none finds nothing", {"match_none": {}}, 0),
        total("must_not of everything finds nothing", {"bool": {"must_not": [everything]}}, 0),
        total("exists on an unknown field finds nothing", unknown, 0),
        total("should next to a filter is optional", {"bool": {"filter": [everything], "should": [unknown]}}, count),
        Case(name="ten hits by default", body={"query": everything}, expected={"hits": min(10, count)}),
        Case(
            name="a filter aggregation counts all",
            body={"size": 0, "aggs": {"a": {"filter": everything}}},
            expected={"aggs": {"a": count}},
        ),
        Case(name="an unknown query is refused", body={"query": _UNKNOWN_QUERY}, expected=REFUSAL),
    )


def instruction_checks(name: str, mapping: Mapping[str, Any]) -> Iterator[CheckResult]:
    """Texts in the mapping that look like instructions to a model. No problem, as the guard still applies."""
    for order in injections_in(mapping)[:_MAX_INSTRUCTIONS]:
        advice = "Prompts contain such text as data. If you did not write it, find out who can change the mapping."
        yield CheckResult(name=f"mapping of {name}", found=f"instruction-like text in {order}", advice=advice)


def _size(server: HttpEngine, name: str, count: int, mapping: Mapping[str, Any]) -> CheckResult:
    problem = None
    if not count:
        message = f"'{name}' has no documents"
        problem = DataError(message, where=server.settings.url, hint="check its name: executor.http.index, or --index")
    size = f"{counted(count, 'document')}, {counted(field_count(mapping), 'field')}"
    return CheckResult(name=f"index {name}", found=size, problem=problem)


def _drift(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> CheckResult:
    diff = drift(then, now)
    hint = f"read it again: dstill init --engine-url … --index {quoted(name)} --out another-folder"
    status = f"fields {fields_digest(now)[:12]}, " + (f"differs: {diff}" if diff else "unchanged")
    problem = None
    if diff.breaks:
        problem = DataError(f"the mapping of '{name}' differs: {diff}", where="task.querydsl.mapping", hint=hint)
    return CheckResult(name="mapping", found=status, problem=problem, advice=hint if diff and not problem else "")
