"""Words for the fields of an index, and for the values and parameters of a body.

names.field("title.raw")         title, if that sub-field is what its whole values are compared with
names.field("title.folded")      title (as title.folded)
names.value("warranty", False)   no
parameters({"boost": 2})         " (boost 2)"
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dstill.linked.names import words_in
from dstill.linked.spoken import spoken_names
from dstill_querydsl.language.fields import Fields

__all__ = ["Names", "as_json", "inline", "noun", "parameters", "scalar"]

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ][\d:.]+Z?)?)?)?")
_WORDS = {("case_insensitive", True): "in any case", ("fuzziness", "AUTO"): "with typing errors"}


class Names:
    """The fields of one index in words. Without a mapping, a name that ends in ``.keyword`` is a sub-field."""

    def __init__(self, fields: Fields | None) -> None:
        self._fields = Fields({}, {}) if fields is None else fields
        self._spoken = spoken_names(field.name for field in self._fields if not field.sub)
        self._whole: dict[str, str] = {}  # root → the field whose values are whole

    def root(self, name: str) -> str:
        """The field itself, or the one that it is a sub-field of."""
        field = self._fields.get(name)
        if field is not None and field.sub:
            return name.rpartition(".")[0]
        return name if field is not None else name.removesuffix(".keyword")

    def field(self, name: Any, *, words: bool = False) -> str:
        """`name` in words. `words`: for a query that compares words; else the sub-field with whole values is meant."""
        if not isinstance(name, str):
            return as_json(name)
        root = self.root(name)
        spoken = self._spoken.get(root, root)
        meant = root if words else self._whole_of(root)
        return spoken if name == meant else f"{spoken} (as {name})"

    def family(self, name: str) -> str:
        """``date``, ``number``, ``text`` …; empty: the mapping does not have the field."""
        field = self._fields.get(name)
        return "" if field is None else field.family

    def value(self, name: str, value: Any) -> str:
        """A value of that field. Dates are without quotes."""
        if isinstance(value, str) and self.family(name) == "date" and _DATE.fullmatch(value):
            return value
        return scalar(value)

    def _whole_of(self, root: str) -> str:
        if root not in self._whole:
            exact = self._fields.exact(root) if self.family(root) == "text" else None
            self._whole[root] = exact or root
        return self._whole[root]


def noun(name: str) -> str:
    """The name of an index in words."""
    return " ".join(words_in(name)).lower() or "documents"


def scalar(value: Any) -> str:
    """``yes``, ``'text'``, ``12.5``; other values as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    """A part without words of its own, as the body has it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def parameters(options: Mapping[str, Any], *known: str) -> str:
    """All parameters but the `known` ones in brackets; empty: there are none."""
    rest = [_parameter(name, value) for name, value in options.items() if name not in known]
    return f" ({', '.join(rest)})" if rest else ""


def _parameter(name: str, value: Any) -> str:
    words = _WORDS.get((name, value)) if isinstance(value, (str, bool)) else None
    return words or f"{name} {scalar(value)}"


def inline(text: str) -> str:
    r"""`text` on one line, with escapes for what cannot be seen: ``\u202e``."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
