"""What the clients may ask of a server, and which names an index may have."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.errors import UsageError
from dstill_querydsl.engines.rules import check_name, reads, writes

READS = [
    ("GET", "/"),
    ("POST", "/logs/_search"),
    ("POST", "/logs/_count"),
    ("POST", "/logs/_validate/query"),
    ("GET", "/logs/_mapping"),
    ("POST", "/logs/_field_caps"),
    ("POST", "/logs-%2A/_search"),
]
NEVER = [
    ("DELETE", "/logs"),
    ("PUT", "/logs"),
    ("POST", "/logs/_doc"),
    ("POST", "/logs/_delete_by_query"),
    ("POST", "/logs/_update_by_query"),
    ("POST", "/_bulk"),
    ("POST", "/_search"),
    ("POST", "/_msearch"),
    ("POST", "/_sql"),
    ("PUT", "/logs/_mapping"),
    ("DELETE", "/"),
    ("GET", "/_cluster/settings"),
    ("POST", "/logs,other/_search"),
    ("POST", "/.security/_search"),
    ("POST", "/_all/_search"),
    ("POST", "/logs/../other/_search"),
    ("POST", "/remote:logs/_search"),
    ("POST", "/%3Clogs-%7Bnow%2Fd%7D%3E/_search"),
    ("POST", "/logs/_search/scroll"),
    ("POST", "/logs/_search/template"),
    ("GET", ""),
]


@pytest.mark.parametrize(("method", "path"), READS)
def test_scoring_client_allows_reads(method: str, path: str) -> None:
    assert reads(method, path)


@pytest.mark.parametrize(("method", "path"), NEVER)
def test_scoring_client_refuses_everything_else(method: str, path: str) -> None:
    assert not reads(method, path)


def test_loader_writes_own_indices_only() -> None:
    created: set[str] = set()
    permit = writes(created)
    assert not permit("PUT", "/dstill-toy")
    created.update({"dstill-toy", "logs"})
    assert permit("PUT", "/dstill-toy")
    assert permit("PUT", "/dstill-toy/_bulk")
    assert permit("DELETE", "/dstill-toy")
    assert not permit("DELETE", "/logs")
    assert not permit("DELETE", "/dstill-other")
    assert not permit("POST", "/dstill-toy/_delete_by_query")
    assert not permit("DELETE", "/")


@pytest.mark.parametrize("name", ["logs", "logs-2025.03", "a", "my_index", "9lives"])
def test_accepts_index_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "_all", ".security", "-x", "a,b", "a:b", "a/b", "Logs", "<a-{now/d}>", "logs-*", "*", "a b", "a\n"]
)
def test_rejects_name_that_is_not_one_index(name: str) -> None:
    with pytest.raises(UsageError, match="not a valid index name"):
        check_name(name)


def test_pattern_must_be_allowed() -> None:
    assert check_name("logs-*", pattern=True) == "logs-*"
    with pytest.raises(UsageError, match="allow_pattern"):
        check_name("logs-*")
    with pytest.raises(UsageError):
        check_name("*", pattern=True)


@given(st.text(max_size=30))
def test_accepted_name_needs_no_escaping_in_path(name: str) -> None:
    try:
        check_name(name)
    except UsageError:
        return
    assert re.fullmatch(r"[^,:/*?<>%#\s]+", name)
    assert reads("POST", f"/{name}/_search")
