"""The schema against parsers, on new one-step mutants of the third-party valid bodies.

Each is put to a real Elasticsearch and a real OpenSearch; what both refuse the layers json and
schema should refuse, what both run they should let pass. The seed is fixed; ``SEED=…`` in the
environment draws others.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.exec_cases import CASES, rows
from support.form_mutants import KINDS, mutants

from dstill_querydsl.language import schema

pytestmark = [pytest.mark.live, pytest.mark.skipif(not CASES.is_dir(), reason="the third-party cases are not here")]
SEED = int(os.environ.get("SEED", "3"))
N = 1_500
# What the schema refuses although parsers take it: they pass over a part of the body without a word.
IGNORED_BY_ENGINES = re.compile(
    r"an item of '\w+' must be an? (object|query|span query)|must be an object( or a list| or one of asc, desc)?, found"
)
# A 400 that is about the index, its fields, or a module that this node lacks: no verdict on the form.
NOT_ABOUT_FORM = re.compile(
    r"[Nn]o mapping found|failed to find geo field|does not exist|failed to find nested|script_lang not supported"
    r"|runtime error|Result window|Unable to find a field mapper"
)


class Node:
    """A node's own words about a body."""

    def __init__(self, url: str, dialect: str) -> None:
        self.dialect = dialect
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        status, text = self._ask("PUT", "/dstill-form/_doc/1?refresh=true", {"a": 1, "field": "a"})
        assert status == 201, text

    def verdict(self, body: Any) -> str | None:
        """accept, reject, or None where the answer is not about the form."""
        status, text = self._ask("POST", "/dstill-form/_search", body)
        assert status not in (429, 503), text  # the node is in trouble: no verdict on the body
        if status == 200:
            return "accept"
        return None if NOT_ABOUT_FORM.search(text) else "reject"

    def close(self) -> None:
        self._ask("DELETE", "/dstill-form", None)
        self._connection.close()

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, str]:
        self._connection.request(method, path, json.dumps(body), {"content-type": "application/json"})
        reply = self._connection.getresponse()
        return reply.status, reply.read().decode()


@pytest.fixture(scope="module")
def engine_nodes(elasticsearch_url: str, opensearch_url: str) -> Iterator[list[Node]]:
    opened = [Node(elasticsearch_url, "elasticsearch9"), Node(opensearch_url, "opensearch3")]
    yield opened
    for node in opened:
        node.close()


def test_schema_agrees_with_engines_on_new_mutants(engine_nodes: list[Node]) -> None:
    valid = [row["query"] for row in rows("dsl_valid.jsonl")]
    bodies = [body for body in valid if all(node.verdict(body) == "accept" for node in engine_nodes)]
    assert len(bodies) >= 500
    seen: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    wrong: list[tuple[str, str]] = []
    for mutant in mutants(bodies, SEED, N):
        verdicts = {node.verdict(mutant.body) for node in engine_nodes}
        if len(verdicts) > 1 or None in verdicts:
            continue  # the engines differ
        (verdict,) = verdicts
        key, problems = (mutant.kind, str(verdict)), schema.check(mutant.body)
        seen[key] += 1
        refused[key] += bool(problems)
        if problems and verdict == "accept" and not IGNORED_BY_ENGINES.search(problems[0].message):
            wrong.append((problems[0].pointer, problems[0].message))
    for kind in KINDS:
        counts = [counter[(kind, verdict)] for verdict in ("reject", "accept") for counter in (refused, seen)]
        print("{}: {} of {} to reject, {} of {} to accept".format(kind, *counts))
    assert _share("reject, refused", refused, seen, "reject") >= 0.97
    accepted = sum(n for (_, verdict), n in seen.items() if verdict == "accept")
    _share("accept, refused", refused, seen, "accept")
    print("accept, refused without a reason:", wrong)
    assert len(wrong) <= 0.01 * accepted


def _share(name: str, refused: Counter[tuple[str, str]], seen: Counter[tuple[str, str]], verdict: str) -> float:
    hits, of = (sum(n for (_, v), n in counter.items() if v == verdict) for counter in (refused, seen))
    print(f"{name}: {hits} of {of} ({hits / of:.2%})")
    return hits / of


def test_dialects_differ_as_engines_do(engine_nodes: list[Node]) -> None:
    """Every row on which the four engines differ, asked again of the two that run here."""
    differ = [row for row in rows("form_mutants.jsonl") if row["verdict"] == "dialect"]
    wrong = []
    for row in differ:
        for node in engine_nodes:
            verdict = node.verdict(row["query"])
            if verdict and bool(schema.check(row["query"], node.dialect)) != (verdict == "reject"):
                wrong.append((node.dialect, verdict, row["query"]))
    assert not wrong
