"""The launcher itself: every release starts, says who it is, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from dstill.api.engine import Engine
from dstill_querydsl.engines import HttpEngine

pytestmark = pytest.mark.live
TOY = {"properties": {"level": {"type": "keyword"}}}


def test_finds_jdks_with_version(nodes: ModuleType) -> None:
    found = nodes.jdks()
    assert found == sorted(found)
    assert all((jdk.home / "bin" / "javac").is_file() and jdk.version >= 8 for jdk in found)


def test_names_jdk_that_is_too_old(nodes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "jdks", lambda: [nodes.Jdk(version=11, home=Path("/nowhere"))])
    with pytest.raises(nodes.Missing, match="found: 11"):
        nodes.release_for("opensearch")
    monkeypatch.setattr(nodes, "jdks", lambda: [nodes.Jdk(version=17, home=Path("/nowhere"))])
    assert nodes.release_for("opensearch")[0].version == "2.19.6"


@pytest.mark.parametrize(("product", "version"), [("elasticsearch", "8.19.5"), ("opensearch", "2.19.6")])
def test_older_releases_work_with_same_client(
    nodes: ModuleType, elasticsearch_url: str, tmp_path: Path, product: str, version: str
) -> None:
    node = nodes.start(product, tmp_path, version=version)
    try:
        with HttpEngine(Engine(url=node.url), writable=True) as engine:
            assert str(engine.capabilities).lower() == f"{product} {version}"
            assert engine.index("dstill-toy-1", TOY, [("1", {"level": "error"}), ("2", {"level": "info"})]) == 2
            found = engine.search("dstill-toy-1", {"query": {"term": {"level": "error"}}})
            assert [hit["_id"] for hit in found.raw["hits"]["hits"]] == ["1"]
    finally:
        node.stop()
    assert not (tmp_path / f"{product}-data").exists()


def test_node_stops_with_parent(nodes: ModuleType, elasticsearch_url: str, tmp_path: Path) -> None:
    """The parent is killed without a chance to clean up."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]) as parent:
        try:
            node = nodes.start("elasticsearch", tmp_path, parent=parent.pid)
        finally:
            parent.kill()
    try:
        node.process.wait(timeout=90)
    finally:
        node.stop()
    deadline = time.monotonic() + 5
    while (tmp_path / "elasticsearch-data").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (tmp_path / "elasticsearch-data").exists()
