"""An index on a server as a project: what `dstill init --engine-url URL --index NAME` writes.

    describe(Engine(url="http://127.0.0.1:9200"), HttpSettings(index="logs"), Settings())
    → ProjectFiles(files={"mapping.json": "{…}", "values.json": "{…}"},
                   settings={"task.querydsl.index": "logs", "task.querydsl.mapping": "mapping.json", …},
                   about=("read from Elasticsearch 9.2.0: index 'logs', 100 documents, 42 fields", …))

Only reads. `guard.fields` holds here already: of a field that it denies no value is read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from dstill.api.engine import Engine, ProjectFiles
from dstill.errors import DataError, UsageError
from dstill_querydsl.engines import Capabilities, HttpEngine
from dstill_querydsl.engines.reading import Read, read
from dstill_querydsl.engines.rules import check_name
from dstill_querydsl.guard.mapping import limits_on
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.mapping.drift import counted, field_count, fields_digest
from dstill_querydsl.questions.invented_documents import APART
from dstill_querydsl.questions.roles import KINDS

if TYPE_CHECKING:
    from dstill_querydsl.engines import HttpSettings
    from dstill_querydsl.settings import Settings

__all__ = ["describe"]

NAMED = 4  # fields that are named of each kind that was left out
STALE = timedelta(days=7)  # an index whose newest document is older does not move on with the clock
_DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch3", "opensearch2")
_SECTION = "task.querydsl"


def describe(engine: Engine, there: HttpSettings, config: Settings) -> ProjectFiles:
    """Raises UsageError without an index, DataError for an empty one, ServiceError and AuthError."""
    if not there.index:
        raise UsageError("which index?", where="--index", hint="name the index, alias or data stream to read")
    name = check_name(there.index, pattern=there.allow_pattern, where="--index")
    with HttpEngine(engine, pattern=there.allow_pattern) as server:
        mapping, documents = server.mapping(name), server.count(name)
        if not documents:
            raise DataError(f"'{name}' holds no documents", where=engine.url, hint="fill it, or name another index")
        limits = limits_on(mapping, config.guard)
        found = read(
            server,
            name,
            mapping,
            allows=limits.allows,
            most=config.profiled_fields,
            texts=config.text_sample_size,
            together=config.question_fields,
        )
        product = server.capabilities
    now = _now(mapping, found, datetime.now(UTC))
    more = {**({"now": now} if now else {}), **({APART: found.apart} if found.apart else {})}
    kept = {**mapping, "_meta": {**mapping.get("_meta", {}), **more}} if more else mapping
    read_from = f"read from {str(product).strip()}: {_what(name, documents, mapping)}"
    return ProjectFiles(
        files={"mapping.json": _text(kept), "values.json": _text(found.values.to_json())},
        settings={
            f"{_SECTION}.index": name,
            f"{_SECTION}.mapping": "mapping.json",
            f"{_SECTION}.values": "values.json",
            f"{_SECTION}.dialect": _dialect(product),
            **OWN,
        },
        recipe=RECIPE,
        about=(read_from, *_about(found, config, now), *_useless(mapping)),
    )


# What one CPU core goes through in a few minutes.
OWN: Mapping[str, Any] = {f"{_SECTION}.n_questions": 3_000}
RECIPE: Mapping[str, Any] = {
    "train.label_weight": 0.8,
    "train.num_train_epochs": 8.0,
    "train.max_length": 128,
    "train.max_target_length": 192,
    "train.threads": 1,
}


def _what(name: str, documents: int, mapping: Mapping[str, Any]) -> str:
    fields, digest = field_count(mapping), fields_digest(mapping)[:12]
    counts = f"{counted(documents, 'document')}, {counted(fields, 'field')}"
    return f"'{name}', {counts} (their names and types: {digest})"


def _useless(mapping: Mapping[str, Any]) -> Iterator[str]:
    if not any(one.family in KINDS for one in Fields.of(mapping)):
        yield "warning: no question can be made of it: it has no field of a type that questions know"


def _about(found: Read, config: Settings, now: str) -> Iterator[str]:
    """How many fields' values are known, by reason those of which none are, and what follows for questions."""
    known = sum(1 for _ in found.values)
    yield f"values of {known:,} fields are in values.json"
    if known > config.question_fields:
        yield f"questions are made of the first {config.question_fields} of these ({_SECTION}.question_fields)"
    yield from _left_out(found)
    if "texts" in found.unread.values() and not config.text_sample_size:
        yield f"questions about texts find little: --set {_SECTION}.text_sample_size=20 reads words of 20 documents"
    if found.apart:
        pairs = sum(map(len, found.apart.values()))
        yield f"pairs of fields that no document has, nor a question: {pairs:,} (_meta.{APART} in mapping.json)"
    if now:
        yield f"its newest date is {now}, which stands for now in questions: _meta.now in mapping.json"


def _left_out(found: Read) -> Iterator[str]:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for field, why in found.unread.items():
        by_reason[why].append(field)
    for why, fields in by_reason.items():
        more = f" and {len(fields) - NAMED:,} more" if len(fields) > NAMED else ""
        yield f"without values, {why}: {', '.join(fields[:NAMED])}{more}"


def _now(mapping: Mapping[str, Any], found: Read, clock: datetime) -> str:
    """What stands for now in an index that nothing is added to; empty: the clock's."""
    if mapping.get("_meta", {}).get("now") or found.newest is None or clock - found.newest < STALE:
        return ""
    return found.newest.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dialect(server: Capabilities) -> str:
    """The dialect of the server, else the nearest of its product that is known."""
    if server.dialect in _DIALECTS:
        return server.dialect
    product = server.dialect.rstrip("0123456789")
    return next((one for one in reversed(_DIALECTS) if one.startswith(product)), _DIALECTS[0])


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
