"""The wordings of `wordings.toml`.

wordings("asks", "count")          ("how many {w} are there", …)
filled("{f} of {w}", f="fare", w="rides")
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

from dstill_sql.questions.words import a

__all__ = ["filled", "one_line", "tables", "wordings"]


@lru_cache(maxsize=1)
def tables() -> Mapping[str, Mapping[str, str]]:
    """The whole file."""
    text = files("dstill_sql.questions").joinpath("wordings.toml").read_text(encoding="utf-8")
    texts: Mapping[str, Mapping[str, str]] = tomllib.loads(text)
    return texts


@lru_cache(maxsize=512)
def wordings(table: str, name: str) -> tuple[str, ...]:
    """The wordings of a name, one a line; empty: it has none."""
    return tuple(line for line in tables()[table].get(name, "").splitlines() if line)


@lru_cache(maxsize=512)
def one_line(table: str, name: str) -> tuple[str, ...]:
    """The parts of a line with bars."""
    return tuple(part.strip() for part in tables()[table].get(name, "").split("|") if part.strip())


def filled(wording: str, **slots: str) -> str:
    """The wording with its slots; ``{a_f}`` is ``{f}`` with an article. Braces in values stay."""
    parts = wording.split("{")
    text = parts[0]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        text += (a(slots[name[2:]]) if name.startswith("a_") else slots[name]) + rest
    return text
