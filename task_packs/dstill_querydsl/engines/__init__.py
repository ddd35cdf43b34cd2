"""Runs search bodies on the embedded engine, on Elasticsearch and on OpenSearch.

In: the text of an answer and its example. Out: an `Outcome` whose value `language.results.compare` compares. The pack
registers the executors in `executors`; both use the client in `http`.
"""

from dstill_querydsl.engines.embedded import EmbeddedEngine
from dstill_querydsl.engines.executors import Embedded, Http, HttpSettings
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.server import EmbeddedServer
from dstill_querydsl.engines.server_version import Capabilities

__all__ = ["Capabilities", "Embedded", "EmbeddedEngine", "EmbeddedServer", "Http", "HttpEngine", "HttpSettings"]
