"""The names that the engines' own parsers may read in a query: functions, types and kinds of nodes (`names.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

from dstill_sql.language.dialects import Dialect

__all__ = ["NAMES"]

# Engine → kind of name → the names, as its parser writes them.
NAMES: Mapping[Dialect, Mapping[str, frozenset[str]]] = {
    engine: {kind: frozenset(names) for kind, names in kinds.items()}
    for engine, kinds in json.loads(files(__package__).joinpath("names.json").read_text()).items()
}
