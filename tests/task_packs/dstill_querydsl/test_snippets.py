"""The forms of a body for other programs: they run, and nothing in a body escapes its quotes."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import Example
from dstill_querydsl.language.results.snippets import snippets
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.settings import Settings

HOSTILE = {
    "query": {"match": {"a": 'it\'s \n JSON\nJSON\n$(touch x) `id` \\ """ \u202e \U0001f600'}},
    "track_total_hits": True,
    "missing": None,
    "size": 0,
    "boost": 1.50,
}


def form(name: str, body: Any, index: str = "logs") -> str:
    return dict(snippets(json.dumps(body), index, "elasticsearch9"))[name]


def test_shell_sends_the_body_and_runs_nothing_else(tmp_path: Any) -> None:
    command = "curl() { printf '%s\\n' \"$@\" >&2; cat; }\n" + form("curl", HOSTILE, index="it's $(touch x)")
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == HOSTILE
    assert ended.stderr.splitlines()[0] == "http://localhost:9200/it%27s%20%24%28touch%20x%29/_search"
    assert list(tmp_path.iterdir()) == []


BODIES = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.floats(-1e9, 1e9) | st.text(max_size=30) | st.lists(st.text())
)


@given(BODIES)
def test_python_searches_with_the_body(body: Any) -> None:
    asked: list[dict[str, Any]] = []
    client = SimpleNamespace(search=lambda **given: asked.append(given))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "elasticsearch", SimpleNamespace(Elasticsearch=lambda address: client))
        exec(form("Python", body), {})
    assert asked == [{"index": "logs", "body": body}]


def test_names_follow_the_product_and_junk_has_no_form() -> None:
    example = Example(id="1", question="?", context={"index": "shop"})
    task = QueryDsl(Settings(dialect="opensearch3"))
    assert [name for name, _ in task.snippets('{"size":0}', example)] == ["curl", "Dashboards Dev Tools", "Python"]
    assert dict(task.snippets('{"size":0}', example))["Dashboards Dev Tools"] == 'GET shop/_search\n{"size": 0}'
    assert task.snippets('{"size":', example) == ()
