"""Nodes for the tests of this folder, one a release and run.

`elasticsearch_url` and `opensearch_url` are the newest releases that run here; `url_of` starts
any of the four by its dialect: elasticsearch9, elasticsearch8, opensearch3, opensearch2.

Under pytest-xdist all workers share them: the first that needs a node starts it, behind a file
lock, and it ends with the process that started the workers. ``DSTILL_REQUIRE_LIVE=1`` (set in
CI) makes a machine without java or mvn a failure, where it is a skip elsewhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from filelock import FileLock
from support import live_nodes

from dstill.api.engine import Engine
from dstill_querydsl.engines import EmbeddedEngine, HttpEngine

STILL_RUNNING: list[Any] = []  # nodes of a worker's that others may still use: not to be collected as forgotten


@pytest.fixture(scope="session")
def nodes() -> ModuleType:
    return live_nodes.nodes()


@pytest.fixture(scope="session")
def url_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """``url_of("opensearch2")``: the address of that release, started where it was not yet."""
    started: list[Any] = []

    def url(dialect: str) -> str:
        product = dialect.rstrip("0123456789")
        major = dialect.removeprefix(product)
        [version] = [
            r.version for r in live_nodes.nodes().RELEASES if r.product == product and r.version.startswith(f"{major}.")
        ]
        return _url(product, version, tmp_path_factory, started)

    yield url
    _end(started)


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Elasticsearch."""
    started: list[Any] = []
    yield _url("elasticsearch", None, tmp_path_factory, started)
    _end(started)


@pytest.fixture(scope="session")
def opensearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OpenSearch."""
    started: list[Any] = []
    yield _url("opensearch", None, tmp_path_factory, started)
    _end(started)


@pytest.fixture(scope="session")
def own_node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Any]:
    """``own_node("opensearch", "1g")``: a node that no other test shares, of so much heap. The caller stops it."""
    return lambda product, heap: live_nodes.own_node(tmp_path_factory, product, heap)


@pytest.fixture(scope="session")
def engines(elasticsearch_url: str, opensearch_url: str) -> Iterator[dict[str, HttpEngine]]:
    """All three, writable: embedded, elasticsearch, opensearch."""
    real = {
        name: HttpEngine(Engine(url=url), writable=True)
        for name, url in (("elasticsearch", elasticsearch_url), ("opensearch", opensearch_url))
    }
    opened = {"embedded": EmbeddedEngine(), **real}
    yield opened
    for engine in opened.values():
        engine.close()


def _url(product: str, version: str | None, temporary: pytest.TempPathFactory, started: list[Any]) -> str:
    """The address of a release's node. Where this process starts it, it is added to `started`."""
    worker = "PYTEST_XDIST_WORKER" in os.environ
    # A worker's own folder lies in the run's; the worker's parent lives as long as the run.
    folder = temporary.getbasetemp().parent if worker else temporary.getbasetemp()
    parent = os.getppid() if worker else os.getpid()
    try:
        release, _ = live_nodes.nodes().release_for(product, version)
    except live_nodes.nodes().Missing as error:
        live_nodes.skip_or_fail(f"{product}: {error}", missing=True)
    name = f"{product}-{release.version}"
    file = folder / f"{name}.json"
    with FileLock(folder / f"{name}.lock"):
        if not file.exists():
            node, found = _start(product, release.version, folder / name, parent)
            file.write_text(json.dumps(found))
            if node is not None:
                started.append(node)
        found = json.loads(file.read_text())
    if "url" not in found:
        live_nodes.skip_or_fail(f"{name}: {found['problem']}", missing=found["missing"])
    return str(found["url"])


def _end(started: list[Any]) -> None:
    """Under xdist the nodes end with the run, since other workers may still use them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        STILL_RUNNING.extend(started)
        return
    for node in started:
        node.stop()


def _start(product: str, version: str, folder: Path, parent: int) -> tuple[Any, dict[str, Any]]:
    nodes = live_nodes.nodes()
    try:
        nodes.BUILD.mkdir(parents=True, exist_ok=True)
        with FileLock(nodes.BUILD / "lock"):  # two runs on one machine build once
            node = nodes.start(product, folder, version=version, parent=parent)
    except (nodes.Missing, nodes.Failed) as error:
        return None, {"problem": str(error), "missing": isinstance(error, nodes.Missing)}
    print(f"{product} {version}: {node.seconds:.1f} s to start")
    return node, {"url": node.url, "version": version, "seconds": node.seconds}
