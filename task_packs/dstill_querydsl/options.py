"""Options that this pack adds to dstill's commands, such as `data questions --mapping FILE`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dstill.api.option import Option, OptionValue
from dstill.io.input_files import object_of
from dstill_querydsl.bundle.indices import TRAINABLE, trainable
from dstill_querydsl.settings import Settings

__all__ = ["OPTIONS"]

MAPPING_FORM = "give the mapping of the index, as GET _mapping prints it"
VALUES_FORM = 'give {"FIELD": ["every", "value"], "OTHER": {"examples": [...]}}'
_SECTION = "task.querydsl"


def _mapping(text: str) -> OptionValue:
    return OptionValue(context={"mapping": object_of(Path(text), "--mapping", MAPPING_FORM)})


def _own_index(text: str) -> OptionValue:
    """The mapping. The index gets the name of the file."""
    name = Path(text).stem
    return OptionValue(
        settings={f"{_SECTION}.mapping": text, f"{_SECTION}.index": name},
        context={**_mapping(text).context, "index": name},
    )


def _values(text: str) -> OptionValue:
    return OptionValue(
        settings={f"{_SECTION}.values": text},
        context={"values": object_of(Path(text), "--values", VALUES_FORM)},
    )


def _of_row(value: Any) -> Mapping[str, Any]:
    return {"mapping": value} if isinstance(value, dict) else {}


OPTIONS = (
    Option(
        name="--index",
        commands=("init", "ask", "adapt"),
        help="The index, alias or data stream to read from the server. Required with --engine-url.",
        examples={
            "ask": 'dstill ask --engine-url http://127.0.0.1:9200 --index logs "requests of the last hour by host"',
            "adapt": "dstill adapt --engine-url http://127.0.0.1:9200 --index logs",
            "init": "dstill init --engine-url http://127.0.0.1:9200 --index logs --out logs",
        },
        read=lambda text: OptionValue(settings={"executor.http.index": text}),
    ),
    Option(
        name="--index",
        commands=("doctor",),
        help="Your index, alias or data stream on the server: also check what can be read of it.",
        read=lambda text: OptionValue(settings={"executor.http.index": text}),
    ),
    Option(
        name="--bundled-index",
        commands=("demo",),
        help=f"The bundled index that the demo is about: {', '.join(TRAINABLE)}. Default: {Settings.index}.",
        read=lambda text: OptionValue(settings={f"{_SECTION}.index": trainable(text)}),
    ),
    Option(
        name="--mapping",
        commands=("data questions",),
        metavar="FILE",
        help="The mapping of your own index, as `GET INDEX/_mapping` prints it.",
        read=_own_index,
    ),
    Option(
        name="--values",
        commands=("data questions",),
        metavar="FILE",
        help="Common values of its fields, as the values.json that `dstill init` writes. Needs --mapping.",
        read=_values,
    ),
    Option(
        name="--mapping",
        commands=("check", "data check"),
        metavar="FILE",
        help="Mapping of your index, as JSON. Without one, the layers mapping and values are skipped; json, schema and "
        'guard are not. A row may have its own mapping, in its "context".',
        read=_mapping,
        column=_of_row,
    ),
    Option(
        name="--dialect",
        commands=("check", "data check"),
        help="The product whose rules apply: elasticsearch9, elasticsearch8, opensearch3 or opensearch2. "
        "Default: task.querydsl.dialect, which is elasticsearch9 unless set.",
        read=lambda text: OptionValue(settings={f"{_SECTION}.dialect": text}),
    ),
)
