"""The task and the executors of this pack, for those who do not use them: their modules are imported on use."""

from __future__ import annotations

from dstill.api.option import Option
from dstill.api.part import declare, on_use

__all__ = ["EMBEDDED", "HTTP", "TASK"]

TASK = declare(
    "querydsl",
    "dstill_querydsl.pack:QueryDsl",
    base="base:querydsl",
    data_noun="index",
    default=True,
    executors=("embedded", "http"),
    options=(
        Option(
            name="--index",
            commands=("init", "ask", "adapt", "serve"),
            help="The index, alias or data stream to read from the server. Required with --engine-url.",
            examples={
                "ask": 'dstill ask --engine-url http://127.0.0.1:9200 --index logs "requests of the last hour by host"',
                "adapt": "dstill adapt --engine-url http://127.0.0.1:9200 --index logs",
                "init": "dstill init --engine-url http://127.0.0.1:9200 --index logs --out logs",
            },
            read=on_use("dstill_querydsl.options:index"),
        ),
        Option(
            name="--index",
            commands=("doctor",),
            help="Your index, alias or data stream on the server: also check what can be read of it.",
            read=on_use("dstill_querydsl.options:index"),
        ),
        Option(
            name="--bundled-index",
            commands=("demo",),
            help="The bundled index that the demo is about: factbook (the default) or birdstrikes.",
            read=on_use("dstill_querydsl.options:bundled_index"),
        ),
        Option(
            name="--mapping",
            commands=("data questions",),
            metavar="FILE",
            help="The mapping of your own index, as `GET INDEX/_mapping` prints it.",
            read=on_use("dstill_querydsl.options:own_index"),
        ),
        Option(
            name="--values",
            commands=("data questions",),
            metavar="FILE",
            help="Common values of its fields, as the values.json that `dstill init` writes. Needs --mapping.",
            read=on_use("dstill_querydsl.options:values"),
        ),
        Option(
            name="--mapping",
            commands=("check",),
            metavar="FILE",
            help="Mapping of your index, as JSON. Without one, the layers mapping and values are skipped; json, schema "
            'and guard are not. A row may have its own mapping, in its "context".',
            read=on_use("dstill_querydsl.options:mapping"),
            column=on_use("dstill_querydsl.options:column"),
        ),
        Option(
            name="--dialect",
            commands=("check",),
            help="The product whose rules apply: elasticsearch9, elasticsearch8, opensearch3 or opensearch2. "
            "Default: task.querydsl.dialect, which is elasticsearch9 unless set.",
            read=on_use("dstill_querydsl.options:dialect"),
        ),
    ),
)
EMBEDDED = declare(
    "embedded", "dstill_querydsl.engines.executors:Embedded", distributions=("osmem-server", "elasticsearch")
)
HTTP = declare(
    "http",
    "dstill_querydsl.engines.executors:Http",
    url_schemes=("http", "https"),
    distributions=("elasticsearch",),
)
