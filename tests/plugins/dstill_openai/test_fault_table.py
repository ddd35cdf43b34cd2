"""docs/faults.md matches the behaviour of the real command line for every fault."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from support.fault_table import QUESTIONS, run
from support.faults import FAULTS


@pytest.mark.nightly  # endpoints that never answer are waited for
def test_docs_table_matches_the_behaviour(root: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_faults", root / "docs" / "make_faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.text() == (root / "docs" / "faults.md").read_text(encoding="utf-8"), "run `make docs`"


def test_pause_is_reported() -> None:
    ran = run([FAULTS["429, Retry-After in seconds"]()])
    assert "warning: rate-limited by HOST, next try in 1 s\n" in ran.err
    assert (ran.code, ran.requests) == (0, len(QUESTIONS) + 1)
