"""An index on a real node that is missing, closed, empty, changed or moving."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.records import Example
from dstill.errors import DataError, ServiceError
from dstill.quality.data_drift import Learnt, drift
from dstill_querydsl.engines import Http, HttpSettings
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

pytestmark = pytest.mark.live

Ask = Callable[..., Any]
MAPPING = {"mappings": {"properties": {"level": {"type": "keyword"}, "bytes": {"type": "long"}}}}


@pytest.fixture(params=["elasticsearch", "opensearch"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def ask(url: str) -> Ask:
    """A person who writes to the node, past dstill."""

    def send(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}{path}", data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)

    return send


@pytest.fixture
def name(ask: Ask) -> Iterator[str]:
    """An index of two documents."""
    name = f"moving-{secrets.token_hex(4)}"
    ask("PUT", f"/{name}", MAPPING)
    for n, level in enumerate(("error", "info")):
        ask("PUT", f"/{name}/_doc/{n}?refresh=true", {"level": level, "bytes": n})
    yield name
    ask("DELETE", f"/{name}")


@pytest.fixture
def executor(url: str, name: str) -> Iterator[Http]:
    with Http(HttpSettings(index=name)).open(QueryDsl(Settings()), Engine(url=url)) as executor:
        yield executor


EXAMPLE = Example(id="1", question="?", answer='{"query": {"term": {"level": "error"}}}')


def test_names_missing_index(url: str) -> None:
    with Http(HttpSettings(index="not-there")).open(QueryDsl(Settings()), Engine(url=url)) as executor:
        for attempt in (lambda: executor.run("{}", EXAMPLE), lambda: executor.facts([EXAMPLE])):
            with pytest.raises(ServiceError, match="no such index: the mapping of 'not-there'") as caught:
                attempt()
            assert caught.value.exit_code == 7
            assert len(str(caught.value).splitlines()) == 3


def test_names_closed_index(executor: Http, ask: Ask, name: str) -> None:
    executor.run("{}", EXAMPLE)  # it is open when it is looked at first
    ask("POST", f"/{name}/_close")
    with pytest.raises(ServiceError, match=f"the index is closed: {name}") as caught:
        executor.run("{}", EXAMPLE)
    assert caught.value.exit_code == 7
    assert "_open" in caught.value.hint
    with pytest.raises(ServiceError, match="the index is closed"):
        executor.facts([EXAMPLE])


def test_names_index_removed_during_run(executor: Http, ask: Ask, name: str) -> None:
    executor.run("{}", EXAMPLE)
    ask("DELETE", f"/{name}")
    with pytest.raises(ServiceError, match="no such index"):
        executor.run("{}", EXAMPLE)
    ask("PUT", f"/{name}", MAPPING)  # for the fixture, which removes it


def test_names_empty_index(url: str, ask: Ask) -> None:
    name = f"empty-{secrets.token_hex(4)}"
    ask("PUT", f"/{name}", MAPPING)
    try:
        with (
            Http(HttpSettings(index=name)).open(QueryDsl(Settings()), Engine(url=url)) as executor,
            pytest.raises(DataError, match=f"'{name}' is empty"),
        ):
            executor.run("{}", EXAMPLE)
    finally:
        ask("DELETE", f"/{name}")


def test_reports_index_changed_since_dataset(executor: Http, ask: Ask, name: str) -> None:
    then = executor.facts([EXAMPLE])
    assert then[name]["documents"] == 2
    assert not list(executor.changes(then, executor.facts([EXAMPLE])))
    ask("PUT", f"/{name}/_mapping", {"properties": {"seen": {"type": "date"}}})
    ask("PUT", f"/{name}/_doc/2?refresh=true", {"level": "warn"})
    changes = [(change.message, change.breaks) for change in executor.changes(then, executor.facts([EXAMPLE]))]
    assert changes == [
        (f"the mapping of '{name}' differs: added seen", False),
        (f"'{name}' has 3 documents, and had 2", False),
    ]
    made_from = {name: {"fields": {**then[name]["fields"], "gone": "ip"}}}
    [change] = executor.changes(made_from, executor.facts([EXAMPLE]))
    assert change.breaks
    assert change.message == f"the mapping of '{name}' differs: added seen; removed gone"


def test_names_changed_fields_of_student(executor: Http, ask: Ask, name: str) -> None:
    task = QueryDsl(Settings())
    then = executor.facts([EXAMPLE])[name]
    learnt = Learnt(task="querydsl", context={"index": name}, data={name: then})
    assert drift(task, learnt, executor) == ()
    ask("PUT", f"/{name}/_mapping", {"properties": {"seen": {"type": "date"}}})
    assert drift(task, learnt, executor) == ()  # what is new was not learnt
    moved = {"fields": {**then["fields"], "bytes": "keyword", "took": "long"}}
    message = "fields that the student learnt are gone: took; changed: bytes (keyword, now long)"
    assert drift(task, replace(learnt, data={name: moved}), executor) == (message,)
    ask("DELETE", f"/{name}")
    assert drift(task, replace(learnt, data={name: moved}), executor) == ()  # nothing can be asked
    ask("PUT", f"/{name}", MAPPING)  # for the fixture, which removes it


def test_alias_over_different_indices_is_one_index(url: str, ask: Ask, name: str) -> None:
    other = f"{name}-2"
    ask("PUT", f"/{other}", {"mappings": {"properties": {"level": {"type": "text"}, "seen": {"type": "date"}}}})
    ask("POST", "/_aliases", {"actions": [{"add": {"index": one, "alias": f"{name}-all"}} for one in (name, other)]})
    try:
        with Http(HttpSettings(index=f"{name}-all")).open(QueryDsl(Settings()), Engine(url=url)) as executor:
            facts = executor.facts([EXAMPLE])[f"{name}-all"]
    finally:
        ask("DELETE", f"/{other}")
    assert facts["documents"] == 2
    assert {"bytes", "level", "seen"} <= facts["fields"].keys()
