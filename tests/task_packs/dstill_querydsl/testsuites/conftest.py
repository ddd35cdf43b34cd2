"""A small mapping with a nested field, and a cache folder of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dstill_querydsl.testdata import IndexSchema

MAPPING: dict[str, Any] = {
    "properties": {
        "level": {"type": "keyword"},
        "host": {"type": "keyword"},
        "message": {"type": "text"},
        "took": {"type": "integer"},
        "weight": {"type": "double"},
        "at": {"type": "date"},
        "day": {"type": "date", "format": "yyyy-MM-dd"},
        "stars": {"type": "byte"},
        "place": {"type": "geo_point"},
        "credits": {"type": "nested", "properties": {"name": {"type": "keyword"}, "job": {"type": "keyword"}}},
    }
}


@pytest.fixture
def place() -> IndexSchema:
    return IndexSchema(mapping=MAPPING, settings={}, now="2025-03-27T12:00:00Z")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "dstill" / "corpora"
