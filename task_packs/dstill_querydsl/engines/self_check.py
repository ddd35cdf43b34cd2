"""What `dstill doctor` says of an engine: who it is, what the key may do, and how many known answers were right.

    about(server)                        version, client, key: three facts
    own_index(server, "logs", mapping)   the user's index, only read: size, changes, what must hold of any index
    known_answers(server, "dstill-…")    `known_answers.KNOWN`, on an index that holds `conformance_docs`
    not_asked(server)                    the same where no such index may be made

Each gives `CheckResult`s; a wrong answer is one with a problem, never an exception.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, Iterator, Mapping

from dstill.api.engine import CheckResult
from dstill.api.records import OutcomeKind
from dstill.errors import DataError, FailedItems
from dstill.io.shell import quoted
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines.conformance_cases import KNOWN, REFUSED, Known, seen
from dstill_querydsl.engines.conformance_docs import DOCUMENTS, MAPPING
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.privileges import privileges, read_only_key
from dstill_querydsl.engines.server_version import TESTED
from dstill_querydsl.language.prompt_injection import injections_in
from dstill_querydsl.mapping.drift import counted, drift, field_count, fields_digest

__all__ = ["KNOWN_INDEX", "about", "known_answers", "not_asked", "orders", "own_index"]

KNOWN_INDEX = Index(
    name="doctor",
    mapping=MAPPING,
    settings={},
    now="2025-02-15T00:00:00Z",
    documents=lambda: ((id, dict(source)) for id, source in DOCUMENTS.items()),
    recipe="known documents 1",
)
_ORDERS = 5  # texts of one mapping that a person is shown
_NOBODY_KNOWS = {"mach": {"field": "word"}}


def about(server: HttpEngine, index: str) -> Iterator[CheckResult]:
    """Product and version, how the client speaks to it, what the key may do on `index`."""
    there, settings = server.capabilities, server.settings
    tried = "; ".join(f"{product} {', '.join(map(str, majors))}" for product, majors in TESTED.items())
    known = "a version that dstill is tested with" if there.tested else f"never tried with dstill; tried: {tried}"
    yield CheckResult(name="version", found=f"{there.product} {there.version}, {known}")
    form = "its own major, native form" if there.own else "another product or major, plain JSON form"
    yield CheckResult(name="client", found=f"elasticsearch {version('elasticsearch')}: {form}")
    rights = privileges(settings, there, index)
    problem = None
    if rights.lacks:
        what = f"the key lacks {', '.join(rights.lacks)} on '{index}'"
        problem = FailedItems(what, where=settings.url, hint="make a key that has them: see above")
    advice = "" if rights.writes == () else read_only_key(there.product, settings.url, index)
    yield CheckResult(name="key", found=str(rights), problem=problem, advice=advice)


# --- known answers ----------------------------------------------------------------------


def known_answers(server: HttpEngine, name: str) -> Iterator[CheckResult]:
    """Every known answer of the engine's dialect, on `name`."""
    return (_result(server, one.name, _answer(server, name, one), one.expected) for one in _of(server))


def not_asked(server: HttpEngine) -> Iterator[CheckResult]:
    """The same, none of them asked."""
    why = "needs --load-data: an index of dstill's own, removed afterwards"
    for one in _of(server):
        yield CheckResult(name=one.name, found=why, expected=_text(one.expected), checked=False)


def _of(server: HttpEngine) -> Iterator[Known]:
    return (one for one in KNOWN if not one.dialects or server.capabilities.dialect in one.dialects)


def _answer(server: HttpEngine, name: str, known: Known) -> Any:
    """What the engine says, in the form of what is expected; or why it could not be asked."""
    outcome = server.search(name, known.body)
    if known.expected == REFUSED and outcome.kind is not OutcomeKind.UNAVAILABLE:
        return {"refused": outcome.kind is OutcomeKind.INVALID}
    return seen(outcome.raw, known.expected) if outcome.kind is OutcomeKind.OK else outcome.reason


def _result(server: HttpEngine, name: str, got: Any, *right: Any) -> CheckResult:
    """`got` is one of the answers that are `right`."""
    found, wanted = _text(got), _text(right[-1])
    problem = None
    if got not in right:
        problem = FailedItems(
            f"a known answer is wrong: {name}: got {found}",
            where=f"{server.capabilities} at {server.settings.url}, expected {wanted}",
            hint="do not trust scores of this engine before that is understood",
        )
    return CheckResult(name=name, found=found, expected=wanted, problem=problem)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- an index of the user's -------------------------------------------------------------


def own_index(server: HttpEngine, name: str, then: Mapping[str, Any] | None) -> Iterator[CheckResult]:
    """Reads an index: how large it is, how its fields differ from `then`, and what must hold of any index."""
    now, before = server.mapping(name), server.count(name)
    yield _size(server, name, before, now)
    yield from orders(name, now)
    if then is not None:
        yield _drift(name, then, now)
    answers = [_answer(server, name, one) for one in invariants(before)]
    after = server.count(name)  # the index may have moved meanwhile
    for got, one, late in zip(answers, invariants(before), invariants(after), strict=True):
        yield _result(server, one.name, got, one.expected, late.expected)
    for query, valid in (({"match_all": {}}, True), (_NOBODY_KNOWS, False)):
        yield _result(server, f"_validate/query of {next(iter(query))}", server.validates(name, query), valid)


def invariants(count: int) -> tuple[Known, ...]:
    """What every index of `count` documents answers, whatever is in them."""
    everything: Mapping[str, Any] = {"match_all": {}}
    unknown = {"exists": {"field": "no_such_field_in_any_index"}}

    def total(name: str, query: Mapping[str, Any], expected: int) -> Known:
        body = {"query": query, "size": 0, "track_total_hits": True}
        return Known(name=name, body=body, expected={"total": expected, "hits": 0})

    return (
        total("match_all finds what _count counts", everything, count),
        total("match_none finds nothing", {"match_none": {}}, 0),
        total("must_not of everything finds nothing", {"bool": {"must_not": [everything]}}, 0),
        total("exists on an unknown field finds nothing", unknown, 0),
        total("a should beside a filter is optional", {"bool": {"filter": [everything], "should": [unknown]}}, count),
        Known(name="ten hits where no size is asked", body={"query": everything}, expected={"hits": min(10, count)}),
        Known(
            name="a filter aggregation counts all",
            body={"size": 0, "aggs": {"a": {"filter": everything}}},
            expected={"aggs": {"a": count}},
        ),
        Known(name="a query that nobody knows is refused", body={"query": _NOBODY_KNOWS}, expected=REFUSED),
    )


def orders(name: str, mapping: Mapping[str, Any]) -> Iterator[CheckResult]:
    """Text in the mapping that gives orders: a fact to tell, as the guard holds whatever it says."""
    for found in injections_in(mapping)[:_ORDERS]:
        advice = "Such text stands in prompts, as data. If nobody here wrote it, ask who may change the mapping."
        yield CheckResult(name=f"mapping of {name}", found=f"instruction-like text in {found}", advice=advice)


def _size(server: HttpEngine, name: str, count: int, mapping: Mapping[str, Any]) -> CheckResult:
    problem = None
    if not count:
        what = f"'{name}' holds no documents"
        problem = DataError(what, where=server.settings.url, hint="check its name: executor.http.index, or --index")
    found = f"{counted(count, 'document')}, {counted(field_count(mapping), 'field')}"
    return CheckResult(name=f"index {name}", found=found, problem=problem)


def _drift(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> CheckResult:
    found = drift(then, now)
    hint = f"read it again: dstill init --engine-url … --index {quoted(name)} --out another-folder"
    said = f"fields {fields_digest(now)[:12]}, " + (f"differs: {found}" if found else "as they were read")
    problem = None
    if found.breaks:
        problem = DataError(f"the mapping of '{name}' differs: {found}", where="task.querydsl.mapping", hint=hint)
    return CheckResult(name="mapping", found=said, problem=problem, advice=hint if found and not problem else "")
