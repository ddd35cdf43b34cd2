"""A body for the variant of an index, from a body for the index.

    rename({"query": {"term": {"host.name": "web-03"}}}, {"host": "server", "host.name": "server.label"})
    -> {"query": {"term": {"server.label": "web-03"}}}

Names of fields are changed where `mapping.uses` finds them: in queries, sorts, aggregations, nested paths, `_source`,
`fields`, collapse and highlight. Everything else stays as it is, names that the index has not included.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Iterator, Mapping

from dstill.errors import DataError
from dstill_querydsl.language.query_forms import FIELD_OPTION
from dstill_querydsl.language.strict import escape
from dstill_querydsl.mapping.uses import Use, uses

__all__ = ["new_name", "rename"]

# Where the name is a value, not the key: {"exists": {"field": NAME}} against {"term": {NAME: …}}.
_BY_OPTION = (*FIELD_OPTION, "field_value_factor", "random_score")


def rename(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`body` with the new names. Raises DataError where the variant has several fields in an object's place."""
    keys: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for use in uses(body):
        if not (new := list(_new(use.name, names))):
            continue
        if _is_key(use):
            keys[use.pointer] = _one(use, new)
        else:
            values[use.pointer] = new if _in_list(use) else [_one(use, new)]
    return dict(_renamed(body, "", keys, values))


def new_name(name: str, names: Mapping[str, str]) -> str | None:
    """The new name; below a ``flattened`` field keys keep theirs. None for what is no field, or an opened object."""
    if name in names:
        return names[name]
    parent, dot, key = name.rpartition(".")
    while dot:
        if parent in names and not any(other.startswith(f"{parent}.") for other in names):
            return f"{names[parent]}.{key}"
        parent, dot, more = parent.rpartition(".")
        key = f"{more}.{key}"
    return None


def _new(name: str, names: Mapping[str, str]) -> Iterator[str]:
    """Its new name; of an object that was opened, the names of what was in it; of a pattern, what it matches."""
    if (new := new_name(name, names)) is not None:
        yield new
    elif "*" in name:
        yield from (names[other] for other in names if name != "*" and fnmatchcase(other, name))
    else:
        for other in names:
            parent = other.rpartition(".")[0]
            if parent == name or (parent.startswith(f"{name}.") and parent not in names):
                yield names[other]


def _one(use: Use, new: list[str]) -> str:
    if len(new) > 1:
        raise DataError(f"'{use.name}' is several fields there: {', '.join(new)}", where=use.pointer)
    return new[0]


def _is_key(use: Use) -> bool:
    """Whether the name is the last step of the pointer, not what stands there."""
    keyed = use.kind in ("query", "sort") or use.operator == "highlight"
    return keyed and use.operator not in _BY_OPTION and use.pointer.endswith(f"/{escape(use.name)}")


def _in_list(use: Use) -> bool:
    return use.kind == "fetch" and use.operator != "highlight"


def _renamed(value: Any, pointer: str, keys: Mapping[str, str], values: Mapping[str, list[str]]) -> Any:
    if isinstance(value, Mapping):
        return {
            keys.get(step := f"{pointer}/{escape(key)}", key): _renamed(inner, step, keys, values)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        out: list[Any] = []
        for number, item in enumerate(value):
            step = f"{pointer}/{number}"
            out += _entries(item, values[step]) if step in values else [_renamed(item, step, keys, values)]
        return out
    if pointer in values:
        new = _entries(value, values[pointer])
        return new[0] if len(new) == 1 else new
    return value


def _entries(value: Any, names: list[str]) -> list[Any]:
    """What names a field, for each of its new names: ``title^2``, or ``{"field": "title"}`` of docvalue_fields."""
    if isinstance(value, Mapping):
        return [{**value, "field": name} for name in names]
    return [name + _boost(value) for name in names]


def _boost(text: str) -> str:
    """``^2`` of ``title^2``."""
    _, hat, boost = text.partition("^")
    return hat + boost
