"""Change a copy of a JSON value at a path.

at({"a": [1, 2]}, ("a", 1))               -> 2
put({"a": [1, 2]}, ("a", 1), 5)           -> {"a": [1, 5]}
drop({"a": [1, 2]}, ("a", 0))             -> {"a": [2]}
rename({"a": {"x": 1}}, ("a", "x"), "y")  -> {"a": {"y": 1}}
list(walk({"a": [1]}))                    -> [((), {"a": [1]}), (("a",), [1]), (("a", 0), 1)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

__all__ = ["Edit", "Path", "at", "drop", "pointer", "put", "read_pointer", "rename", "walk"]

Path = tuple[str | int, ...]
Edit = tuple[str, dict[str, Any]]  # what was changed and where, and the changed body


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every node with its path, outer nodes first."""
    yield path, value
    inside = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in inside:
        yield from walk(inner, (*path, step))


def at(value: Any, path: Path) -> Any:
    """The node at the path."""
    for step in path:
        value = value[step]
    return value


def put(value: Any, path: Path, new: Any) -> Any:
    """A copy with `new` at the path."""
    return _changed(value, path, lambda _: new)


def drop(value: Any, path: Path) -> Any:
    """A copy without the node at the path."""
    step = path[-1]

    def without(parent: Any) -> Any:
        if isinstance(parent, list):
            return [item for number, item in enumerate(parent) if number != step]
        return {key: item for key, item in parent.items() if key != step}

    return _changed(value, path[:-1], without)


def rename(value: Any, path: Path, name: str) -> Any:
    """A copy where the last key of the path is `name`. The order of keys stays the same."""

    def renamed(parent: Any) -> Any:
        return {name if key == path[-1] else key: item for key, item in parent.items()}

    return _changed(value, path[:-1], renamed)


def _changed(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(value)
    step, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_changed(item, rest, change) if number == step else item for number, item in enumerate(value)]
    return {key: _changed(item, rest, change) if key == step else item for key, item in value.items()}


def pointer(path: Path) -> str:
    """The path as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def read_pointer(value: Any, text: str) -> Path:
    """The path of a JSON pointer into `value`."""
    path: list[str | int] = []
    for part in text.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        step: str | int = int(key) if isinstance(value, list) else key
        path.append(step)
        value = value[step]
    return tuple(path)
