"""The core is language-neutral: code, comments, messages and templates contain no words of one task pack.

Plugins name no pack and no engine of one.

Names are split into words: ``index_of``, ``IndexOf`` and "the index" all hold *index*. What Python itself calls so may
stay: the type ``Mapping``, ``MappingProxyType``, and the method ``.index(…)`` of a sequence; and SQL's CREATE INDEX. So
may keys of files that earlier versions wrote, in quotes.
"""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

WORDS = {"mapping", "mappings", "index", "indices", "indexes", "tiny", "corpus", "corpora"}
# also within a word
OF_PACKS = ("elasticsearch", "opensearch", "osmem", "querydsl", "duckdb", "postgres", "sqlglot", "tasksql", "basesql")
PARTS = (*OF_PACKS, "dialect", "weblogs", "lucene", "qlora")
PYTHON = re.compile(r"\b(Mapping|MappingProxyType)\b|\.index\(|CREATE INDEX|\"(?:test_index|indices|corpora|corpus)\"")
FILES = re.compile(r"\.sql\b|\bsql/", re.IGNORECASE)  # names of files, and of a pack's rules
SPLIT = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

CORE = Path(str(files("dstill")))
SOURCES = sorted(
    path
    for path in CORE.rglob("*")
    if path.is_file()
    and "__pycache__" not in path.parts
    and path.suffix in (".py", ".txt", ".toml", ".md", ".json")
    and path.name not in ("thesaurus.txt", "words.toml")  # what people say about anything
)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines, without what may stay."""
    with tokenize.open(path) as opened:  # by the encoding of the file
        for number, line in enumerate(opened, 1):
            yield number, PYTHON.sub("", line)


def forbidden_words(text: str) -> set[str]:
    words = {word.lower() for word in SPLIT.findall(text)}
    bare = re.sub(r"[\W_]", "", text).lower()
    return (WORDS & words) | {part for part in PARTS if part in bare} | set(FILES.findall(text))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(CORE)))
def test_core_is_free_of_words_of_one_language_or_student(path: Path) -> None:
    found = [f"{path}:{number}: {', '.join(words)}" for number, line in lines(path) if (words := forbidden_words(line))]
    assert found == []


def test_plugins_name_no_pack(root: Path) -> None:
    sources = sorted((root / "plugins").rglob("*.py"))
    assert len(sources) > 100
    found = [
        f"{path}:{number}: {part}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for part in OF_PACKS
        if part in re.sub(r"[\W_]", "", line).lower()
    ]
    assert found == []


def test_templates_are_checked_too() -> None:
    assert {"cli/template/pack.py.txt", "cli/template/dstill.toml.txt", "config.py"} <= {
        str(path.relative_to(CORE)) for path in SOURCES
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("MAPPING_FORM = 1  # of an index", {"mapping", "index"}),
        ("class IndexOf:", {"index"}),
        ("QLoRA below 40 GB", {"qlora"}),
        ("the Query DSL pack", {"querydsl"}),
        ('"""Gold(id="weblogs-17")."""', {"weblogs"}),
        ("# Lucene's automata", {"lucene"}),
        ("the corpora of a gold", {"corpora"}),
        ('"corpora": "n_test_databases"', set()),
        ("osmem_server", {"osmem"}),
        ("from typing import Mapping", set()),
        ("names.index(name)", set()),
        ("indexing destiny remapped", set()),
        ("queries/top.sql: sql/guard/cross_join", {".sql", "sql/"}),
        ('"SELECT name, sql FROM sqlite_master"', set()),
    ],
)
def test_forbidden_words_are_found_within_identifiers(text: str, words: set[str]) -> None:
    assert forbidden_words(PYTHON.sub("", text)) == words
