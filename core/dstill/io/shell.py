"""Commands for a person to copy, quoted for the shell.

    >>> print(command("train", Path("runs/my run")))
    dstill train 'runs/my run'
    >>> print(command("train", Path("runs/$(touch x)")))
    dstill train 'runs/$(touch x)'
    >>> print(quoted("a\\x1bb"))
    $'a\\033b'

A POSIX shell gets back the same words. What cannot be seen, or would break the line, needs ``$'…'``: bash, zsh, ksh
and POSIX 2024 have it, older versions of dash do not. No argument of a program can hold a NUL.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from dstill.io.inert import visible

__all__ = ["command", "quoted"]


def command(*words: str | Path) -> str:
    """``dstill WORDS``, in one line of printable characters."""
    return " ".join(("dstill", *map(quoted, words)))


def quoted(word: str | Path) -> str:
    """One word for a shell. A path that begins with ``-`` gets ``./`` before it, as it would pass for an option."""
    text = f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word)
    if visible(text, one_line=True) == text:
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(c: str) -> str:
    """Octal, which always ends after three digits."""
    if c in "\\'":
        return f"\\{c}"
    if visible(c, one_line=True) == c:
        return c
    try:
        data = os.fsencode(c)  # a surrogate stands for a byte of a file name that is not UTF-8
    except UnicodeEncodeError:
        data = c.encode("utf-8", "surrogatepass")
    return "".join(f"\\{byte:03o}" for byte in data)
