"""Real Elasticsearch and OpenSearch nodes for tests (tests/live/nodes.py, which lies in no package).

    node = own_node(tmp_path_factory, "elasticsearch9", heap="1g")
    node.url            # http://127.0.0.1:40311
    node.stop()

Without java or mvn the test is skipped, saying what is missing; ``DSTILL_REQUIRE_LIVE=1`` (set in CI) makes it fail.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest
from filelock import FileLock

__all__ = ["nodes", "own_node", "skip_or_fail"]


def nodes() -> ModuleType:
    """The module tests/live/nodes.py."""
    if "live_nodes" not in sys.modules:
        file = Path(__file__).parents[1] / "live" / "nodes.py"
        spec = importlib.util.spec_from_file_location("live_nodes", file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["live_nodes"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["live_nodes"])
    return sys.modules["live_nodes"]


def own_node(temporary: pytest.TempPathFactory, dialect: str, heap: str) -> Any:
    """A node that no other test shares: ``elasticsearch`` (its newest release) or ``elasticsearch8``. Stop it."""
    known, product = nodes(), dialect.rstrip("0123456789")
    major = dialect.removeprefix(product)
    versions = [one.version for one in known.RELEASES if one.product == product and one.version.startswith(f"{major}.")]
    try:
        known.BUILD.mkdir(parents=True, exist_ok=True)
        with FileLock(known.BUILD / "lock"):  # two runs on one machine build once
            version = versions[0] if major else None
            return known.start(product, temporary.mktemp(dialect), version=version, heap=heap)
    except (known.Missing, known.Failed) as error:
        skip_or_fail(f"{dialect}: {error}", missing=isinstance(error, known.Missing))


def skip_or_fail(problem: str, *, missing: bool) -> NoReturn:
    require = os.environ.get("DSTILL_REQUIRE_LIVE") == "1" or not missing
    (pytest.fail if require else pytest.skip)(problem)
