"""Endless training rows of the base (`dstill_querydsl.linked.mixture`).

rows(seed=0)    →  LinkedRow, LinkedRow, …
"""

from __future__ import annotations

from collections.abc import Iterator

from dstill.api.form import Form
from dstill_linked.encoding import LinkedRow, row_of
from dstill_linked.tensors import Vocabulary
from dstill_querydsl.linked.form import QueryForm
from dstill_querydsl.linked.mixture import answers

__all__ = ["FORM", "answers", "rows"]

FORM: Form = QueryForm(lambda _: None)  # for its vocabulary


def rows(seed: int) -> Iterator[LinkedRow]:
    """Rows without end, the same for the same seed."""
    vocabulary = Vocabulary.of(FORM)
    for reading, tokens in answers(seed):
        yield row_of(vocabulary, reading, tokens)
