"""The fields and licences of the indices that a dataset's questions are about.

facts_of(examples, profiles)                   → {"weblogs": {"digest": "9f2c…", "fields": {"took": "long", …}}}
licences_of(examples, profiles, "weblogs")     → {"weblogs": "Apache-2.0"}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dstill.api.records import Example
from dstill_querydsl.bundle.indices import LICENCES
from dstill_querydsl.language.mapping.drift import fields_digest, types_of
from dstill_querydsl.language.mapping.index_profiles import IndexProfiles

__all__ = ["facts_of", "licences_of"]


def facts_of(examples: Sequence[Example], profiles: IndexProfiles) -> Mapping[str, Any]:
    """Index → the digest, names and types of its fields. Variants of an index are skipped: no server has them."""
    first: dict[str, Example] = {}
    for example in examples:
        if "variant" not in example.context:
            first.setdefault(str(example.context.get("index", "")), example)
    indices = [profiles.index(example) for example in first.values()]
    return {
        index.name: {"digest": fields_digest(index.mapping), "fields": types_of(index.mapping)}
        for index in indices
        if index is not None
    }


def licences_of(examples: Sequence[Example], profiles: IndexProfiles, default: str) -> Mapping[str, str]:
    """Index → licence, or "unknown". `default` is the index of questions that do not name one."""
    indices = {str(example.context.get("index", "")): example for example in examples}
    profiled = {name: profiles.index(example) for name, example in indices.items()}
    return {
        name or default: LICENCES[index.name.partition("-variant-")[0]]
        if index is not None and index.recipe
        else "unknown"
        for name, index in profiled.items()
    }
