"""Checks written questions: every answer has to pass the task's checks and come back from the linked form."""

from __future__ import annotations

import sys

from dstill_querydsl.pack import QueryDsl
from tools.base.faults import show
from tools.base.querydsl import written

if __name__ == "__main__":
    sys.exit(show(QueryDsl(), ((name, written.questions(name)) for name in sys.argv[1:] or written.NAMES)))
