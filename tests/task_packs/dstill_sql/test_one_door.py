"""No text reaches an engine but by a `Statement`: a walk through the code of the pack."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dstill_sql

ROOT = Path(dstill_sql.__file__).parent
FILES = {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}
# What runs a text on an open connection, and the files that have one. The process of an engine gets messages (`steps`).
RUNS = {"execute", "executemany", "executescript", "copy", "stream", "extract_statements"}
CHILD = {"engines/work.py", "engines/work_sqlite.py", "engines/work_duckdb.py", "engines/serving.py"}
SERVER = {"engines/server.py", "engines/loading.py"}
LIBRARIES = {
    "sqlite3": {"engines/sqlite.py", "engines/work_sqlite.py"},  # the first one asks for its version
    "duckdb": set[str](),  # the child loads it by name
    "psycopg": {"engines/connecting.py", "engines/server.py", "engines/loading.py"},
    "pgparse": {"engines/parsers/postgres.py"},
}


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in names:
                yield node


def is_ours(node: ast.expr) -> bool:
    """Whether a text has only words of the code: literals, and constants of a module."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return is_ours(node.func.value)
    return False


def is_statement(node: ast.expr) -> bool:
    """Whether an argument of `execute` is the text of a `Statement`, or one of the few texts of the connection."""
    if isinstance(node, ast.Starred):
        return ast.unparse(node).startswith("*_settings(")
    if isinstance(node, ast.Call):
        return ast.unparse(node).startswith("_named(") and is_ours(node.args[0])
    is_fetch = isinstance(node, ast.JoinedStr) and ast.unparse(node) == "f'FETCH {most} FROM answer'"  # `most`: an int
    return is_fetch or (isinstance(node, ast.Attribute) and node.attr == "text")


def test_texts_run_in_few_files() -> None:
    found = {file for file, tree in FILES.items() for call in calls(tree, *RUNS) if not is_something_else(call)}
    assert found == CHILD | SERVER


def is_something_else(call: ast.Call) -> bool:
    """``tree.copy()`` of sqlglot and of dictionaries, and functions of the pack that have one of these names."""
    return not isinstance(call.func, ast.Attribute) or (call.func.attr == "copy" and not call.args)


@pytest.mark.parametrize("file", sorted(SERVER))
def test_a_server_gets_the_texts_of_statements(file: str) -> None:
    given = [call.args[0] for call in calls(FILES[file], *RUNS) if not is_something_else(call)]
    assert given
    assert [ast.unparse(one) for one in given if not is_statement(one)] == []


def test_the_child_runs_texts_of_messages_and_of_its_own() -> None:
    own = {"f'PRAGMA hard_heap_limit = {self._heap}'", "f'PRAGMA {pragma}'"}
    own |= {"insert", "f'EXPLAIN {step[\\'text\\']}'", "f\"EXPLAIN {step['text']}\""}
    own |= {"f\"PREPARE planned AS {step['text']}\"", "step['text']", "database", "self"}
    for file in sorted(CHILD):
        for call in calls(FILES[file], *RUNS):
            text = call.args[0] if call.args else None
            assert text is None or is_ours(text) or ast.unparse(text) in own, ast.unparse(call)


def test_messages_and_statements_are_made_in_few_files() -> None:
    made = {
        file
        for file, tree in FILES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        if {"do", "text"} <= {key.value for key in node.keys if isinstance(key, ast.Constant)}
    }
    assert made == {"engines/steps.py"}
    making = {"language/printing.py", "language/engine_text.py"}
    assert {file for file, tree in FILES.items() for _ in calls(tree, "Statement")} == making


def test_fixed_statements_have_only_words_of_the_code() -> None:
    given = [call.args[0] for tree in FILES.values() for call in calls(tree, "fixed", "about")]
    assert len(given) > 10
    assert [ast.unparse(text) for text in given if not is_ours(text)] == []


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_libraries_of_engines_are_imported_in_few_files(library: str) -> None:
    importing = {
        file
        for file, tree in FILES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Import) and any(name.name.partition(".")[0] == library for name in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == library)
    }
    assert importing == LIBRARIES[library]
