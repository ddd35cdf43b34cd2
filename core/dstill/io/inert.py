r"""Makes untrusted text harmless to show: it cannot control a terminal, reverse the writing direction, or hide.

    >>> print(visible("a\x1b[2Jb\u202e"))
    a\u001b[2Jb\u202e

Run names, paths, questions, replies, values of data and error messages of servers are untrusted. Code that shows them
to a person calls `visible` where the text leaves dstill: the console, the log, the report's template engine, the
cards. The scripts of web pages follow the same rule. Data files keep their bytes.

Not covered: look-alike letters, blank letters such as U+3164, and the output of other libraries.
"""

from __future__ import annotations

import unicodedata

from dstill.io.secrets import redact

__all__ = ["indented", "visible"]

# Unicode categories: control, format, surrogate, private use, line separator, paragraph separator
_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
# ZWNJ and ZWJ: Persian, Indic scripts and emoji need them, and they do not move text
_EXCEPTIONS = "\n\t\u200c\u200d"


def visible(text: str, *, one_line: bool = False) -> str:
    """`text` without secrets, and with escapes for control, bidi and other invisible characters.

    The escapes are those of JSON, so a JSON text keeps its value. Line breaks and tabs stay, unless `one_line`.
    """
    shown = redact(text)
    if shown.isprintable():  # true of most texts, and a report checks about a hundred thousand
        return shown
    pattern = _EXCEPTIONS[2:] if one_line else _EXCEPTIONS
    return "".join(c if c in pattern or unicodedata.category(c) not in _CATEGORIES else _escape(c) for c in shown)


def indented(text: str) -> str:
    """As `visible`, with further lines indented, so that they do not look like separate messages of a log."""
    return visible(text).replace("\n", "\n    ")


def _escape(c: str) -> str:
    r"""``\u202e``; a surrogate pair for a character beyond U+FFFF."""
    units = c.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
