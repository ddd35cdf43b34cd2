"""A toy index and its task, the embedded engine over them, and servers that answer as a test specifies."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from support.loopback_server import serving

from dstill.api.engine import Engine
from dstill.api.records import Example
from dstill.api.task import Check, Task
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines import Embedded
from dstill_querydsl.language.results import compare

NOW = "2025-03-27T12:00:00Z"
MAPPING: dict[str, Any] = {
    "properties": {
        "at": {"type": "date"},
        "level": {"type": "keyword"},
        "message": {"type": "text"},
        "bytes": {"type": "integer"},
        "client": {"type": "ip"},
        "id": {"type": "long"},
    }
}


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for n in range(30):
        yield (
            f"d{n:02}",
            {
                "at": f"2025-03-{1 + n % 27:02}T08:00:00Z",
                "level": ("error", "info", "info")[n % 3],
                "message": f"node {n} left the cluster" if n % 5 else f"disk {n} full",
                "bytes": n // 2,
                "client": f"192.0.2.{n}",
                "id": 2**53 + n,
            },
        )


TOY = Index(name="toy", mapping=MAPPING, settings={}, now=NOW, documents=documents, recipe="toy 1")


class ToyTask(Task):
    name = "toy"

    def examples(self, split: str) -> Iterable[Example]:
        return ()

    @property
    def checks(self) -> tuple[Check, ...]:
        return ()

    def same(self, got: Any, want: Any) -> bool:
        return compare.same(got, want)


class ToyEmbedded(Embedded):
    """On `TOY`, whatever the example."""

    def index_of(self, example: Example) -> Index | None:
        return TOY


@pytest.fixture(scope="session")
def embedded() -> Iterator[ToyEmbedded]:
    with ToyEmbedded().open(ToyTask(), Engine()) as executor:
        yield executor


@pytest.fixture(scope="session")
def toy_index() -> Index:
    return TOY


@pytest.fixture(scope="session")
def toy_task() -> Task:
    return ToyTask()


@pytest.fixture
def example() -> Example:
    return Example(id="1", question="which?", context={"index": "toy"})


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """``serve(answer)``: the address of a server that answers by a function of (method, path, body)."""
    with contextlib.ExitStack() as running:

        def start(answer: Callable[[str, str, bytes], Any]) -> str:
            return running.enter_context(serving(lambda asked: answer(asked.method, asked.path, asked.body)))

        yield start


# What servers say of themselves.
ELASTICSEARCH_9 = {"version": {"number": "9.2.0"}, "tagline": "You Know, for Search"}
PRODUCT = {"x-elastic-product": "Elasticsearch"}


@pytest.fixture(scope="session")
def root_replies() -> dict[str, dict[str, Any]]:
    """Replies to ``GET /``, by product and major version."""
    return {
        "Elasticsearch 9": ELASTICSEARCH_9,
        "Elasticsearch 7": {"version": {"number": "7.17.0"}, "tagline": "You Know, for Search"},
        "Elasticsearch 6": {"version": {"number": "6.8.0"}, "tagline": "You Know, for Search"},
        "OpenSearch 1": {"version": {"number": "1.3.0", "distribution": "opensearch"}, "tagline": "The OpenSearch …"},
    }
