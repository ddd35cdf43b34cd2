"""Known values of a database, from its rows: what `dstill init` would read from a server.

known_values(schema, {"drivers": [[1, "Ann", "Oslo"], …]}).get("drivers.city")
Known(values=("Oslo", "Lima"), complete=True)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dstill.api.values import MOST, Known, Values
from dstill_sql.language.database.schema import SqlSchema

__all__ = ["known_values"]

_EXAMPLES = 40  # of a column with many values
_LONGEST = 60  # characters of a value


def known_values(schema: SqlSchema, cells: Mapping[str, Sequence[Sequence[Any]]]) -> Values:
    """The values of every column except keys and references."""
    known: dict[str, Known] = {}
    keys = {(reference.table, name) for reference in schema.references for name in reference.columns}
    for table in schema.tables:
        for place, column in enumerate(table.columns):
            if (column.name in table.key and column.family != "text") or (table.name, column.name) in keys:
                continue
            counts = Counter(row[place] for row in cells.get(table.name, ()) if row[place] is not None)
            if counts and column.family != "boolean":
                known[f"{table.name}.{column.name}"] = _known(column.family, counts)
    return Values(known)


def _known(family: str, counts: Counter[Any]) -> Known:
    if family != "text":
        return Known(low=min(counts), high=max(counts))
    values = tuple(value for value, _ in counts.most_common() if len(value) <= _LONGEST)
    complete = len(counts) <= MOST and len(values) == len(counts)
    return Known(values=values if complete else values[:_EXAMPLES], complete=complete)
