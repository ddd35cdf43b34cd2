"""Is a JSON object a mapping at all? What a person gives as one is asked before any field is looked up.

In: what ``--mapping`` or a row's ``mapping`` holds. Out: nothing, or a `DataError` that says where:

    require_mapping({"properties": {}})                 # legal: an index without fields
    require_mapping({"a": {"type": "keyword"}})         # DataError: this is no index mapping; hint: give {properties} …
    require_mapping({"properties": {"a": {"type": 5}}}) # DataError: … where: mapping, /properties/a/type

Only the form is asked: names of types and options are the engine's to judge.
"""

from __future__ import annotations

from typing import Any, Mapping

from dstill.errors import DataError
from dstill_querydsl.language.strict import escape

__all__ = ["names_an_index", "require_mapping"]

_HINT = "give {properties}, {mappings} or what GET _mapping gives"
_DEPTH = 50


def require_mapping(mapping: Any) -> None:
    """Raises DataError where `mapping` is none."""
    if not isinstance(mapping, Mapping):
        raise _none("this is no index mapping", "")
    if not isinstance(mapping.get("_meta", {}), Mapping):
        raise _none("_meta of the mapping is no object", "/_meta")
    if "properties" in mapping and not names_an_index(mapping):
        _properties(mapping["properties"], "/properties", 0)
    elif "mappings" in mapping:
        _mappings(mapping["mappings"], "/mappings")
    elif mapping and all(isinstance(index, Mapping) and "mappings" in index for index in mapping.values()):
        for name, index in mapping.items():
            _mappings(index["mappings"], f"/{escape(name)}/mappings")
    else:
        raise _none("this is no index mapping", "")


def names_an_index(mapping: Mapping[str, Any]) -> bool:
    """Whether ``properties`` is an index of that name, rather than the fields of a mapping."""
    inside = mapping.get("properties")
    if not isinstance(inside, Mapping) or set(inside) != {"mappings"}:
        return False
    return isinstance(inside["mappings"], Mapping) and "type" not in inside["mappings"]


def _mappings(value: Any, at: str) -> None:
    """What stands under ``mappings``: options and fields, or with old indices one type's name above them."""
    if not isinstance(value, Mapping):
        raise _none("the mapping is no object", at)
    if "properties" in value:
        _properties(value["properties"], f"{at}/properties", 0)
        return
    for name, typed in value.items():
        if isinstance(typed, Mapping) and "properties" in typed:
            _properties(typed["properties"], f"{at}/{escape(name)}/properties", 0)


def _properties(value: Any, at: str, depth: int) -> None:
    if not isinstance(value, Mapping):
        raise _none("the fields of a mapping are no object", at)
    for name, definition in value.items() if depth < _DEPTH else ():
        step = f"{at}/{escape(name)}"
        if not isinstance(definition, Mapping):
            raise _none(f"the definition of the field '{name}' is no object", step)
        if not isinstance(definition.get("type", ""), str):
            raise _none(f"the type of the field '{name}' is no text", f"{step}/type")
        for below in ("properties", "fields"):
            if below in definition:
                _properties(definition[below], f"{step}/{below}", depth + 1)


def _none(what: str, at: str) -> DataError:
    return DataError(what, where=f"mapping, {at}" if at else "mapping", hint=_HINT)
