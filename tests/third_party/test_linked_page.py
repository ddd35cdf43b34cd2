"""docs/linked.md shows the text of the third-party package's form, and examples that give what they show."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from tests.third_party.conftest import RPN

from dstill.api import Form
from dstill.linked import LINKS


@pytest.fixture
def page(root: Path) -> Path:
    return root / "docs" / "linked.md"


def test_examples_give_what_they_show(page: Path) -> None:
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 15
    assert not result.failed


def test_form_is_that_of_the_package(page: Path) -> None:
    files = [file.read_text() for file in (RPN / "src" / "dstill_rpn").glob("*.py")]
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    shown = [text for text in blocks if not text.startswith(">>> ")]
    assert len(shown) == 4
    assert [text for text in shown if not any(text in file for file in files)] == []


def test_page_names_every_member_of_a_form_and_every_link(page: Path) -> None:
    text = page.read_text()
    table = re.findall(r"^\| (`\w+.*?) \|", text.partition("## A form")[2].partition("\n## ")[0], re.MULTILINE)
    named = set(re.findall(r"`(\w+)", " ".join(table)))
    assert named == {name for name in (*vars(Form), *Form.__annotations__) if not name.startswith("_")}
    links = re.findall(r"^\| `(\w+)` \|", text.partition("Links are")[2].partition("\n## ")[0], re.MULTILINE)
    assert tuple(links) == LINKS
