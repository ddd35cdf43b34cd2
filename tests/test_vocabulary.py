"""Help, messages, first lines of docstrings and docs use plain words: the list of banned words, and exceptions.

A file in `NOT_CONVERTED` may have as many banned words as its number says. The test also fails when a number is too
high, so the list only shrinks. `python tests/test_vocabulary.py` writes it again after a merge.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOT_CONVERTED = Path(__file__).parent / "vocabulary.json"
TEMPLATES = "core/dstill/cli/template"  # of `pack new`
SOURCES = (
    *(file for folder in ("core", "plugins", "task_packs") for file in sorted((ROOT / folder).rglob("*.py"))),
    *sorted((ROOT / TEMPLATES).glob("*.py.txt")),
    ROOT / "tests/support/fault_table.py",  # the words of docs/faults.md
)
DOCS = (
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "task_packs").rglob("NOTICE.md")),
    *(file for file in sorted((ROOT / TEMPLATES).glob("*.txt")) if not file.name.endswith(".py.txt")),
)
# Files whose texts are questions in the words of users, or prompts: other words are another, paid request.
NO_MESSAGES = (
    "core/dstill/stages/generate/question_inventor.py",
    "plugins/dstill_openai/structured.py",
    "task_packs/dstill_querydsl/prompting/",
    "task_packs/dstill_querydsl/questions/templates/",
    f"{TEMPLATES}/pack.py.txt",
)
BANNED = (
    r"told",
    r"anew",
    r"begins? again",
    r"by name",
    r"in all(?! (?:cases|of|these|those|other|sets|files|runs|splits))",
    r"of yours",
    r"the house",
    r"hangs? on",
    r"made of",
    r"left out",
    r"left over",
    r"room",
    r"desk",
    r"leash",
    r"stands? (?:in|beside|there|for itself)",
    r"goes before",
    r"what (?:stands|was there)",
    r"(?<!there )is no [a-z]+",
    r"likewise",
)
PATTERN = re.compile(rf"\b({'|'.join(BANNED)})\b", re.IGNORECASE)
CODE = re.compile(r"```.*?```|`[^`\n]*`|^(?: {4}|\t)[^\n]*$", re.DOTALL | re.MULTILINE)


def texts_of_source(text: str, messages: bool = True) -> Iterator[str]:
    """First lines of docstrings, the whole docstring of commands (their help), and all messages, or only help texts."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = ast.get_docstring(node) or ""
            yield docstring if _is_command(node) else docstring.partition("\n")[0]
    yield from _messages(tree) if messages else _helps(tree)


def _messages(tree: ast.AST) -> Iterator[str]:
    """String literals with a space, other than docstrings."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in alone and " " in str(node.value):
            yield str(node.value)


def _helps(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in ("help", "short_help"):
            yield from _constants(node.value)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "help":
                    yield from _constants(value)


def _is_command(node: ast.AST) -> bool:
    decorators = getattr(node, "decorator_list", [])
    return any(re.search(r"\.(command|group)\b|^click\b", ast.unparse(one)) for one in decorators)


def _constants(node: ast.AST) -> Iterator[str]:
    return (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def found() -> dict[str, Counter[str]]:
    """File → its banned words."""
    words: dict[str, Counter[str]] = {}
    for file in SOURCES:
        name = str(file.relative_to(ROOT))
        texts = texts_of_source(file.read_text(encoding="utf-8"), messages=not name.startswith(NO_MESSAGES))
        words[name] = Counter(word for text in texts for word in banned(text))
    for file in DOCS:
        words[str(file.relative_to(ROOT))] = Counter(banned(file.read_text(encoding="utf-8")))
    return {file: counted for file, counted in words.items() if counted}


def banned(text: str) -> list[str]:
    """The banned words in the prose of Markdown, in order."""
    return [match[1].lower() for match in PATTERN.finditer(CODE.sub("", text))]


def test_texts_use_plain_words() -> None:
    allowed: dict[str, int] = json.loads(NOT_CONVERTED.read_text())
    words = found()
    too_many = {file: dict(n) for file, n in words.items() if n.total() > allowed.get(file, 0)}
    assert not too_many, "say it in plain words (BANNED in this file)"
    now = {file: words.get(file, Counter()).total() for file in allowed}
    shrunk = {file: n for file, n in now.items() if n < allowed[file]}
    assert not shrunk, f"lower these numbers in {NOT_CONVERTED.name}, or take the file out where it is 0"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What it is made of.", ["made of"]),
        ("Room for more; `room` in code, and\n\n    room in a block", ["room"]),
        ("First.\n\n    a room\n    another room\n\nThen a desk.\n", ["desk"]),
        ("First.\n\n```sh\nls room\n```\n\nThen a desk.\n", ["desk"]),
        ("It runs in all cases.", []),
        ("What replies cost in all.", ["in all"]),
    ],
)
def test_finds_banned_words_in_prose_only(text: str, words: list[str]) -> None:
    assert banned(text) == words


def test_finds_banned_words_in_docstrings_help_and_messages() -> None:
    source = '''
"""A desk."""
x = field(help="An x for the room.")
def run():
    """First line.

    The second line is not checked: a leash.
    """
    raise ValueError(f"{n} rows left over")
'''
    texts = list(texts_of_source(source))
    assert sorted(word for text in texts for word in banned(text)) == ["desk", "left over", "room"]
    assert [word for text in texts_of_source(source, messages=False) for word in banned(text)] == ["desk", "room"]


RIDDLES = ("told", "anew", "road", "door", "desk", "beside", "nobodys?", "left_out", "corpora", "is_there")


def test_names_of_tests_and_fixtures_use_plain_words() -> None:
    pattern = re.compile(rf"(^|_)({'|'.join(RIDDLES)})(_|$)")
    names = [
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_test_or_fixture(node)
        if pattern.search(node.name)
    ]
    assert not names, "say subject and expected behaviour in plain words (RIDDLES in this file)"


def _is_test_or_fixture(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.name.startswith("test_") or any("fixture" in ast.unparse(one) for one in node.decorator_list)


if __name__ == "__main__":
    counts = {file: counted.total() for file, counted in sorted(found().items())}
    NOT_CONVERTED.write_text(json.dumps(counts, indent=1) + "\n")
    print(f"{sum(counts.values())} banned words in {len(counts)} files")
