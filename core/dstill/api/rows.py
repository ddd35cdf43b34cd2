"""Whose rows answers read: conditions of the configuration, with what is known of the caller.

    rules = RowRules({"orders": "tenant = {caller.tenant}", "countries": ""}, caller={})
    rules.condition("Orders")       "tenant = {caller.tenant}"; "": all rows. Raises NotReadable without an entry
    rules.claims(example)           {"tenant": "acme"}; raises AuthError if the caller has no such claim

A task pack adds the condition to a query before it runs. Test databases hold made-up rows, so they have no conditions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from dstill.api.records import Example, TestDatabase
from dstill.errors import AuthError, ConfigError

__all__ = [
    "CLAIM",
    "OTHERS",
    "Caller",
    "Claims",
    "NotReadable",
    "RowRules",
    "caller_setting",
    "has_rows",
    "reads_all",
    "rows_setting",
]

CLAIM = re.compile(r"\{caller\.(\w+)\}")
OTHERS = "*"  # the entry for what has none of its own
KEY = "caller"  # of `Example.context`

Claims: TypeAlias = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks, in the context of an example. Only code makes one: no file can."""

    claims: Claims

    @classmethod
    def asking(cls, example: Example, claims: Claims | None) -> Example:
        """The example as somebody with these claims asks it; None: those of the configuration."""
        return example if claims is None else replace(example, context={**example.context, KEY: cls(claims=claims)})


class NotReadable(ValueError):
    """An answer that may not run, since it could read other rows. The message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not run: {why}")


def reads_all(rows: Mapping[str, str], name: str) -> bool:
    """Whether every caller may read all rows of a table by the setting `rows`: known values of others stay hidden."""
    conditions = {table.casefold(): text.strip() for table, text in rows.items()}
    return not rows or conditions.get(name.casefold(), conditions.get(OTHERS)) == ""


def has_rows(config: Any) -> bool:
    """Whether callers may read different rows, by the configuration of a task."""
    return bool(getattr(getattr(config, "guard", None), "rows", None))


class RowRules:
    """The settings `rows` and `caller` of a guard. False if there are none. Raises ConfigError for names that clash."""

    def __init__(self, rows: Mapping[str, str], caller: Claims) -> None:
        self._rows, self._caller = {name.casefold(): text.strip() for name, text in rows.items()}, caller
        if len(self._rows) < len(rows):
            hint = "upper and lower case are one name here: keep one of them"
            raise ConfigError(f"guard.rows has a name twice: {', '.join(rows)}", where="guard.rows", hint=hint)
        self._needed = {name for text in rows.values() for name in CLAIM.findall(text)}

    def __bool__(self) -> bool:
        return bool(self._rows)

    def apply_to(self, example: Example) -> bool:
        """Whether answers to the example run on rows that the conditions are about."""
        return bool(self) and not isinstance(example.context.get("test_database"), TestDatabase)

    def condition(self, name: str) -> str:
        """The condition for the rows of a table; empty: all of them. Raises NotReadable."""
        text = self._rows.get(name.casefold(), self._rows.get(OTHERS))
        if text is None:
            raise NotReadable(f"guard.rows does not say which rows of '{name}' may be read")
        return text

    def missing(self, example: Example) -> frozenset[str]:
        """The claims that the conditions need and the caller lacks."""
        return frozenset(self._needed - self._given(example).keys() if self.apply_to(example) else ())

    def claims(self, example: Example) -> Claims:
        """What is known of the caller. Raises AuthError if that is not enough."""
        if missing := sorted(self.missing(example)):
            names = ", ".join(f"'{name}'" for name in missing)
            hint = f"a token for `dstill serve` has it, or set guard.caller, as {{{missing[0]} = …}}"
            raise AuthError(f"the caller has no claim {names}, which guard.rows needs", where="guard.rows", hint=hint)
        return self._given(example)

    def _given(self, example: Example) -> Claims:
        caller = example.context.get(KEY)
        return caller.claims if isinstance(caller, Caller) else self._caller


def rows_setting(help: str) -> Any:
    """The field `rows` of the limits of a guard, which are a key of caches: a table has no hash."""
    return field(default_factory=dict, hash=False, repr=False, metadata={"help": help})


def caller_setting() -> Any:
    """The field `caller` of the limits of a guard."""
    return rows_setting("Claims for `rows` where no token of `dstill serve` has some, such as `{tenant = 7}`.")
