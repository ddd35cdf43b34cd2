"""docs/architecture.md follows one record through dstill and matches the code."""

from __future__ import annotations

import doctest
from pathlib import Path


def test_page_names_the_files_that_one_record_passes(root: Path) -> None:
    result = doctest.testfile(str(root / "docs" / "architecture.md"), module_relative=False)
    assert result.attempted >= 20
    assert not result.failed
