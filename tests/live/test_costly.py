"""The largest bodies that the guard lets through are answered by real nodes, which go on answering.

The nodes are this file's own, since other tests would wait for them. They have the 1 GB of heap that the limits are
made for (docs/guard.md). A circuit breaker may refuse a body. That is an answer too: no node may be gone, or not come
to an end.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.costly import FAMILIES, MAPPING, documents

from dstill_querydsl.language import guard

pytestmark = pytest.mark.live

INDEX, DOCUMENTS = "dstill-costly", 5_000
TIMEOUT = 30.0  # seconds, an engine's default in dstill
ANSWERS = {200, 400, 429, 503}  # results; not determinizable; a circuit breaker; more buckets than the engine makes


@pytest.fixture(scope="module", params=["elasticsearch", "opensearch"])
def url(request: pytest.FixtureRequest, own_node: Callable[[str, str], Any]) -> Iterator[str]:
    node = own_node(request.param, "1g")
    url: str = node.url
    lines = [line for one in documents(DOCUMENTS) for line in ('{"index":{}}', json.dumps(one))]
    ask(url, "PUT", f"/{INDEX}", {"settings": {"number_of_shards": 1, "number_of_replicas": 0}, "mappings": MAPPING})
    status, answer = ask(url, "POST", f"/{INDEX}/_bulk?refresh=true", lines)
    assert (status, answer["errors"]) == (200, False)
    yield url
    node.stop()


def ask(url: str, method: str, path: str, body: dict[str, Any] | list[str] | None = None) -> tuple[int, Any]:
    text = "\n".join([*body, ""]) if isinstance(body, list) else json.dumps(body) if body else ""
    kind = "application/x-ndjson" if isinstance(body, list) else "application/json"
    request = urllib.request.Request(url + path, text.encode() or None, {"content-type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("name", FAMILIES)
def test_answers_largest_accepted_body(url: str, name: str) -> None:
    body = FAMILIES[name].body(FAMILIES[name].largest())
    assert guard.check(body) == ()
    status, answer = ask(url, "POST", f"/{INDEX}/_search", body)
    assert status in ANSWERS, answer
    assert ask(url, "GET", f"/{INDEX}/_count")[1]["count"] == DOCUMENTS
