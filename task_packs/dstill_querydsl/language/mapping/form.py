"""Checks that a JSON object from a user has the form of an index mapping.

In: the mapping of ``--mapping`` or of a row. Out: nothing, or a `DataError` that says where the mistake is:

    require_mapping({"properties": {}})                 # valid: an index without fields
    require_mapping({"a": {"type": "keyword"}})         # DataError: this is not an index mapping; hint: give …
    require_mapping({"properties": {"a": {"type": 5}}}) # DataError: … where: mapping, /properties/a/type

Names of types and options are not checked: the engine judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.errors import DataError
from dstill_querydsl.language.strict import escape

__all__ = ["MOST_FIELDS", "names_an_index", "require_mapping", "require_size"]

_HINT = "give {properties}, {mappings} or the response of GET _mapping"
_DEPTH = 50
MOST_FIELDS = 50_000  # a question about so many takes 13 s and 660 MB; Elasticsearch allows 1,000 by default


def require_mapping(mapping: Any) -> None:
    """Raises DataError unless `mapping` has the form of an index mapping."""
    if not isinstance(mapping, Mapping):
        raise _error("this is not an index mapping", "")
    if not isinstance(mapping.get("_meta", {}), Mapping):
        raise _error("_meta of the mapping must be an object", "/_meta")
    if "properties" in mapping and not names_an_index(mapping):
        _properties(mapping["properties"], "/properties", 0)
    elif "mappings" in mapping:
        _mappings(mapping["mappings"], "/mappings")
    elif mapping and all(isinstance(index, Mapping) and "mappings" in index for index in mapping.values()):
        for name, index in mapping.items():
            _mappings(index["mappings"], f"/{escape(name)}/mappings")
    else:
        raise _error("this is not an index mapping", "")


def require_size(mapping: Mapping[str, Any], where: str) -> None:
    """Raises DataError if a plain mapping, ``{properties}``, has more than `MOST_FIELDS` fields."""
    fields, pending = 0, [(mapping.get("properties"), 0)]
    while pending:
        part, depth = pending.pop()
        if not isinstance(part, Mapping) or depth > _DEPTH:
            continue
        fields += len(part)
        for definition in part.values():
            if isinstance(definition, Mapping):
                pending += [(definition.get(below), depth + 1) for below in ("properties", "fields")]
    if fields > MOST_FIELDS:
        raise DataError(
            f"the mapping has {fields:,} fields, and dstill reads at most {MOST_FIELDS:,}",
            where=where,
            hint="name one index instead of several, or give a mapping with only the fields that questions are about",
        )


def names_an_index(mapping: Mapping[str, Any]) -> bool:
    """Whether ``properties`` is the name of an index here, rather than the fields of a mapping."""
    inside = mapping.get("properties")
    if not isinstance(inside, Mapping) or set(inside) != {"mappings"}:
        return False
    return isinstance(inside["mappings"], Mapping) and "type" not in inside["mappings"]


def _mappings(value: Any, at: str) -> None:
    """The value of ``mappings``: options and fields, which old indices put under the name of a type."""
    if not isinstance(value, Mapping):
        raise _error("the mapping must be an object", at)
    if "properties" in value:
        _properties(value["properties"], f"{at}/properties", 0)
        return
    for name, typed in value.items():
        if isinstance(typed, Mapping) and "properties" in typed:
            _properties(typed["properties"], f"{at}/{escape(name)}/properties", 0)


def _properties(value: Any, at: str, depth: int) -> None:
    if not isinstance(value, Mapping):
        raise _error("the fields of a mapping must be an object", at)
    for name, definition in value.items() if depth < _DEPTH else ():
        step = f"{at}/{escape(name)}"
        if not isinstance(definition, Mapping):
            raise _error(f"the definition of the field '{name}' must be an object", step)
        if not isinstance(definition.get("type", ""), str):
            raise _error(f"the type of the field '{name}' must be a string", f"{step}/type")
        for below in ("properties", "fields"):
            if below in definition:
                _properties(definition[below], f"{step}/{below}", depth + 1)


def _error(message: str, at: str) -> DataError:
    return DataError(message, where=f"mapping, {at}" if at else "mapping", hint=_HINT)
