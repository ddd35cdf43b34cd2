"""Of a wide index of the user's, the fields that questions are made of.

    focused(index, 40).mapping   {"properties": …}: the 40 fields that come first in the values file

`init` writes the fields that most documents have first. Fields of which nothing is known have no questions: any
value in one would be an invented one, which the index does not hold. An index without a values file, or whose
documents are here, stays as it is.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Iterator

from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.prompting.pruning import only

__all__ = ["focused"]


def focused(index: Index, most: int) -> Index:
    """`index` with at most `most` fields, each with its sub-fields."""
    if not index.told:
        return index
    names = dict.fromkeys(_leaves(index))
    chosen = set(islice(names, most))
    return replace(
        index, mapping={**index.mapping, "properties": only(index.mapping.get("properties", {}), chosen, "")}
    )


def _leaves(index: Index) -> Iterator[str]:
    """The fields whose values are known, a sub-field by its field; those that the mapping has."""
    fields = Fields.of(index.mapping)
    for name in index.told or ():
        field = fields.get(name)
        if field is not None:
            yield name.rpartition(".")[0] if field.sub else name
