"""`dstill doctor` on engines: known answers, what must hold of any index, what a key may do, what changed since."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.api.engine import CheckResult, Engine
from dstill.errors import AuthError, DataError, FailedItems, ServiceError
from dstill_querydsl.engines import Embedded, Http, HttpEngine, HttpSettings
from dstill_querydsl.engines.conformance_cases import CASES, REFUSAL, extract
from dstill_querydsl.engines.privileges import PATH, read_only_key
from dstill_querydsl.engines.self_check import invariants
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

Serve = Callable[[Any], str]
PRODUCT = {"x-elastic-product": "Elasticsearch"}


def problems_by_name(results: list[CheckResult]) -> dict[str, str]:
    return {one.name: one.found for one in results if one.problem}


# --- the table --------------------------------------------------------------------------


def test_has_60_to_70_cases_with_unique_names() -> None:
    assert 60 <= len(CASES) <= 70
    assert len({one.name for one in CASES}) == len(CASES)
    assert sum(one.expected == REFUSAL for one in CASES) == 8
    assert {d for one in CASES for d in one.dialects} == {"elasticsearch8", "elasticsearch9"}


def test_extracts_compared_parts_of_reply() -> None:
    hits = [{"_id": "b", "_source": {"x": 1}}, {"_id": "a", "_source": {}}]
    buckets = {"buckets": [{"key": 1, "key_as_string": "one", "doc_count": 3, "m": {"value": 2.5}}]}
    reply = {
        "hits": {"total": {"value": 7, "relation": "eq"}, "hits": hits},
        "aggregations": {"t": buckets, "f": {"doc_count": 4}, "s": {"min": 1, "min_as_string": "1"}},
    }
    everything = dict.fromkeys(("ids", "order", "hits", "total", "sources", "aggs"))
    assert extract(reply, everything) == {
        "ids": "a b",
        "order": "b a",
        "hits": 2,
        "total": 7,
        "sources": [{"x": 1}, {}],
        "aggs": {"t": {"one": [3, {"m": 2.5}]}, "f": 4, "s": {"min": 1}},
    }


# --- the embedded engine ----------------------------------------------------------------


def test_embedded_engine_passes_every_case(executor: Embedded) -> None:
    results = list(executor.self_check())
    assert len(results) == sum(not one.dialects for one in CASES)
    assert problems_by_name(results) == {}
    assert all(one.checked and json.loads(one.expected) == json.loads(one.found) for one in results)


def test_runs_cases_on_server_only_if_writable(server: Any) -> None:
    with Http().open(QueryDsl(), Engine(url=server.url)) as executor:
        asked = [one for one in executor.self_check() if one.expected]
    assert not any(one.checked for one in asked)
    assert {one.found for one in asked} == {"needs --load-data, which creates an index and removes it afterwards"}
    with Http().open(QueryDsl(), Engine(url=server.url, load_data=True)) as executor:
        loaded = [one for one in executor.self_check() if one.expected]
        [name] = [place.name for place in executor._places.values()]
        assert name.startswith("dstill-doctor-")
    assert problems_by_name(loaded) == {}
    assert len(loaded) == len(asked)
    with HttpEngine(Engine(url=server.url)) as engine, pytest.raises(ServiceError, match="no such index"):
        engine.count(name)


def test_only_reads_user_index(server: Any) -> None:
    with HttpEngine(Engine(url=server.url), writable=True) as owner:
        owner.index("dstill-mine", {"properties": {"a": {"type": "keyword"}}}, [("1", {"a": "x"}), ("2", {})])
        with Http(HttpSettings(index="dstill-mine")).open(QueryDsl(), Engine(url=server.url)) as executor:
            results = [one for one in executor.self_check() if one.checked]
        names = [one.name for one in results]
        assert names[3] == "index dstill-mine"
        assert results[3].found == "2 documents, 1 field"
        assert names[4:] == [
            *(one.name for one in invariants(2)),
            "_validate/query of match_all",
            "_validate/query of mach",
        ]
        assert problems_by_name(results) == {}


# --- engines that answer wrongly, and indices that moved --------------------------------


MAPPING = {"properties": {"a": {"type": "keyword"}, "n": {"type": "long"}}}


def elasticsearch(root_replies: dict[str, Any], **replies: Any) -> Callable[[str, str, bytes], Any]:
    """An Elasticsearch with the index ``logs``; `replies` by the end of the path."""
    total = {"hits": {"total": {"value": 3}, "hits": []}, "aggregations": {"a": {"doc_count": 3}}, "_shards": {}}
    given = {
        "_mapping": {"logs": {"mappings": MAPPING}},
        "_count": {"count": 3},
        "_search": total,
        "query": {"valid": True},
        **replies,
    }

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        if path == "/":
            return 200, PRODUCT, root_replies["Elasticsearch 9"]
        reply = given.get(path.partition("?")[0].rpartition("/")[2])
        if isinstance(reply, tuple):
            return reply[0], PRODUCT, reply[1]
        return (200, PRODUCT, reply) if reply else (400, PRODUCT, {"error": f"no handler found for uri [{path}]"})

    return answer


def checked(serve: Serve, answer: Any, mapping: Path | None = None) -> list[CheckResult]:
    settings = Settings(index="logs", mapping=str(mapping or ""))
    with Http(HttpSettings(index="logs")).open(QueryDsl(settings), Engine(url=serve(answer))) as executor:
        return [one for one in executor.self_check() if one.checked]


def test_detects_engine_with_constant_answers(serve: Serve, root_replies: dict[str, Any]) -> None:
    results = checked(serve, elasticsearch(root_replies))
    assert problems_by_name(results).keys() == {
        "match_none finds nothing",
        "must_not of everything finds nothing",
        "exists on an unknown field finds nothing",
        "ten hits by default",
        "an unknown query is refused",
        "_validate/query of mach",
    }
    problem = next(one.problem for one in results if one.problem)
    assert isinstance(problem, FailedItems)
    assert problem.what.startswith("a known result is wrong: match_none finds nothing: got {")
    assert "expected {" in problem.where
    assert problem.hint.startswith("do not trust scores of this engine")


def test_names_removed_added_and_changed_fields(serve: Serve, root_replies: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "mapping.json"
    then = {"a": {"type": "keyword"}, "n": {"type": "integer"}, "old": {"type": "date"}}
    file.write_text(json.dumps({"properties": then}))
    [drifted] = [one for one in checked(serve, elasticsearch(root_replies), file) if one.name == "mapping"]
    assert isinstance(drifted.problem, DataError)
    assert drifted.problem.what == "the mapping of 'logs' differs: removed old; changed n (integer, now long)"
    assert "dstill init --engine-url" in drifted.problem.hint
    file = tmp_path / "narrow.json"
    file.write_text(json.dumps({"properties": {"a": {"type": "keyword"}}}))
    [grown] = [one for one in checked(serve, elasticsearch(root_replies), file) if one.name == "mapping"]
    assert grown.problem is None
    assert grown.found.endswith("differs: added n")
    assert "dstill init" in grown.advice
    file = tmp_path / "same.json"
    file.write_text(json.dumps({"mappings": MAPPING}))
    [same] = [one for one in checked(serve, elasticsearch(root_replies), file) if one.name == "mapping"]
    assert same.found.endswith(", unchanged")


def test_reports_empty_index(serve: Serve, root_replies: dict[str, Any]) -> None:
    [size] = [
        one for one in checked(serve, elasticsearch(root_replies, _count={"count": 0})) if one.name == "index logs"
    ]
    assert isinstance(size.problem, DataError)
    assert size.problem.what == "'logs' has no documents"


# --- keys -------------------------------------------------------------------------------


def rights(read: bool, write: bool) -> dict[str, Any]:
    on = {"read": read, "view_index_metadata": read, "write": write, "create_index": False, "delete_index": write}
    return {"cluster": {"manage": False}, "index": {"logs": on}, "has_all_requested": False}


@pytest.mark.parametrize(
    ("reply", "says", "advised"),
    [
        (rights(True, False), "cannot write", False),
        (rights(True, True), "can write (write, delete_index)", True),
        (None, "this server has no security: whoever reaches it can write", True),
        ((403, {"error": "no"}), "cannot tell whether the key can write: the server returned 403", True),
        ({"index": []}, "cannot tell whether the key can write: the server's reply has an unknown form", True),
    ],
)
def test_reports_privileges_of_key(
    serve: Serve, root_replies: dict[str, Any], reply: Any, says: str, advised: bool
) -> None:
    [key] = [one for one in checked(serve, elasticsearch(root_replies, _has_privileges=reply)) if one.name == "key"]
    assert (key.found, bool(key.advice), key.problem) == (says, advised, None)


def test_key_without_read_privilege_is_a_problem(serve: Serve, root_replies: dict[str, Any]) -> None:
    results = checked(serve, elasticsearch(root_replies, _has_privileges=rights(False, False)))
    [key] = [one for one in results if one.name == "key"]
    assert key.found == "cannot write; lacks read, view_index_metadata"
    assert key.problem.what == "the key lacks read, view_index_metadata on 'logs'"


def test_opensearch_does_not_report_privileges(serve: Serve, root_replies: dict[str, Any]) -> None:
    asked = []

    def answer(method: str, path: str, body: bytes) -> tuple[int, dict[str, str], Any]:
        asked.append(path)
        return 200, {}, root_replies["OpenSearch 1"]

    with Http().open(QueryDsl(), Engine(url=serve(answer))) as executor:
        facts = [one for one in executor.self_check() if not one.expected]
    assert [one.name for one in facts] == ["version", "client", "key"]
    assert facts[0].found.startswith("OpenSearch 1.3.0, not tested with dstill; tested: Elasticsearch 8, 9; OpenSearch")
    assert facts[2].found == "cannot tell whether the key can write: OpenSearch does not reveal it"
    assert "_plugins/_security/api/roles" in facts[2].advice
    assert asked == ["/"]


def test_privilege_client_sends_no_other_request(
    serve: Serve, root_replies: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KEY", "very-secret")
    seen_paths = []
    inner = elasticsearch(root_replies, _has_privileges=rights(True, False))

    def answer(method: str, path: str, body: bytes) -> Any:
        seen_paths.append((method, path.partition("?")[0]))
        return inner(method, path, body)

    engine = Engine(url=serve(answer), api_key_env="TOY_KEY")
    with Http(HttpSettings(index="logs")).open(QueryDsl(), engine) as executor:
        results = list(executor.self_check())
    assert seen_paths.count(("POST", PATH)) == 1
    assert {path for _, path in seen_paths} == {
        "/", PATH, "/logs/_mapping", "/logs/_count", "/logs/_search", "/logs/_validate/query"
    }  # fmt: skip
    assert "very-secret" not in str(results)


def test_read_only_key_request_is_valid_json() -> None:
    for product in ("Elasticsearch", "OpenSearch"):
        text = read_only_key(product, "https://search.example:9200/", "logs")
        body = json.loads(text[text.index("'\n    {") + 2 if "-d '\n" in text else 0 :].partition("}'")[0] + "}")
        assert "https://search.example:9200/_" in text
        assert "logs" in json.dumps(body)


# --- engines that are not as they should be, at the command line ------------------------


@pytest.fixture
def doctor(project: Path, monkeypatch: pytest.MonkeyPatch, cli: Any) -> Callable[..., Any]:
    monkeypatch.delenv("DSTILL_DISABLE")
    return lambda *words: cli("doctor", *words, toy=False)


def error_lines(ended: Any, code: int) -> list[str]:
    lines: list[str] = ended.err.splitlines()
    assert ended.code == code, ended.err
    assert len(lines) == 3, lines
    return lines


def test_names_missing_privilege_of_key(doctor: Any, serve: Serve, root_replies: dict[str, Any]) -> None:
    security = {"error": {"type": "security_exception", "reason": "action [indices:data/read/search] is unauthorized"}}
    inner = elasticsearch(root_replies)

    def refusing(at: str, status: int) -> str:
        def answer(method: str, path: str, body: bytes) -> Any:
            return (status, PRODUCT, security) if path.partition("?")[0].endswith(at) else inner(method, path, body)

        return serve(answer)

    what, where, hint = error_lines(doctor("--engine-url", refusing("/", 401)), 6)
    assert what == "error: the engine refused GET / (401)"
    assert "unauthorized" in where
    assert "privilege" in hint
    what, _, hint = error_lines(doctor("--engine-url", refusing("/_search", 403), "--index", "logs"), 6)
    assert what == "error: the engine refused searching 'logs' (403)"
    assert "read" in hint


def test_reports_changed_index(doctor: Any, serve: Serve, root_replies: dict[str, Any], project: Path) -> None:
    missing = (404, {"error": {"type": "index_not_found_exception", "reason": "no such index", "index": "logs"}})
    what, _, hint = error_lines(
        doctor("--engine-url", serve(elasticsearch(root_replies, _mapping=missing)), "--index", "logs"), 7
    )
    assert what == "error: no such index: the mapping of 'logs'"
    assert "executor.http.index" in hint
    closed = (400, {"error": {"type": "index_closed_exception", "reason": "closed", "index": "logs"}})
    what, _, _ = error_lines(
        doctor("--engine-url", serve(elasticsearch(root_replies, _count=closed)), "--index", "logs"), 7
    )
    assert "closed" in what
    (project / "mapping.json").write_text(json.dumps({"properties": {"old": {"type": "date"}}}))
    ended = doctor(
        "--engine-url", serve(elasticsearch(root_replies)), "--index", "logs",
        "--set", "task.querydsl.mapping=mapping.json", "--set", "task.querydsl.index=logs",
    )  # fmt: skip
    assert ended.code == 4
    assert "error: the mapping of 'logs' differs: added a, n; removed old\n" in ended.err


def test_loading_with_read_only_key_names_missing_privilege(
    doctor: Any, serve: Serve, root_replies: dict[str, Any]
) -> None:
    def answer(method: str, path: str, body: bytes) -> Any:
        if path == "/":
            return 200, PRODUCT, root_replies["Elasticsearch 9"]
        return 403, PRODUCT, {"error": {"type": "security_exception", "reason": "unauthorized"}}

    what, _, hint = error_lines(doctor("--engine-url", serve(answer), "--load-data"), AuthError.exit_code)
    assert "': 403" in what
    assert "create_index" in hint
