"""The bytes that each token of a student's tokenizer stands for, as llguidance needs them.

    of(tokenizer, 1504)     -> Vocabulary(pieces=(…, b'{"query":{"bool":', b'503', …), end=1, leading_space=False)

llguidance reads byte-level vocabularies but refuses SentencePiece's in transformers' form, and xgrammar takes its
``▁`` for a letter. So the bytes are computed here, by the kind of decoder that the tokenizer has: byte-level letters,
``▁`` for a space and ``<0x0A>`` for a byte, or plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

__all__ = ["BYTES", "Vocabulary", "of"]

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "▁"


@dataclass(frozen=True)
class Vocabulary:
    """Token id → bytes."""

    pieces: tuple[bytes, ...]  # by token id; empty: a token without text, which is never chosen
    end: int  # the id of the end-of-sequence token
    leading_space: bool  # decoding removes one space from the beginning

    def tokens(self, data: bytes) -> list[int]:
        """Tokenize greedily, longest piece first; stops where no piece fits."""
        tokens = []
        while data:
            size = next((n for n in range(min(len(data), self._longest), 0, -1) if data[:n] in self._ids), 0)
            if not size:
                break
            tokens.append(self._ids[data[:size]])
            data = data[size:]
        return tokens

    @property
    def _ids(self) -> Mapping[bytes, int]:
        return _ids(self.pieces)

    @property
    def _longest(self) -> int:
        return max(map(len, self._ids), default=1)


# Each byte is a token: for texts that no tokenizer writes.
BYTES = Vocabulary((*(bytes([byte]) for byte in range(256)), b""), 256, leading_space=False)


@lru_cache(maxsize=8)
def _ids(pieces: tuple[bytes, ...]) -> Mapping[bytes, int]:
    return {piece: number for number, piece in reversed(list(enumerate(pieces))) if piece}


def of(tokenizer: Any, size: int) -> Vocabulary:
    """The vocabulary of a transformers tokenizer.

    Args:
        tokenizer: A fast tokenizer.
        size: Rows of the model's output head, which may be more than the tokenizer has tokens.
    """
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
        elif match := _BYTE.fullmatch(token):
            pieces[number] = bytes([int(match[1], 16)])
        else:
            pieces[number] = (token.replace(_SPACE, " ") if spaced else token).encode()
    return Vocabulary(tuple(pieces), tokenizer.eos_token_id, leading_space=spaced)


@lru_cache(maxsize=1)
def _letters() -> Mapping[str, int]:
    """Letter → byte of GPT-2's byte-level vocabularies: printable bytes are themselves, the others follow U+00FF."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}
