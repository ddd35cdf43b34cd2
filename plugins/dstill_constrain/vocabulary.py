"""What each token of a student's tokenizer writes, in bytes: what a grammar's library needs, from any tokenizer.

    of(tokenizer, 1504)     -> Vocabulary(pieces=(…, b'{"query":{"bool":', b'503', …), end=1, leading_space=False)

Libraries read a byte-level vocabulary by themselves, refuse one of SentencePiece's in transformers' form
(llguidance) or take its ``▁`` for a letter (xgrammar). So the pieces are worked out here, by the decoder that
the tokenizer itself has: byte-level letters, ``▁`` for a space and ``<0x0A>`` for a byte, or text as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Mapping

__all__ = ["Vocabulary", "of"]

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "▁"


@dataclass(frozen=True)
class Vocabulary:
    pieces: tuple[bytes, ...]  # by token id; empty: it writes nothing and is never chosen
    end: int  # the token that ends an answer
    leading_space: bool  # decoding takes one space off the beginning

    def tokens(self, data: bytes) -> list[int]:
        """`data` in the longest pieces, from its beginning, as far as the vocabulary can write it."""
        out = []
        while data:
            size = next((n for n in range(min(len(data), self._longest), 0, -1) if data[:n] in self._ids), 0)
            if not size:
                break
            out.append(self._ids[data[:size]])
            data = data[size:]
        return out

    @property
    def _ids(self) -> Mapping[bytes, int]:
        return _ids(self.pieces)

    @property
    def _longest(self) -> int:
        return max(map(len, self._ids), default=1)


@lru_cache(maxsize=8)
def _ids(pieces: tuple[bytes, ...]) -> Mapping[bytes, int]:
    return {piece: number for number, piece in reversed(list(enumerate(pieces))) if piece}


def of(tokenizer: Any, size: int) -> Vocabulary:
    """`size`: of the model's head, which may be larger than the tokenizer's vocabulary."""
    added = tokenizer.get_added_vocab()
    special = set(tokenizer.all_special_ids)
    decoder = str(tokenizer.backend_tokenizer.decoder)
    byte_level, spaced = "ByteLevel" in decoder, "Metaspace" in decoder or _SPACE in decoder
    pieces = [b""] * size
    for token, number in tokenizer.get_vocab().items():
        if number >= size or number in special:
            continue
        if token in added:
            pieces[number] = token.encode()
        elif byte_level:
            pieces[number] = bytes(_letters()[letter] for letter in token)
        elif found := _BYTE.fullmatch(token):
            pieces[number] = bytes([int(found[1], 16)])
        else:
            pieces[number] = (token.replace(_SPACE, " ") if spaced else token).encode()
    return Vocabulary(tuple(pieces), tokenizer.eos_token_id, leading_space=spaced)


@lru_cache(maxsize=1)
def _letters() -> Mapping[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary: itself where it can be seen, else one beyond."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + n): byte for n, byte in enumerate(others)}
