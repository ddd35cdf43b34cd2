r"""Ways to run a search body elsewhere: on the command line, in Kibana or OpenSearch Dashboards, from Python.

    snippets('{"size":0}', "weblogs", "elasticsearch9")
    →  [("curl", "curl http://localhost:9200/weblogs/_search …"), ("Kibana Dev Tools", "GET weblogs/_search\n…"), …]

The body is untrusted. In a shell it stands in a quoted here-document: no line of JSON is the word that ends it, since a
line break within a string is written as an escape.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from urllib.parse import quote

from dstill.io.pretty_json import highlighted, pretty

__all__ = ["snippets"]

SERVER = "http://localhost:9200"
WIDTH = 80
CONSTANTS = {"true": "True", "false": "False", "null": "None"}  # the other parts of JSON are Python


def snippets(answer: str, index: str, dialect: str) -> Iterator[tuple[str, str]]:
    """The name of each way and its text. `answer` is valid JSON."""
    body, path = pretty(answer, WIDTH), f"{quote(index, safe='')}/_search"
    is_opensearch = dialect.startswith("opensearch")
    address = shlex.quote(f"{SERVER}/{path}")
    yield "curl", f"curl {address} -H 'content-type: application/json' -d @- <<'JSON'\n{body}\nJSON"
    yield ("Dashboards Dev Tools" if is_opensearch else "Kibana Dev Tools"), f"GET {path}\n{body}"
    library, client = ("opensearchpy", "OpenSearch") if is_opensearch else ("elasticsearch", "Elasticsearch")
    parts = highlighted(answer, WIDTH)
    value = "".join(CONSTANTS[text] if kind == "keyword" else text for kind, text in parts)
    lines = (
        f"from {library} import {client}",
        "",
        f"client = {client}({SERVER!r})",
        f"body = {value}",
        f"found = client.search(index={index!r}, body=body)",
    )
    yield "Python", "\n".join(lines)
