"""Make tests/support importable, set a key that must not appear anywhere, and speed up retries."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture(autouse=True)
def _fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same backoff, a hundred times as fast."""
    monkeypatch.setattr("dstill_openai.backoff.FIRST", 0.005)
