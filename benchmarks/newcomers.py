"""Scores the bases on two sets of questions that were written before any was asked, with what goes on from them.

    python -m benchmarks.newcomers                                  # the published bases
    python -m benchmarks.newcomers --questions                      # each question, with what came of it
    python -m benchmarks.newcomers --page docs/people.md

A database of a diving school and an index of noise complaints, with invented rows, and 25 questions on each as people
type them: short, with typing errors, units, and one that cannot be answered. Right: the task's verdict for one of the
reference answers. Of what goes on from a question, only that after a right answer counts.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.people import Data, querydsl_setup, share, sqlite_data, write_table

from dstill.answering import steps
from dstill.api.records import Example, Prediction, TestDatabase
from dstill.stages.predict import live_data
from dstill.stages.predict.predicted import PredictedAnswer
from dstill.stages.predict.predictor import Predictor

__all__ = ["main"]

FOLDER = Path(__file__).with_name("newcomers")
NOW = "2026-11-01T12:00:00Z"
SETS = {"diving": "sql", "noise": "querydsl"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Score the bases on questions of newcomers")
    parser.add_argument("--questions", action="store_true", help="print each question")
    parser.add_argument("--student", type=Path, help="the folder of a linked student; default: the published base")
    parser.add_argument("--task", choices=sorted(set(SETS.values())), help="default: both")
    parser.add_argument("--page", type=Path, help="write the table into this page, docs/people.md")
    arguments = parser.parse_args()
    lines = [
        "| set | n | right | among those offered | wrong, unmarked | right but marked | follow-ups right | n |",
        "| --- | ---: | --- | --- | --- | --- | --- | ---: |",
    ]
    for name, task in SETS.items():
        if arguments.task in (None, task):
            asked = list(_asked(name, task, arguments.student))
            lines.append(_line(name, asked))
            for one in asked if arguments.questions else ():
                print(f"{one.mark:9} {one.question!r} {one.answered.answer[:160]}")
    print("\n".join(lines))
    if arguments.page:
        write_table(arguments.page, "newcomers", lines)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question with its answer."""

    question: str
    answered: PredictedAnswer
    right: bool
    offered: bool
    goes_on: bool

    @property
    def marked(self) -> bool:
        return bool(self.answered.guess or self.answered.problems)

    @property
    def mark(self) -> str:
        """In one word."""
        word = (
            "right" if self.right else "refused" if self.answered.refused else "wrong" if self.answered.ok else "fails"
        )
        return f"{word}{'?' if self.marked and self.answered.ok else ''}"


def _line(name: str, asked: Sequence[Asked]) -> str:
    first, then = [one for one in asked if not one.goes_on], [one for one in asked if one.goes_on]
    right = [one for one in first if one.right]
    silent = [one for one in first if not one.right and one.answered.ok and not one.marked]
    cells = (
        share(len(right), len(first)),
        share(sum(one.offered for one in first), len(first)),
        share(len(silent), len(first)),
        share(sum(one.marked for one in right), len(right)),
        share(sum(one.right for one in then), len(then)),
    )
    return f"| {name} | {len(first)} | {' | '.join(cells)} | {len(then)} |"


def _asked(name: str, task: str, student: Path | None) -> Iterator[Asked]:
    rows = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["questions"]
    with (
        _DATA[name](student) as (setup, context),
        Predictor(live_data.from_base(name, setup), execute=True) as predictor,
    ):
        for number, row in enumerate(rows):
            before: list[tuple[str, str]] = []
            for turn, wanted in enumerate((row, *row.get("then", ()))):
                example = predictor.example(
                    wanted["question"], id=f"{number}-{turn}", context=context, after=before[-1:]
                )
                (answered,) = predictor.answer([example])
                answered = predictor.with_alternatives(example, answered)
                golds = (wanted["answer"], *wanted.get("also", ()))
                right = _is_right(predictor, example, answered.answer, golds)
                offered = any(_is_right(predictor, example, other.answer, golds) for other in answered.alternatives)
                yield Asked(
                    question=wanted["question"],
                    answered=answered,
                    right=right,
                    offered=right or offered,
                    goes_on=bool(turn),
                )
                if not right:
                    break
                before.append((example.question, answered.answer))


def _is_right(predictor: Predictor, example: Example, answer: str, golds: Sequence[str]) -> bool:
    setup = predictor.setup
    written = Prediction(id=example.id, text=answer)
    pairs = [
        (Example(id=example.id, question=example.question, answer=g, context=example.context), written) for g in golds
    ]
    verdicts = steps.judge(setup.plugins, setup.task, pairs, setup.objective, predictor.executor)
    return any(verdict.correct for verdict in verdicts)


# --- the database of a diving school ----------------------------------------------------

SCHEMA = """
CREATE TABLE divers (id INTEGER PRIMARY KEY, fname TEXT, lname TEXT, email TEXT, born DATE, city TEXT, member_yn TEXT,
    level TEXT);
CREATE TABLE instructors (id INTEGER PRIMARY KEY, name TEXT, lang TEXT, hired DATE);
CREATE TABLE boats (id INTEGER PRIMARY KEY, name TEXT, seats INTEGER, length_m REAL);
CREATE TABLE trips (id INTEGER PRIMARY KEY, boat_id INTEGER REFERENCES boats (id),
    instructor_id INTEGER REFERENCES instructors (id), site TEXT, departs_at TIMESTAMP, depth_m REAL, water_c REAL,
    price_eur REAL, cancelled INTEGER);
CREATE TABLE bookings (id INTEGER PRIMARY KEY, trip_id INTEGER REFERENCES trips (id),
    diver_id INTEGER REFERENCES divers (id), booked_on DATE, paid_eur REAL, gear_rent_yn TEXT, rating INTEGER);
"""
FIRST = "Ada Ben Cem Dora Emil Fay Gus Hana Ivo Jule Kai Lena Milo Nora Ole Pia Rob Sia Tom Una"
LAST = "Adler Brandt Conrad Dietz Evers Fink Groth Hahn Jessen Kunze Lorenz Maas Nolte Otten Paulsen"
SITES = {"Wreck": 6, "Blue Hole": 5, "Kelp Garden": 4, "The Wall": 4, "Seal Rock": 3, "Old Pier": 2, "Cathedral": 1}
DIVERS, TRIPS = 160, 140


def _diving(file: Path) -> None:
    random = Random(11)
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA)

    def fill(table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)

    def day(first: int, last: int) -> str:
        return str(date(first, 1, 1) + timedelta(days=random.randrange(365 * (last - first + 1))))

    def drawn(weights: Mapping[Any, int]) -> Any:
        return random.choices([*weights], [*weights.values()])[0]

    def price() -> float:
        return random.choice((45.0, 60.0, 75.0, 90.0, 120.0))

    first, last = FIRST.split(), LAST.split()
    cities = {"Kiel": 4, "Hamburg": 3, "Rostock": 2, "Bremen": 2, None: 1}
    levels = {"open water": 6, "advanced": 4, "rescue": 2, "master": 1}
    for n in range(1, DIVERS + 1):
        name = random.choice(first), random.choice(last)
        mail = f"{name[0]}.{name[1]}{n}@example.com".lower()
        fill("divers", [(n, *name, mail, day(1955, 2008), drawn(cities), random.choice("YYN"), drawn(levels))])
    for n, tongue in enumerate(("english", "spanish", "german", "french", "spanish", "english", "german"), 1):
        fill("instructors", [(n, f"{random.choice(first)} {random.choice(last)}", tongue, day(2015, 2024))])
    fill("boats", [(1, "Seagull", 12, 9.5), (2, "Poseidon", 20, 14.2), (3, "Manta", 8, 7.1), (4, "Orca", 16, 12.8)])
    for n in range(1, TRIPS + 1):
        leaves = datetime(2025, 1, 1, 8) + timedelta(hours=random.randrange(24 * 660))
        boat, instructor, site = random.randrange(1, 5), drawn({n: 8 - n for n in range(1, 8)}), drawn(SITES)
        water, deep = round(random.uniform(3, 21), 1), round(random.uniform(6, 42), 1)
        cancelled = int(site != "Cathedral" and random.random() < 0.15)
        fill("trips", [(n, boat, instructor, site, str(leaves), deep, water, price(), cancelled)])
    booked = [n for n in range(1, DIVERS + 1) if n % 9]
    for n in range(1, 5 * TRIPS + 1):
        rating = random.choice((1, 2, 3, 4, 4, 5, 5, None))
        trip, diver = random.randrange(1, TRIPS + 1), random.choice(booked)
        fill("bookings", [(n, trip, diver, day(2025, 2026), price() + n / 100, random.choice("YN"), rating)])
    connection.commit()
    connection.close()


@contextmanager
def _diving_data(student: Path | None) -> Iterator[Data]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "diving.sqlite")
        _diving(file)
        with sqlite_data(file, student) as data:
            yield data


# --- an index of noise complaints -------------------------------------------------------

MAPPING: Mapping[str, Any] = {
    "properties": {
        "received_at": {"type": "date"},
        "closed_at": {"type": "date"},
        "district": {"type": "keyword"},
        "street": {"type": "keyword"},
        "kind": {"type": "keyword"},
        "status": {"type": "keyword"},
        "decibel_max": {"type": "integer"},
        "duration_min": {"type": "integer"},
        "officer": {"type": "keyword"},
        "measures": {"type": "keyword"},
        "fine_usd": {"type": "float"},
        "note": {"type": "text"},
        "reporter": {"properties": {"age": {"type": "integer"}, "returning": {"type": "boolean"}}},
    }
}
STREETS = ("Mill", "Church", "Garden", "Quay", "Market", "Bridge")
NOTES = (
    "A jackhammer since six in the morning", "The same bar again, windows open", "Two dogs bark all night",
    "Rockets over the roofs", "An alarm that nobody turns off", "Trucks at night", "Party on the roof with a band",
    "Drilling, and a jackhammer in the yard", "Horns and tyres", "Somebody practises the trumpet",
)  # fmt: skip


def _documents() -> list[tuple[str, dict[str, Any]]]:
    random = Random(12)
    rows = []
    for n in range(900):
        received = datetime(2025, 6, 1) + timedelta(minutes=random.randrange(60 * 24 * 500))
        status = random.choices(("closed", "open", "in_review", "rejected"), (6, 3, 2, 1))[0]
        row: dict[str, Any] = {
            "received_at": f"{received:%Y-%m-%dT%H:%M:%SZ}",
            "district": random.choice(("Harbour", "Oldtown", "Station", "Northside", "Riverside")),
            "street": f"{random.choice(STREETS)} Street {random.randrange(1, 9)}",
            "kind": random.choice(("music", "construction", "traffic", "dogs", "bar", "fireworks", "alarm")),
            "status": status,
            "decibel_max": random.randrange(45, 118),
            "duration_min": random.randrange(5, 400),
            "officer": random.choices(("Vega", "Okafor", "Lindt", "Marsh"), (4, 3, 2, 1))[0],
            "measures": random.sample(("warning", "fine", "visit", "none"), random.randrange(1, 3)),
            "note": random.choice(NOTES),
            "reporter": {"age": random.randrange(18, 91), "returning": random.random() < 0.3},
        }
        if status in ("closed", "rejected"):
            row["closed_at"] = f"{received + timedelta(days=random.randrange(1, 40)):%Y-%m-%dT%H:%M:%SZ}"
        if random.random() < 0.3:
            row["fine_usd"] = float(random.randrange(50, 900))
        rows.append((str(n), row))
    return rows


@contextmanager
def _noise_data(student: Path | None) -> Iterator[Data]:
    from dstill_querydsl.bundle.indices import SETTINGS, Index

    pairs = _documents()
    index = Index(name="noise", mapping=MAPPING, settings=SETTINGS, now=NOW, documents=lambda: pairs, recipe="noise")
    database = TestDatabase(name="noise", data={"documents": pairs, "now": NOW, "settings": SETTINGS})
    context = {"index": "noise", "mapping": MAPPING, "values": index.values.to_json(), "test_database": database}
    yield querydsl_setup(student), context


_DATA = {"diving": _diving_data, "noise": _noise_data}


if __name__ == "__main__":
    main()
