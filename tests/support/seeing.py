"""A student that keeps its pairs, as the toy's, of a kind that reads schemas: a plugin beside `toy.py`."""

from __future__ import annotations

from collections.abc import Iterable

from support.toy import Memorizer

from dstill import hookimpl
from dstill.api.student import Student


class Seeing(Memorizer):
    """Needs the task's form, and does not use it."""

    name = "seeing"
    reads_schema = True


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Seeing
