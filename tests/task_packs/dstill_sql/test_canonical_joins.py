"""Names of tables and the order of joins do not count; which table a column is of does."""

from __future__ import annotations

import pytest
from support.tables import rows

from dstill_sql.language.canonical import canonical_text

SAME = rows(__file__, "joins_same.jsonl")
OTHER = rows(__file__, "joins_other.jsonl")


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_are_the_same(one: str, other: str) -> None:
    assert canonical_text(one, "duckdb") == canonical_text(other, "duckdb")


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_meanings_differ(one: str, other: str) -> None:
    assert canonical_text(one, "duckdb") != canonical_text(other, "duckdb")


@pytest.mark.parametrize("text", [text for pair in (*SAME, *OTHER) for text in pair])
def test_the_canonical_text_is_its_own(text: str) -> None:
    once = canonical_text(text, "duckdb")
    assert canonical_text(once, "duckdb") == once
