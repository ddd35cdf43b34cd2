"""Checks a pack's recorded names of values (`bundle/recorded/NAME.aliases.json`).

assert_names_of_values({"code": {"JFK": ["kennedy"]}}, values)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dstill.api.values import Values


def assert_names_of_values(aliases: Mapping[str, Mapping[str, Sequence[str]]], values: Values) -> None:
    """Each is the name of one value, and the data have that value."""
    assert aliases
    for item, names in aliases.items():
        known = values.get(item)
        assert known is not None
        assert set(names) <= set(known.values)
        others = [other for texts in names.values() for other in texts]
        assert len(others) == len(set(others))
