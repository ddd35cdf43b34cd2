"""The rest of a row of the user's input, on stdin or in a file: its id, and the data it is about.

given_data({"question": "…", "data": "school"}, task, "stdin:3")     ("school", {})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.api.task import Task
from dstill.errors import DataError
from dstill.io.strict_json import NotStrict, kind, loads

__all__ = ["given_data", "given_id"]


def given_id(row: Mapping[str, Any], otherwise: str) -> str:
    """The id of a row, text or a whole number; else `otherwise`."""
    own = row.get("id")
    return str(own) if isinstance(own, (str, int)) and not isinstance(own, bool) and own != "" else otherwise


def given_data(row: Mapping[str, Any], task: Task, where: str) -> tuple[str | None, Mapping[str, Any]]:
    """The data that a row is about: its name ("data", or `Task.data_key`) and a context. Raises DataError.

    (None, {}) if the row does not say.
    """
    name = None
    for key in ("data", task.data_key):
        name = row.get(key) if name is None else name
        if name is not None and not isinstance(name, str):
            raise DataError(f"'{key}' is {kind(name)}, expected text", where=where, hint=_data_form(task))
    context = row.get("context")
    if isinstance(context, str) and context:  # as a dataset's files have it
        try:
            context = loads(context)
        except NotStrict as problem:
            raise DataError(f"'context' is not strict JSON: {problem}", where=where, hint=_data_form(task)) from None
    if context is not None and context != "" and not isinstance(context, dict):
        raise DataError(f"'context' is {kind(context)}, expected an object", where=where, hint=_data_form(task))
    return name or None, context or {}


def _data_form(task: Task) -> str:
    return f'name the {task.data_noun} as "{task.data_key}": "NAME"'
