"""Scores the SQL base on dialogues of people: questions that go on from the one before.

    python -m benchmarks.dialogues FOLDER
    turn 2    n 165   right 61.2 % [53.6, 68.3]
    …

FOLDER has `dialogues.json`, a list of {"database_id", "interaction": [{"question", "query"}]}, as SParC and CoSQL do
(Yu et al. 2019, arXiv:1906.02285 and arXiv:1909.05378), and `databases/NAME.sqlite`. A turn counts if the one before it
was answered right. A dialogue ends where its reference finds nothing: then nobody can tell what is right. Only totals
are printed.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.people import share, sqlite_data

from dstill.answering import steps
from dstill.api.records import Prediction
from dstill.stages.predict import live_data
from dstill.stages.predict.predictor import Predictor

__all__ = ["main"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Score the SQL base on dialogues of people")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--student", type=Path, help="the folder of a linked student; default: the published base")
    parser.add_argument("--databases", nargs="*", help="names; default: all that are there")
    arguments = parser.parse_args()
    by_name: dict[str, list[Any]] = {}
    for row in json.loads((arguments.folder / "dialogues.json").read_text(encoding="utf-8")):
        by_name.setdefault(row["database_id"], []).append(row["interaction"])
    asked, right = Counter[str](), Counter[str]()
    for name, dialogues in by_name.items():
        file = arguments.folder / "databases" / f"{name}.sqlite"
        if file.is_file() and (not arguments.databases or name in arguments.databases):
            for turn, is_right in _turns(file, dialogues, arguments.student):
                asked[turn] += 1
                right[turn] += is_right
    for turn in sorted(asked):
        print(f"{turn:9} n {asked[turn]:3}   right {share(right[turn], asked[turn])}")


def _turns(file: Path, dialogues: Sequence[Any], student: Path | None) -> Iterator[tuple[str, bool]]:
    """The turns after a right answer, and the first ones, by name; and whether their answers are right."""
    with (
        sqlite_data(file, student) as (setup, context),
        Predictor(live_data.from_base(file.stem, setup), execute=True) as predictor,
    ):
        for turns in dialogues:
            before: list[tuple[str, str]] = []
            for number, turn in enumerate(turns, 1):
                if not _finds(file, turn):
                    break
                example = predictor.example(turn["question"], context=context, after=before[-1:])
                (answered,) = predictor.answer([example])
                pair = (replace(example, answer=turn["query"]), Prediction(id="1", text=answered.answer))
                (verdict,) = steps.judge(setup.plugins, setup.task, [pair], setup.objective, predictor.executor)
                yield f"turn {number}", verdict.correct
                if number > 1:
                    yield "follow-up", verdict.correct
                if not verdict.correct:
                    break
                before.append((example.question, answered.answer))


def _finds(file: Path, turn: Mapping[str, str]) -> bool:
    with closing(sqlite3.connect(file)) as connection:
        try:
            return bool(connection.execute(turn["query"]).fetchall())
        except sqlite3.Error:
            return False


if __name__ == "__main__":
    main()
