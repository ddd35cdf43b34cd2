"""The tables of `wordings.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["wordings"]


@cache
def wordings() -> Mapping[str, Mapping[str, Any]]:
    """All tables."""
    return tomllib.loads(Path(__file__).with_name("wordings.toml").read_text(encoding="utf-8"))
