"""The examples of docs/sql_linked.md give what they show."""

import doctest
from pathlib import Path


def test_examples_of_the_page() -> None:
    page = Path(__file__).parents[4] / "docs" / "sql_linked.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 6
    assert result.failed == 0
