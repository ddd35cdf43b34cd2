"""`dstill doctor` against the four real engines: every known answer is right, and nothing is left behind."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dstill.api.engine import CheckResult, Engine
from dstill_querydsl.engines import Http, HttpSettings
from dstill_querydsl.engines.conformance_cases import CASES
from dstill_querydsl.engines.self_check import invariants
from dstill_querydsl.pack import QueryDsl

pytestmark = [pytest.mark.live]
DIALECTS = ("elasticsearch8", "elasticsearch9", "opensearch2", "opensearch3")


def checked(index: str = "", **engine: Any) -> list[CheckResult]:
    with Http(HttpSettings(index=index)).open(QueryDsl(), Engine(**engine)) as executor:
        return list(executor.self_check())


def ask(url: str, method: str = "GET", body: Any = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=30) as reply:
        return bytes(reply.read())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_case_passes(dialect: str, url_of: Callable[[str], str]) -> None:
    results = checked(url=url_of(dialect), load_data=True)
    answers = [one for one in results if one.expected]
    assert [(one.name, one.found, one.expected) for one in answers if one.problem or not one.checked] == []
    assert len(answers) == sum(not one.dialects or dialect in one.dialects for one in CASES)
    facts = {one.name: one.found for one in results if not one.expected}
    assert ", tested with dstill" in facts["version"]
    native = dialect == "elasticsearch9"
    assert ("native form" in facts["client"]) is native
    no_security = "this server has no security: whoever reaches it can write"
    assert facts["key"] == no_security if dialect.startswith("e") else facts["key"].startswith("cannot tell")
    assert ask(f"{url_of(dialect)}/_cat/indices/dstill-doctor-*?h=index").strip() == b""


@pytest.fixture
def index(request: pytest.FixtureRequest, url_of: Callable[[str], str]) -> Iterator[str]:
    """The address of an index with one document."""
    at = f"{url_of(request.param)}/some-index"
    ask(f"{at}/_doc/1?refresh=true", "PUT", {"a": "x"})
    yield at
    ask(at, "DELETE")


@pytest.mark.parametrize("index", DIALECTS, indirect=True)
def test_checks_invariants_of_index_without_loading_data(index: str) -> None:
    url, _, name = index.rpartition("/")
    invariant_checks = [one for one in checked(url=url, index=name) if one.expected and one.checked]
    assert len(invariant_checks) == len(invariants(1)) + 2
    assert [(one.name, one.found, one.expected) for one in invariant_checks if one.problem] == []
