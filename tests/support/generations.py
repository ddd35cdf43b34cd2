"""Compares what students write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from dstill.api.student import Generation

__all__ = ["assert_same"]


def assert_same(some: Sequence[Generation], others: Sequence[Generation]) -> None:
    """The same texts and tokens. The last digits of log-probabilities depend on the batch."""
    assert [_exact(one) for one in some] == [_exact(one) for one in others]
    for name in ("logprob", "least_logprob"):
        assert [getattr(one, name) for one in some] == pytest.approx([getattr(one, name) for one in others], abs=1e-4)


def _exact(written: Generation) -> Generation:
    return replace(written, seconds=0, logprob=None, least_logprob=None)
