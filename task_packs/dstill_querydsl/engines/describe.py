"""Describes an index on a server as project files, for `dstill init --engine-url URL --index NAME`.

    describe(Engine(url="http://127.0.0.1:9200"), HttpSettings(index="logs"), Settings())
    → ProjectFiles(files={"mapping.json": "{…}", "values.json": "{…}"},
                   settings={"task.querydsl.index": "logs", "task.querydsl.mapping": "mapping.json", …},
                   about=("read from Elasticsearch 9.2.0: index 'logs', 100 documents, 42 fields", …))

Only reads from the server. Values of fields that `guard.fields` denies are not read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dstill.api.engine import Engine, ProjectFiles
from dstill.errors import DataError, UsageError
from dstill_querydsl.bundle.indices import APART_KEY
from dstill_querydsl.engines import Capabilities, HttpEngine
from dstill_querydsl.engines.http import known
from dstill_querydsl.engines.reading import FieldValues, read
from dstill_querydsl.engines.rules import check_name
from dstill_querydsl.language.field_types import QUESTION_KINDS
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.language.mapping.drift import counted, field_count, fields_digest

if TYPE_CHECKING:
    from dstill_querydsl.engines import HttpSettings
    from dstill_querydsl.settings import Settings

__all__ = ["describe", "indices"]

NAME_LIMIT = 4  # fields to name for each reason why values were not read
MAX_AGE = timedelta(days=7)  # an index with no newer document is taken as one that no longer grows
_DIALECTS = ("elasticsearch9", "elasticsearch8", "opensearch3", "opensearch2")
_SECTION = "task.querydsl"


def describe(engine: Engine, settings: HttpSettings, config: Settings) -> ProjectFiles:
    """Read an index and describe it as project files.

    Raises UsageError if no index is named, DataError if it is empty, ServiceError and AuthError from the server.
    """
    name = settings.index and check_name(settings.index, pattern=settings.allow_pattern, where="--index")
    with _server(engine, settings) as server:
        if not name:
            hint = f"{known(server.names())}name the index, alias or data stream to read: --index NAME"
            raise UsageError("no index is named", where="--index", hint=hint)
        mapping, documents = server.mapping(name), server.count(name)
        if not documents:
            raise DataError(f"'{name}' has no documents", where=engine.url, hint="fill it, or name another index")
        if not Fields.of(mapping).names:
            hint = "map the fields that questions are about, or name another index"
            raise DataError(f"'{name}' has no fields", where=engine.url, hint=hint)
        limits = limits_on(mapping, config.guard)
        facts = read(
            server,
            name,
            mapping,
            allows=limits.allows,
            most=config.profiled_fields,
            texts=config.text_sample_size,
            together=config.question_fields,
        )
        product = server.capabilities
    now = _now(mapping, facts, datetime.now(UTC))
    meta = {**({"now": now} if now else {}), **({APART_KEY: facts.apart} if facts.apart else {})}
    annotated = {**mapping, "_meta": {**mapping.get("_meta", {}), **meta}} if meta else mapping
    read_from = f"read from {str(product).strip()}: {_summary(name, documents, mapping)}"
    return ProjectFiles(
        files={"mapping.json": _text(annotated), "values.json": _text(facts.values.to_json())},
        settings={
            f"{_SECTION}.index": name,
            f"{_SECTION}.mapping": "mapping.json",
            f"{_SECTION}.values": "values.json",
            f"{_SECTION}.dialect": _dialect(product),
            f"{_SECTION}.n_questions": 3_000,
            f"{_SECTION}.free_phrasing": 0.5,
        },
        recipe=RECIPE,
        about=(read_from, *_about(facts, config, now), *_unusable(mapping)),
        brief=(
            f"{product} at {engine.url}: {_counts(name, documents, mapping)}",
            *_brief_now(mapping, now),
        ),
    )


def indices(engine: Engine, settings: HttpSettings) -> Sequence[str]:
    """The indices, aliases and data streams to choose from. Empty if `settings` name one, or the key may list none."""
    if settings.index:
        return ()
    with _server(engine, settings) as server:
        return server.names()


def _server(engine: Engine, settings: HttpSettings) -> HttpEngine:
    return HttpEngine(engine, pattern=settings.allow_pattern, ca_fingerprint=settings.ca_fingerprint)


# One CPU core trains on this many questions with this recipe in a few minutes.
RECIPE: Mapping[str, Any] = {
    f"{_SECTION}.free_phrasing": 0.0,  # too much for a student that starts from nothing
    "train.label_weight": 0.8,
    "train.num_train_epochs": 8.0,
    "train.max_length": 128,
    "train.max_target_length": 192,
    "train.threads": 1,
}


def _summary(name: str, documents: int, mapping: Mapping[str, Any]) -> str:
    return f"{_counts(name, documents, mapping)} (their names and types: {fields_digest(mapping)[:12]})"


def _counts(name: str, documents: int, mapping: Mapping[str, Any]) -> str:
    return f"'{name}', {counted(documents, 'document')}, {counted(field_count(mapping), 'field')}"


def _unusable(mapping: Mapping[str, Any]) -> Iterator[str]:
    if not any(field.family in QUESTION_KINDS for field in Fields.of(mapping)):
        yield "warning: no questions can be generated: the index has no field of a type that questions support"


def _about(facts: FieldValues, config: Settings, now: str) -> Iterator[str]:
    """How many fields have known values, why the others have none, and the consequences for questions."""
    known = sum(1 for _ in facts.values)
    yield f"values of {known:,} fields are in values.json"
    if known > config.question_fields:
        yield f"questions use the first {config.question_fields} of these ({_SECTION}.question_fields)"
    yield from _without_values(facts)
    if "texts" in facts.unread.values() and not config.text_sample_size:
        yield f"for questions that search texts, --set {_SECTION}.text_sample_size=20 reads words from 20 documents"
    if facts.apart:
        pairs = sum(map(len, facts.apart.values()))
        pairs_of = f"{counted(pairs, 'pair')} (_meta.{APART_KEY} in mapping.json)"
        yield f"questions do not combine fields that no document has together: {pairs_of}"
    if now:
        yield f"the newest date is {now}; questions use it as the current time (_meta.now in mapping.json)"


def _without_values(facts: FieldValues) -> Iterator[str]:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for field, why in facts.unread.items():
        by_reason[why].append(field)
    for why, fields in by_reason.items():
        more = f" and {len(fields) - NAME_LIMIT:,} more" if len(fields) > NAME_LIMIT else ""
        yield f"no values ({why}): {', '.join(fields[:NAME_LIMIT])}{more}"


def _now(mapping: Mapping[str, Any], facts: FieldValues, clock: datetime) -> str:
    """The current time to assume for an index that no longer grows; empty: use the clock."""
    if mapping.get("_meta", {}).get("now") or facts.newest is None or clock - facts.newest < MAX_AGE:
        return ""
    return facts.newest.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _brief_now(mapping: Mapping[str, Any], newest: str) -> Iterator[str]:
    """The date for "now" in queries, if it is not the clock: the query that runs has this date in its place."""
    if newest:
        yield f"'now' is {newest}, the newest date"
    elif date := mapping.get("_meta", {}).get("now"):
        yield f"'now' is {date}, as _meta of the mapping says"


def _dialect(server: Capabilities) -> str:
    """The dialect of the server, or the nearest one that is known for its product."""
    if server.dialect in _DIALECTS:
        return server.dialect
    product = server.dialect.rstrip("0123456789")
    return next((dialect for dialect in reversed(_DIALECTS) if dialect.startswith(product)), _DIALECTS[0])


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
