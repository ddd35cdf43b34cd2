r"""Reads TOML that somebody else may have written.

    >>> loads("[train]\nr = 8\n")
    {'train': {'r': 8}}

Python's own reader accepts numbers of any size, and its time and memory grow with the square of a key's parts. Here,
numbers have at most 64 bits, as TOML requires, and there are limits for keys and nesting.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

__all__ = ["MOST_BYTES", "loads"]

MOST_BYTES = 2**20  # largest file that callers should read
MAX_DEPTH = 50  # parts of a key, and levels of nested tables and lists
MAX_BITS = 64

_STRINGS_AND_COMMENTS = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\.)*(?:"|$)'
    r"|'[^'\n]*(?:'|$)"
    r"|#[^\n]*",
    re.DOTALL | re.MULTILINE,
)


def loads(text: str) -> dict[str, Any]:
    """The tables of `text`. Raises ValueError beyond a limit, and its subclass TOMLDecodeError if it is not TOML."""
    bare = _STRINGS_AND_COMMENTS.sub('""', text)
    if any(part.count(".") >= MAX_DEPTH for part in re.split(r"[=,\[\]{}\n]", bare)):
        raise ValueError(f"a key has more than {MAX_DEPTH} parts")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:  # Python refuses to convert more than 4,300 digits
        raise ValueError(f"a number has more than {MAX_BITS} bits") from None
    level: list[Any] = [tree]
    for _ in range(MAX_DEPTH):
        items = [item for of in level for item in (of.values() if isinstance(of, dict) else of)]
        if any(isinstance(item, int) and item.bit_length() > MAX_BITS for item in items):
            raise ValueError(f"a number has more than {MAX_BITS} bits")
        level = [item for item in items if isinstance(item, (dict, list))]
        if not level:
            return tree
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
