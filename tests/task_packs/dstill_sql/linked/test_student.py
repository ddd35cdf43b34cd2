"""A small student learns to write queries from a few hundred questions about one database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from support.sql_questions import example
from support.sums_student import CPU, RECIPE, sources, texts

from dstill.api.records import Record
from dstill.api.student import TrainingJob
from dstill_linked.student import LinkedConfig, LinkedStudent
from dstill_sql.language.canonical import canonical_text
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings
from dstill_torch.modalities import Full
from dstill_torch.objectives import LabelOnly

JOINED = "drivers JOIN trips ON trips.driver_id = drivers.id"
NEW = 60


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def asked(random: Random) -> tuple[str, str]:
    """A question from a template, with its query."""
    city, way = random.choice(("Oslo", "Bergen", "Trondheim")), random.choice(("cash", "card", "app"))
    zone, number = random.choice(("Harbour", "Airport", "Old Town")), random.randint(2, 90)
    noun, table, column = random.choice(
        (("rating", "drivers", "rating"), ("fare", "trips", "fare"), ("distance", "trips", "distance_km"))
    )
    function, of = random.choice((("AVG", "average"), ("MAX", "highest"), ("MIN", "lowest"), ("SUM", "total")))
    month, year = random.choice(((3, "March"), (5, "May"), (6, "June"))), random.choice((2022, 2023, 2024))
    first, after = f"{year}-{month[0]:02d}-01", f"{year}-{month[0] + 1:02d}-01"
    return random.choice(
        (
            (f"how many drivers from {city}", f"SELECT COUNT(*) FROM drivers WHERE city = '{city}'"),
            (f"number of trips paid by {way}", f"SELECT COUNT(*) FROM trips WHERE payment = '{way}'"),
            (f"{of} {noun} of {table}", f"SELECT {function}({column}) FROM {table}"),
            (f"{table} with {noun} over {number}", f"SELECT * FROM {table} WHERE {column} > {number}"),
            (
                f"top {number} drivers by number of trips",
                f"SELECT drivers.name FROM {JOINED} GROUP BY drivers.name ORDER BY COUNT(*) DESC LIMIT {number}",
            ),
            (
                f"{of} fare per driver",
                f"SELECT drivers.name, {function}(trips.fare) FROM {JOINED} GROUP BY drivers.name",
            ),
            (
                f"how many trips to {zone} in {month[1]} {year}",
                "SELECT COUNT(*) FROM trips JOIN zones ON trips.dropoff_zone_id = zones.id "
                f"WHERE zones.name = '{zone}' AND started_at >= '{first}' AND started_at < '{after}'",
            ),
            (
                f"drivers from {city} without trips",
                f"SELECT name FROM drivers WHERE city = '{city}' AND NOT EXISTS "
                "(SELECT 1 FROM trips WHERE trips.driver_id = drivers.id)",
            ),
        )
    )


@pytest.mark.slow
def test_it_answers_questions_that_it_never_saw(tmp_path: Path) -> None:
    task, random = Sql(Settings()), Random(0)
    rows = list(dict(asked(random) for _ in range(1_200)).items())
    random.shuffle(rows)
    new, known = rows[:NEW], rows[NEW:]
    records = (
        Record(id=question, question=question, rationale="", answer=answer, context=example("taxi", question).context)
        for question, answer in known
    )
    student = LinkedStudent(LinkedConfig(width=64, heads=4, encoder_layers=2, decoder_layers=2, hidden=256))
    student.form, student.base = task.form(), ""
    recipe = replace(
        RECIPE, max_steps=160, learning_rate=8e-3, per_device_train_batch_size=16, optim="muon", warmup_ratio=0.1
    )
    student.fit(
        TrainingJob(
            train=[tuple(LabelOnly().pairs(record, task)) for record in records],
            validation=(),
            modality=Full(),
            recipe=recipe,
            folder=tmp_path,
            seed=0,
            device=CPU,
        )
    )
    written = texts(student.load(tmp_path).generate(sources([example("taxi", question) for question, _ in new])))
    right = sum(
        canonical_text(one, "duckdb") == canonical_text(answer, "duckdb")
        for one, (_, answer) in zip(written, new, strict=True)
    )
    print(f"{right} of {NEW} new questions, after {len(known)}")
    assert right > 0.6 * NEW
