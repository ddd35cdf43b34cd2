"""Writes docs/faults.md: how `dstill generate` reacts to each fault of a teacher's endpoint, found by running it.

    python docs/make_faults.py          # `make docs`

A test asserts that the file is what this makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

FILE = Path(__file__).parent / "faults.md"
HEAD = """# When a teacher's endpoint fails

<!-- Written by docs/make_faults.py from tests/support/fault_table.py: change that, then `make docs`. -->

How `dstill generate` with the teacher `openai` reacted to each fault: **once** (two questions, and only the first
request fails) and **at every request** (one question).

Here `teacher.openai.max_retries` is 1 and `teacher.openai.max_wait` is 10 s; the defaults are 6 and 600 s. If a run
stops, every paid reply is already in `replies.sqlite`: run the same command again to continue.

"""


def text() -> str:
    from support.fault_table import table

    return f"{HEAD}{table()}\n"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    FILE.write_text(text(), encoding="utf-8")
