"""Rename the fields of a body, to turn a gold for an index into one for its variant.

    rename({"query": {"term": {"host.name": "web-03"}}}, {"host": "server", "host.name": "server.label"})
    -> {"query": {"term": {"server.label": "web-03"}}}

It renames fields where `mapping.uses` finds them: in queries, sorts, aggregations, nested paths, `_source`,
`fields`, collapse and highlight. Everything else stays the same, unknown fields too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from dstill.errors import DataError
from dstill_querydsl.language.mapping.uses import Use, uses
from dstill_querydsl.language.query_forms import FIELD_OPTION
from dstill_querydsl.language.strict import escape

__all__ = ["new_name", "rename"]

# Here the field is a value, as in {"exists": {"field": NAME}}, not a key, as in {"term": {NAME: …}}.
_BY_OPTION = (*FIELD_OPTION, "field_value_factor", "random_score")


def rename(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`body` with the new names. Raises DataError if it needs one field and a flattened object gives several."""
    keys: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for use in uses(body):
        if not (new := list(_new(use.name, names))):
            continue
        if _is_key(use):
            keys[use.pointer] = _rename(use, new)
        else:
            values[use.pointer] = new if _in_list(use) else [_rename(use, new)]
    return dict(_renamed(body, "", keys, values))


def new_name(name: str, names: Mapping[str, str]) -> str | None:
    """The new name. Keys below a ``flattened`` field keep theirs. None for unknown fields and flattened objects."""
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
    """The new name. For a flattened object, the names of its fields. For a pattern, the names of matching fields."""
    if (new := new_name(name, names)) is not None:
        yield new
    elif "*" in name:
        yield from (names[other] for other in names if name != "*" and fnmatchcase(other, name))
    else:
        for other in names:
            parent = other.rpartition(".")[0]
            if parent == name or (parent.startswith(f"{name}.") and parent not in names):
                yield names[other]


def _rename(use: Use, new: list[str]) -> str:
    if len(new) > 1:
        raise DataError(f"'{use.name}' is several fields in the variant: {', '.join(new)}", where=use.pointer)
    return new[0]


def _is_key(use: Use) -> bool:
    """Whether the field is the last key of the pointer, not the value there."""
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
    """The entry of a list, such as ``title^2`` or ``{"field": "title"}``, for each new name."""
    if isinstance(value, Mapping):
        return [{**value, "field": name} for name in names]
    return [name + _boost(value) for name in names]


def _boost(text: str) -> str:
    """The boost of a field: ``^2`` in ``title^2``."""
    _, hat, boost = text.partition("^")
    return hat + boost
