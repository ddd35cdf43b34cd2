"""Nodes for the tests of this folder, one a product and run.

Under pytest-xdist all workers share them: the first that needs a node starts it, behind a file
lock, and it ends with the process that started the workers. ``DSTILL_REQUIRE_LIVE=1`` (set in
CI) makes a machine without java or mvn a failure, where it is a skip elsewhere.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator

import pytest
from filelock import FileLock

from dstill.parts import Engine
from dstill_querydsl.engines import EmbeddedServer, HttpEngine

LEFT_RUNNING: list[Any] = []  # nodes of a worker's that others may still use: not to be collected as forgotten


def _nodes() -> ModuleType:
    """nodes.py, which lies in no package."""
    if "live_nodes" not in sys.modules:
        spec = importlib.util.spec_from_file_location("live_nodes", Path(__file__).with_name("nodes.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules["live_nodes"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["live_nodes"])
    return sys.modules["live_nodes"]


@pytest.fixture(scope="session")
def nodes() -> ModuleType:
    return _nodes()


@pytest.fixture(scope="session")
def elasticsearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Elasticsearch."""
    yield from _url("elasticsearch", tmp_path_factory)


@pytest.fixture(scope="session")
def opensearch_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OpenSearch."""
    yield from _url("opensearch", tmp_path_factory)


@pytest.fixture(scope="session")
def engines(elasticsearch_url: str, opensearch_url: str) -> Iterator[dict[str, HttpEngine]]:
    """All three, writable: embedded, elasticsearch, opensearch."""
    with EmbeddedServer.start() as server:
        embedded = HttpEngine(Engine(url=server.url), writable=True, embedded_version=server.version)
        real = {
            name: HttpEngine(Engine(url=url), writable=True)
            for name, url in (("elasticsearch", elasticsearch_url), ("opensearch", opensearch_url))
        }
        opened = {"embedded": embedded, **real}
        yield opened
        for engine in opened.values():
            engine.close()


def _url(product: str, temporary: pytest.TempPathFactory) -> Iterator[str]:
    worker = "PYTEST_XDIST_WORKER" in os.environ
    # A worker's own folder lies in the run's; the worker's parent lives as long as the run.
    folder = temporary.getbasetemp().parent if worker else temporary.getbasetemp()
    parent = os.getppid() if worker else os.getpid()
    told = folder / f"{product}.json"
    node: Any = None
    with FileLock(folder / f"{product}.lock"):
        if not told.exists():
            node, found = _start(product, folder, parent)
            told.write_text(json.dumps(found))
        found = json.loads(told.read_text())
    if "url" not in found:
        require = os.environ.get("DSTILL_REQUIRE_LIVE") == "1" or not found["missing"]
        (pytest.fail if require else pytest.skip)(f"{product}: {found['problem']}")
    yield found["url"]
    if worker:
        LEFT_RUNNING.append(node)
    elif node is not None:
        node.stop()


def _start(product: str, folder: Path, parent: int) -> tuple[Any, dict[str, Any]]:
    nodes = _nodes()
    try:
        nodes.BUILD.mkdir(parents=True, exist_ok=True)
        with FileLock(nodes.BUILD / "lock"):  # two runs on one machine build once
            node = nodes.start(product, folder / product, parent=parent)
    except (nodes.Missing, nodes.Failed) as error:
        return None, {"problem": str(error), "missing": isinstance(error, nodes.Missing)}
    print(f"{product} {node.release.version}: {node.seconds:.1f} s to start")
    return node, {"url": node.url, "version": node.release.version, "seconds": node.seconds}
