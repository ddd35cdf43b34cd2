"""When a service that is busy wants to be asked again.

    >>> retry_after({"retry-after": "12"})
    12.0
    >>> retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})  # it has passed
    0.0
    >>> retry_after({"retry-after": "soon"})  # None

In: the headers of a reply, their names in lower case. Out: seconds, for as long as a day at most.
"""

from __future__ import annotations

import re
import time
from typing import Mapping

__all__ = ["retry_after"]

A_DAY = 86_400.0
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, or None where the server named none, or nothing that makes sense."""
    from email.utils import parsedate_to_datetime  # here, as every command imports this and few wait

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
