"""Writes docs/faults.md: what `dstill generate` makes of each fault of a teacher's endpoint, found by running it.

    python docs/make_faults.py          # `make docs`

A test asserts that the file is what this makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

FILE = Path(__file__).parent / "faults.md"
HEAD = """# When a teacher's endpoint fails

<!-- Written by docs/make_faults.py from tests/support/fault_table.py: change that, then `make docs`. -->

A real HTTP server on loopback puts each fault before `dstill generate` with the teacher `openai`: at the first of two
requests, all others being answered ("once"), and at every request of a run of one question ("at every request").
`teacher.openai.max_retries` is 1 and `teacher.openai.max_wait` is 10 s here; the defaults are 6 and 600 s. "Asked 3
times" for two questions means that one of them was asked again.

A run that stops has every reply that was paid for in `replies.sqlite`; the same command goes on from there.

"""


def text() -> str:
    from support.fault_table import table

    return f"{HEAD}{table()}\n"


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    FILE.write_text(text(), encoding="utf-8")
