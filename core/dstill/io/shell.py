r"""Commands for a person to copy, quoted for the shell.

    >>> print(command("train", Path("runs/my run")))
    dstill train 'runs/my run'
    >>> print(command("train", Path("runs/$(touch x)")))
    dstill train 'runs/$(touch x)'
    >>> print(quoted("a\x1bb"))
    $'a\033b'

A POSIX shell reads the same words back. Invisible characters and line breaks need ``$'…'``, which bash, zsh, ksh and
POSIX 2024 support and older versions of dash do not. An argument of a program cannot contain a NUL.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from dstill.io.inert import visible

__all__ = ["command", "quoted"]


def command(*words: str | Path) -> str:
    """``dstill WORDS`` on one line of printable characters."""
    return " ".join(("dstill", *map(quoted, words)))


def quoted(word: str | Path) -> str:
    """One word, quoted. A path that starts with ``-`` gets the prefix ``./``, so that it is not read as an option."""
    text = f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
    if visible(text, one_line=True) == text:
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(c: str) -> str:
    """An octal escape, which always has three digits."""
    if c in "\\'":
        return f"\\{c}"
    if visible(c, one_line=True) == c:
        return c
    try:
        data = os.fsencode(c)  # a surrogate means a byte of a file name that is not UTF-8
    except UnicodeEncodeError:
        data = c.encode("utf-8", "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in data)
