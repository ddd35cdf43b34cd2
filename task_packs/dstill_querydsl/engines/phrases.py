"""Samples a few words from the texts of an index, for questions that search texts.

    phrases(server, "logs", field, 20)   → Known(values=("left the cluster", "disk full", …))

This is the only request that reads the texts of documents, so users have to turn it on (`text_sample_size`). It keeps
two or three adjacent words from each document, never a whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dstill.api.records import OutcomeKind
from dstill.api.values import Known
from dstill.io.secrets import looks_secret
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.language.fields import Field

__all__ = ["phrases"]

_WORD = re.compile(r"[^\W\d_]{3,20}")  # words that a person would search for: letters, no digits


def phrases(server: HttpEngine, name: str, field: Field, documents: int) -> Known | None:
    """Phrases from a text field that is not nested, in at most `documents` documents. None if there are none."""
    query = {"bool": {"filter": [{"exists": {"field": field.name}}]}}
    outcome = server.search(name, {"size": documents, "_source": [field.name], "query": query})
    if outcome.kind is not OutcomeKind.OK:
        return None
    distinct: dict[str, None] = {}
    for number, hit in enumerate(outcome.raw["hits"]["hits"]):
        text = next(_texts(hit.get("_source"), field.name.split(".")), "")
        if (words := _phrase(text, number)) and not looks_secret(words):
            distinct[words] = None
    return Known(values=tuple(distinct)) if distinct else None


def _texts(source: Any, path: list[str]) -> Iterator[str]:
    """The texts at a path of a document, whose keys may contain dots."""
    if isinstance(source, str) and not path:
        yield source
    elif isinstance(source, list):
        for item in source:
            yield from _texts(item, path)
    elif isinstance(source, dict):
        for length in range(1, len(path) + 1):
            if (key := ".".join(path[:length])) in source:
                yield from _texts(source[key], path[length:])


def _phrase(text: str, number: int) -> str:
    """Two or three adjacent words of `text`; each `number` chooses another position."""
    words = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text[:2_000])]
    runs = [
        text[start:end]
        for length in (3, 2)
        for (_, start, _), (_, _, end) in zip(words, words[length - 1 :], strict=False)
        if text[start:end].count(" ") == length - 1 and "\n" not in text[start:end]
    ]
    return runs[(number * 7) % len(runs)] if runs else ""
