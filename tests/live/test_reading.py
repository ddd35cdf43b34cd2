"""What `init` reads is the same on every real engine, of an index, an alias, a pattern and a data stream."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.errors import UsageError
from dstill_querydsl.engines import EmbeddedServer, HttpEngine, HttpSettings
from dstill_querydsl.engines.conformance_docs import DOCUMENTS, MAPPING
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

pytestmark = pytest.mark.live
DIALECTS = ("elasticsearch8", "elasticsearch9", "opensearch2", "opensearch3")
Ask = Callable[..., Any]


def described(url: str, index: str, **there: Any) -> ProjectFiles:
    return DataProfile.of(QueryDsl(Settings(text_sample_size=20))).describe(
        Engine(url=url), HttpSettings(index=index, **there)
    )


def values_of(url: str) -> dict[str, Any]:
    name = f"dstill-read-{secrets.token_hex(3)}"
    with HttpEngine(Engine(url=url), writable=True) as engine:
        engine.index(name, MAPPING, DOCUMENTS.items())
        return json.loads(described(url, name).files["values.json"])  # type: ignore[no-any-return]


def sort_lists(values: dict[str, Any]) -> dict[str, Any]:
    """Values whose order is that of equally frequent ones, or of the documents."""

    def one(value: Any) -> Any:
        if isinstance(value, list):
            return sorted(value, key=str)
        return {key: sorted(inner, key=str) if isinstance(inner, list) else inner for key, inner in value.items()}

    return {name: one(value) for name, value in values.items()}


@pytest.fixture(scope="module")
def embedded() -> dict[str, Any]:
    with EmbeddedServer.start() as server:
        return sort_lists(values_of(server.url))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_engines_give_same_values(dialect: str, url_of: Callable[[str], str], embedded: dict[str, Any]) -> None:
    found = sort_lists(values_of(url_of(dialect)))
    # their order is that of the documents, and a figure of a place has a rest of its own on each engine
    for name in ("place", "message", "title"):
        assert found.pop(name)["examples"]
    assert found == {name: value for name, value in embedded.items() if name in found}
    assert len(found) == 12


@pytest.fixture
def ask(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Iterator[Ask]:
    """``ask(method, path, body)`` on a server, and its address as ``ask.url``; what was made is removed."""
    url, made = url_of(request.param), []

    def call(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{url}{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(asked, timeout=60) as reply:
            if method == "PUT" and "_doc" not in path:
                made.append(path)
            return json.load(reply)

    call.url = url  # type: ignore[attr-defined]
    yield call
    for path in reversed(made):
        call("DELETE", path)


def make_two_indices(ask: Ask) -> None:
    """Two indices of one family that disagree on a field."""
    for number, type_ in ((1, "keyword"), (2, "long")):
        body = {"mappings": {"properties": {"level": {"type": "keyword"}, "code": {"type": type_}}}}
        ask("PUT", f"/family-{number}", {**body, "aliases": {"family": {}}})
        ask("PUT", f"/family-{number}/_doc/1?refresh=true", {"level": f"l{number}", "code": number})


@pytest.mark.parametrize("ask", ["elasticsearch9", "opensearch3"], indirect=True)
def test_alias_and_pattern_cover_several_indices(ask: Any) -> None:
    make_two_indices(ask)
    for name, engine in (("family", {}), ("family-*", {"allow_pattern": True})):
        project = described(ask.url, name, **engine)
        assert json.loads(project.files["values.json"]) == {"level": ["l1", "l2"]}
        assert "2 documents, 2 fields" in project.about[0]
        assert "no values (of several types): code" in project.about
        assert project.settings["task.querydsl.index"] == name
    with pytest.raises(UsageError, match="not a valid index name") as caught:
        described(ask.url, "family-*")
    assert "executor.http.allow_pattern" in caught.value.hint


@pytest.mark.parametrize("ask", ["opensearch3"], indirect=True)
def test_data_stream_is_read_as_index(ask: Any) -> None:
    fields = {"@timestamp": {"type": "date"}, "level": {"type": "keyword"}}
    template = {"index_patterns": ["stream-*"], "data_stream": {}, "template": {"mappings": {"properties": fields}}}
    ask("PUT", "/_index_template/streams", template)
    ask("PUT", "/_data_stream/stream-a")
    ask("POST", "/stream-a/_doc?refresh=true", {"@timestamp": "2025-01-01T00:00:00Z", "level": "warn"})
    project = described(ask.url, "stream-a")
    day = "2025-01-01T00:00:00.000Z"
    assert json.loads(project.files["values.json"]) == {"level": ["warn"], "@timestamp": {"min": day, "max": day}}
