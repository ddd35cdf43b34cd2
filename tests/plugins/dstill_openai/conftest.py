"""A key that must not appear anywhere, and retries that are faster."""

from __future__ import annotations

import pytest

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    return KEY


@pytest.fixture(autouse=True)
def _fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same backoff, a hundred times as fast."""
    monkeypatch.setattr("dstill_openai.backoff.FIRST", 0.005)
