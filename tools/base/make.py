"""Makes the base of a pack of dstill, as `dstill pack base` does, with the questions that are in no wheel.

    python -m tools.base.make                                    # build/base/querydsl → task_packs/dstill_querydsl/base
    python -m tools.base.make --pack sql --start-pack querydsl --hours 2
    python -m tools.base.make --pack sql --start task_packs/dstill_sql/base --seed 7 --share 0.7     # more of it

`--start` begins with the weights of a student, such as the published one: give another `--seed`, so that the rows are
new. `--start-pack` begins with the published base of another pack. `--share` publishes the mean of these and the
trained weights.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path

from dstill.cli.console import progress
from dstill_linked.making.command import starting_model
from dstill_linked.making.publishing import new_rows, publish
from dstill_linked.making.training import Schedule, train, write_start
from dstill_linked.saving import read_model
from dstill_linked.vocabulary import Vocabulary
from tools.base import pack


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the base of a pack of dstill")
    parser.add_argument("--pack", default="querydsl", choices=pack.NAMES)
    parser.add_argument("--out", type=Path, help="default: build/base/PACK")
    parser.add_argument("--hours", type=float, default=2.0, help="with a constant rate, earlier calls included")
    parser.add_argument("--decay", type=float, default=0.4, help="hours in which it falls to 0")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="the folder of a student whose weights come first; default: random")
    parser.add_argument("--start-pack", choices=pack.NAMES, help="a pack whose base's weights come first")
    parser.add_argument("--share", type=float, default=1.0, help="of the trained weights, beside those of --start")
    parser.add_argument("--into", type=Path, help="where to publish; default: the folder of the pack's base")
    parser.add_argument("--known-errors", default="", help="one line, which `dstill ask` shows")
    arguments = parser.parse_args()
    about, out = pack.load(arguments.pack), arguments.out or Path("build/base") / arguments.pack
    if arguments.start:
        write_start(out, read_model(arguments.start, about.form)[0], Vocabulary.of(about.form))
    elif arguments.start_pack:
        other = pack.load(arguments.start_pack)
        write_start(out, starting_model(other.folder, other.form, about.form), Vocabulary.of(about.form))
    schedule = Schedule(
        hours=arguments.hours, decay=arguments.decay, processes=arguments.processes, seed=arguments.seed
    )
    with progress() as report:
        train(partial(pack.load, arguments.pack), out, schedule, report)
    publish(
        out / "student",
        arguments.into or about.folder,
        about,
        list(new_rows(about.form)),
        known_errors=arguments.known_errors,
        blend=(arguments.start, arguments.share) if arguments.share < 1 else None,
    )


if __name__ == "__main__":
    main()
