"""Running search bodies: on the embedded engine, on Elasticsearch, on OpenSearch.

In: an answer's text and its example. Out: an `Outcome` whose value `dstill_querydsl.results.compare`
compares. `executors` is what the pack registers; `http` is the one client under both.
"""

from dstill_querydsl.engines.embedded import EmbeddedEngine
from dstill_querydsl.engines.executors import Embedded, Http, HttpSettings
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.server import EmbeddedServer
from dstill_querydsl.engines.server_version import Capabilities

__all__ = ["Capabilities", "Embedded", "EmbeddedEngine", "EmbeddedServer", "Http", "HttpEngine", "HttpSettings"]
