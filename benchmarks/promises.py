"""Whether promises are kept: calibrated on some questions that people wrote, and checked on others.

    python -m benchmarks.promises ../shared/people --page docs/confidence.md

    | SQL | 0.2 | 56.4 % | 15.6 % [10.5, 22.5] | 27.6 % | 0.9 % |

The published bases answer, and verdicts are those of `benchmarks.people`, without a second look, which does not go with
a promise. First: calibrated on all of part a, used on part b, which is about other databases. Then: `LEAST` judgements
drawn from part b, as of a person who asks about the same data before and after; how often anything is promised, and how
often the promise is broken on all of part b. Only totals are printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from benchmarks.people import NAMES, TASKS, Answered, answered, write_table

from dstill.api.metric import wilson
from dstill.confidence.promise import Promise, promised
from dstill.runs.judgements import LEAST

__all__ = ["lines", "main"]

SHARES = (0.1, 0.2, 0.3)
DRAWS = 2_000
HEAD = (
    "| base | `--max-wrong` | given | wrong of these | with 60 judgements: promised | broken |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Check promises on questions that people wrote")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", type=Path, help="write the table into this page, docs/confidence.md")
    arguments = parser.parse_args()
    table = [*HEAD]
    for task in TASKS:
        for line in lines(task, answered(task, arguments.folder, None, arguments.processes)):
            print(line, flush=True)
            table.append(line)
    if arguments.page:
        write_table(arguments.page, "promises", table)


def lines(task: str, rows: Sequence[Answered]) -> Iterator[str]:
    """A row of the table for each share."""
    of_a, of_b = ([row for row in rows if row.part == part] for part in "ab")
    for share in SHARES:
        promise = _promise(of_a, share)
        given, wrong = _given(promise, of_b)
        low, high = wilson(wrong, given) if given else (0.0, 0.0)
        rate = f"{100 * wrong / given:.1f} % [{100 * low:.1f}, {100 * high:.1f}]" if given else "nothing is promised"
        holds, broken = _drawn(of_b, share)
        cells = f"{100 * given / len(of_b):.1f} % | {rate} | {100 * holds:.1f} % | {100 * broken:.1f} %"
        yield f"| {NAMES[task]} | {share:g} | {cells} |"


def _promise(rows: Sequence[Answered], share: float) -> Promise:
    scored = [row for row in rows if row.score is not None]
    return promised([row.score or 0.0 for row in scored], [not row.first_is_wrong for row in scored], share)


def _given(promise: Promise, rows: Sequence[Answered]) -> tuple[int, int]:
    """How many answers are given, and how many of these are wrong."""
    given = [row for row in rows if promise.gives(row.score)]
    return len(given), sum(row.first_is_wrong for row in given)


def _drawn(rows: Sequence[Answered], share: float) -> tuple[float, float]:
    """How often `LEAST` judgements of answers that are given promise anything, and how often that is broken."""
    scored, holds, broken = [row for row in rows if row.score is not None], 0, 0
    for seed in range(DRAWS):
        promise = _promise(Random(seed).choices(scored, k=LEAST), share)
        given, wrong = _given(promise, rows)
        holds += promise.holds
        broken += promise.holds and wrong > share * given
    return holds / DRAWS, broken / DRAWS


if __name__ == "__main__":
    main()
