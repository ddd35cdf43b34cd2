"""Messages between dstill and the process of an engine: JSON, after its length in four bytes.

    send(1, {"rows": [[1, "Ann"]]})
    receive(stream, most=2**20)          {"rows": [[1, "Ann"]]}

JSON holds data alone: whoever takes the process over cannot make dstill run anything.
"""

from __future__ import annotations

import json
import os
import struct
from typing import IO, Any

__all__ = ["BrokenMessage", "TooLong", "receive", "send"]

_LENGTH = struct.Struct("!I")


# Made once, since making one takes longer than a small message.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)
_DECODER = json.JSONDecoder()


class BrokenMessage(Exception):
    """The other side ended, or sent something else than a message."""


class TooLong(BrokenMessage):
    """The message has more bytes than may be read."""


def send(descriptor: int, message: Any) -> int:
    """Write a message, and say how many bytes it has. Raises OSError if nobody reads."""
    body = _ENCODER.encode(message).encode("ascii")
    left = memoryview(_LENGTH.pack(len(body)) + body)
    while left:
        left = left[os.write(descriptor, left) :]
    return len(body)


def receive(stream: IO[bytes], most: int) -> tuple[Any, int]:
    """The next message of at most `most` bytes, and how many it has. Raises BrokenMessage."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise BrokenMessage
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise TooLong
    body = stream.read(length)
    if len(body) < length:
        raise BrokenMessage
    try:
        return _DECODER.decode(body.decode("utf-8")), length
    except (ValueError, RecursionError) as error:
        raise BrokenMessage from error
