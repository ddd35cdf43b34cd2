"""Reads how long a busy service wants its clients to wait before the next request.

    >>> retry_after({"retry-after": "12"})
    12.0
    >>> retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})  # in the past
    0.0
    >>> retry_after({"retry-after": "soon"})  # None

In: the headers of a response, with names in lower case. Out: seconds, at most one day.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

__all__ = ["retry_after"]

A_DAY = 86_400.0
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait. None: the server does not say, or says something that makes no sense.

    The header Retry-After is defined in RFC 9110, section 10.2.3; retry-after-ms is OpenAI's.
    """
    from email.utils import parsedate_to_datetime  # imported here: every command imports this module, and few wait

    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = (headers.get(name) or "").strip()
        if _SECONDS.fullmatch(value):
            seconds = float(value) / unit
            return seconds if seconds <= A_DAY else None
    try:
        at = parsedate_to_datetime(headers.get("retry-after") or "").timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    seconds = at - time.time()
    return max(0.0, seconds) if seconds <= A_DAY else None
