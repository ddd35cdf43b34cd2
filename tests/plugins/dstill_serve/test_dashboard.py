"""The dashboard in deploy/ shows every metric of a real `/metrics`, and none besides."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENDINGS = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
OTHERS = {"job", "result"}  # labels that Prometheus adds, and those of a large model, which the test has none of


@pytest.fixture
def families(serve_in_thread: Callable[..., Any], project: Path) -> list[Any]:
    """The metrics after an executed answer and feedback."""
    from prometheus_client.parser import text_string_to_metric_families

    server = serve_in_thread(feedback=project / "feedback.jsonl")
    assert server.query(execute=True).status == 200
    feedback = {"question": "what is tea?", "answer": '{"say": "tea"}', "verdict": "right"}
    assert server("POST", "/v1/feedback", feedback).status == 200
    found = text_string_to_metric_families(server("GET", "/metrics").text)
    return [family for family in found if not family.name.endswith("_created")]


@pytest.fixture
def asked(root: Path) -> str:
    """What the panels ask for."""
    panels = json.loads((root / "deploy" / "grafana" / "dashboard.json").read_text())["panels"]
    return "\n".join(target["expr"] for panel in panels for target in panel["targets"])


def test_dashboard_asks_for_metrics_and_labels_that_exist(families: list[Any], asked: str) -> None:
    there = {f"{family.name}{ending}" for family in families for ending in ENDINGS[family.type]}
    assert set(re.findall(r"dstill_\w+", asked)) <= there
    labels = {name for family in families for sample in family.samples for name in sample.labels}
    grouped = {name for found in re.findall(r"by \(([\w, ]+)\)", asked) for name in found.split(", ")}
    assert grouped | set(re.findall(r"[{,](\w+)=", asked)) <= labels | OTHERS


def test_dashboard_shows_every_metric(families: list[Any], asked: str) -> None:
    assert len(families) >= 13
    assert [family.name for family in families if not re.search(rf"\b{family.name}", asked)] == []
