"""The log: what dstill, its plugins and its packs log is inert text, whichever handler shows it.

    from dstill.io.logs import log
    log.warning("no rows in %s", name)      # anybody may have chosen `name`

There is one logger, "dstill". It makes each record inert before any handler sees it: a program that uses dstill has
handlers of its own. Loggers of others stay as they are.

Not covered: `record.exc_info`, which is the exception itself, and loggers with names like "dstill.mine". What those log
is inert only where dstill shows it.
"""

from __future__ import annotations

import logging

from dstill.io.inert import indented

__all__ = ["inert", "log"]

_FORMATTER = logging.Formatter()


def inert(record: logging.LogRecord) -> bool:
    """Make message, traceback and stack of `record` inert, once. A filter of loggers and handlers; drops nothing."""
    if not hasattr(record, "inert"):
        try:
            record.msg, record.args = indented(record.getMessage()), None
        except Exception:  # the message does not fit its arguments: each handler reports that in its own way
            return True
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        # formatters take these as they are
        record.exc_text = record.exc_text and _further(record.exc_text)
        record.stack_info = record.stack_info and _further(record.stack_info)
        record.inert = True
    return True


def _further(lines: str) -> str:
    """`lines` as further lines of a message."""
    return indented(f"\n{lines}").removeprefix("\n")


log = logging.getLogger("dstill")
log.addFilter(inert)
