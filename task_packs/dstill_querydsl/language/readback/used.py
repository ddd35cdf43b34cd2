"""What a part of a body uses of the schema, for `Phrase.items` and `Phrase.values`.

used(query({"term": {"title.raw": "Up"}}, …), names)    (("title",), ("Up",))
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dstill_querydsl.language.mapping.uses import Use
from dstill_querydsl.language.readback.naming import Names

__all__ = ["used"]


def used(uses: Iterable[Use], names: Names) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The fields and the values, each once and in their order. A sub-field is the field that it belongs to."""
    items, values = dict[str, None](), dict[str, None]()
    for use in uses:
        items[names.root(use.name)] = None
        values |= dict.fromkeys(map(_text, use.values))
    return tuple(items), tuple(values)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
