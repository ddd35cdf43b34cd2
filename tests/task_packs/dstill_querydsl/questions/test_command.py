"""`dstill data questions --mapping`, as a person gives it files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KEYWORD = {"type": "keyword"}
MAPPING = {"properties": {"level": KEYWORD, "took": {"type": "long", "meta": {"unit": "ms"}}, "at": {"type": "date"}}}


@pytest.fixture
def run_questions(cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """``asked(mapping, values, "-n", "5")``: objects are written to files, bytes as they are."""
    monkeypatch.delenv("DSTILL_DISABLE")

    def call(mapping: Any, values: Any = None, *words: str) -> Any:
        given = []
        for name, content in (("mapping", mapping), ("values", values)):
            if content is not None:
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                (tmp_path / f"{name}.json").write_bytes(data)
                given += [f"--{name}", f"{name}.json"]
        return cli("data", "questions", "--task", "querydsl", *given, *words, toy=False)

    return call


def test_makes_questions_about_own_mapping(run_questions: Callable[..., Any]) -> None:
    values = {"level": ["info", "warn", "error"], "took": {"min": 1, "max": 90_000}, "gone": ["x"]}
    ended = run_questions(MAPPING, values, "-n", "60", "--json")
    assert ended.code == 0
    rows = [json.loads(line) for line in ended.out.splitlines()]
    assert len(rows) == 60
    assert {row["context"]["index"] for row in rows} == {"mapping"}
    assert {row["category"] for row in rows} >= {"refusal", "exact_filter", "terms", "units", "adversarial"}
    first, *others = ended.err.splitlines()
    assert first.startswith("60 questions of ")
    assert "exact_filter" in first
    assert any("candidates dropped" in line for line in others)
    assert "warning: 1 field with values not in the mapping: gone" in others


UNUSUAL = {
    "properties": {
        'say "hi"': KEYWORD,
        "a b.c-d": KEYWORD,
        "🚀": {"type": "long"},
        "vector": {"type": "dense_vector", "dims": 3},
        "odd": {"type": "brand_new"},
        "loop": {"type": "alias", "path": "loop"},
    }
}


def test_counts_unusual_names_and_types(run_questions: Callable[..., Any]) -> None:
    ended = run_questions(UNUSUAL, None, "-n", "30", "--json")
    assert ended.code == 0, ended.err
    text = ended.out
    assert len(text.splitlines()) == 30
    assert "'🚀'" in text
    assert "no questions about 2 fields because of the type: 1 dense_vector, 1 brand_new" in ended.err


@pytest.mark.nightly
def test_reads_mapping_of_5000_fields(run_questions: Callable[..., Any]) -> None:
    kinds = ["keyword", "long", "date", "text"]
    fields = {f"group_{n // 100}": {"properties": {}} for n in range(5000)}
    for n in range(5000):
        fields[f"group_{n // 100}"]["properties"][f"field_{n}"] = {"type": kinds[n % 4]}
    ended = run_questions({"properties": fields}, {"group_3.field_300": ["x", "y"]}, "-n", "20", "--json")
    assert ended.code == 0, ended.err
    assert len(ended.out.splitlines()) == 20
    assert "group_3.field_300" in ended.out
    assert "the mapping is wide: 4,920 of its fields have no questions" in ended.err
