"""Text that would steer a terminal, turn the direction of writing or hide; and what of it came through.

    HOSTILE                        # every such character, markup of rich, HTML and Markdown
    assert not hidden(output)      # the characters of `output` that a person must not get

The characters are listed here by number, apart from the categories by which `dstill.io.inert` knows them.
"""

from __future__ import annotations

__all__ = ["ENCODABLE", "HIDDEN", "HOSTILE", "NAME", "READABLE", "hidden"]

_C0 = set(map(chr, range(0x20))) - {"\n", "\t"}
_C1 = set(map(chr, range(0x7F, 0xA0)))  # with DEL
_BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = set("\u00ad\u180e\u200b\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff\ufff9\U000e0001\U000e0041")
_HALVES = {"\ud800"}
HIDDEN = frozenset(_C0 | _C1 | _BIDI | _INVISIBLE | _HALVES)

HOSTILE = "".join(["\x1b]0;title\x07\x1b[2J ", *sorted(HIDDEN), " [bold]b[/bold] [/] $(touch x) `y` '<b>' \\ \n\tend"])
ENCODABLE = "".join(c for c in HOSTILE if c not in _HALVES)  # in UTF-8
# of a folder: no NUL and no slash, and no more than 255 bytes
NAME = "a\x1b[2J\x07\x9b1A\u202e\u2066\u200f\u061c\u200b\u2028\ufeff\x7f\r\nnext: [bold]$(touch x) 'q'"
READABLE = "سلام می\u200cخواهم שלום 日本語 हिन्दी क्\u200dष 👩\u200d💻 é"  # with joiners, which belong to the spelling


def hidden(text: str) -> set[str]:
    return set(text) & HIDDEN
