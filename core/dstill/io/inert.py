"""Outside text made inert: it cannot steer a terminal, reverse the direction of writing, or hide.

    >>> print(visible("a\\x1b[2Jb\\u202e"))
    a\\u001b[2Jb\\u202e

Run names, paths, questions, replies, values of data and error texts of servers come from strangers. Whatever shows
them to a person calls `visible` at the place where the text leaves: the console, the log's formatter, the report's
template engine, the cards; the pages' scripts hold the same rule. Data files keep their bytes.

Not covered: look-alike letters, blank letters such as U+3164, and what other libraries print themselves.
"""

from __future__ import annotations

import unicodedata

from dstill.io.secrets import redact

__all__ = ["indented", "visible"]

# Unicode categories: control, format, surrogate, private use, line separator, paragraph separator
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
# ZWNJ and ZWJ: Persian, Indic scripts and emoji are misspelt without them, and they move no text
_KEPT = "\n\t\u200c\u200d"


def visible(text: str, *, one_line: bool = False) -> str:
    """`text` without secrets, and with control, bidi and other invisible characters as escapes.

    The escapes are JSON's, so that JSON stays the same JSON. Line breaks and tabs stay, unless `one_line`.
    """
    shown = redact(text)
    if shown.isprintable():  # most texts are, and a report asks about a hundred thousand
        return shown
    kept = _KEPT[2:] if one_line else _KEPT
    return "".join(c if c in kept or unicodedata.category(c) not in _HIDDEN else _escape(c) for c in shown)


def indented(text: str) -> str:
    """`visible`, for a message of a log or an error: its further lines cannot pass for entries of their own."""
    return visible(text).replace("\n", "\n    ")


def _escape(c: str) -> str:
    """``\\u202e``; a surrogate pair for a character beyond U+FFFF."""
    units = c.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
