"""Writes docs/llms.txt: the pages of the docs with a sentence each, for language models (llmstxt.org).

    python docs/make_llms.py           # `make docs`

Order and sections are those of the navigation in mkdocs.yml, the sentence is the first of the page. `make site` puts
the Markdown files beside the pages that are made of them, so that the links lead to text. A test asserts that the file
is what this makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).parent
FILE = DOCS / "llms.txt"


def main() -> None:
    FILE.write_text(text())


def text() -> str:
    """The whole file."""
    site = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text())
    sections = "".join(f"\n## {name}\n\n" + "".join(map(_line, pages)) for name, pages in _sections(site["nav"]))
    return f"# {site['site_name']}\n\n> {site['site_description']}.\n{sections}"


def _sections(nav: list[dict[str, list[Any]]]) -> Iterator[tuple[str, list[str]]]:
    """(name, pages). What lies deeper comes last: a reader in a hurry may leave `Optional` out."""
    deeper: list[str] = []
    for section in nav:
        ((name, entries),) = section.items()
        yield name, [entry for entry in entries if isinstance(entry, str)]
        deeper += [page for entry in entries if isinstance(entry, dict) for pages in entry.values() for page in pages]
    yield "Optional", deeper


def _line(page: str) -> str:
    title, sentence = _about((DOCS / page).read_text())
    return f"- [{title}]({page}): {sentence}\n"


def _about(page: str) -> tuple[str, str]:
    """The title, and the first sentence of prose: no code, table, list, picture or comment."""
    title, *paragraphs = page.strip().split("\n\n")
    prose = next(p for p in paragraphs if re.match(r"[A-Za-z`*\[]", p))
    flat = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(prose.split())).removeprefix("**Context.** ")
    return title.removeprefix("# "), re.split(r"(?<=[.!?]) (?=[A-Z0-9`])", flat)[0].rstrip(":")


if __name__ == "__main__":
    main()
