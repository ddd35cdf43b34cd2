"""Writes docs/guard.md: what the guard of the Query DSL pack is known to refuse, from the tests' own list.

    python docs/make_guard.py          # `make docs`

A test asserts that the file is what this makes.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

FILE = Path(__file__).parent / "guard.md"
HEAD = """# What the guard refuses

<!-- Written by docs/make_guard.py from tests/support/hostile.py: change that, then `make docs`. -->

Each of these parts is put into every place that a body has for its kind (a query into `bool`, `nested`,
`function_score`, `filters`, `highlight_query`, the filter of a sort and so on; an aggregation below others; a sort into
`top_hits`), {bodies} bodies in all, and each of them is refused under the code that stands beside it. The guard is an
allow-list: what is not here is refused as well unless its tables name it.
"""


def text() -> str:
    from support.hostile import HOSTILE, PLACES, hidden

    bodies = sum(len(list(hidden(one))) for one in HOSTILE.values())
    counts = Counter(one.code for one in HOSTILE.values())
    lines = [HEAD.format(bodies=f"{bodies:,}"), "| code | what | kind | places |", "| --- | --- | --- | ---: |"]
    for code in counts:
        lines += [
            f"| `{code}` | {name.replace('_', ' ')} | {one.kind} | {len(PLACES[one.kind])} |"
            for name, one in HOSTILE.items()
            if one.code == code
        ]
    return "\n".join([*lines, "", f"{len(HOSTILE)} parts in all.", ""])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    FILE.write_text(text(), encoding="utf-8")
