"""Latency, tokens and size, from predictions with known values."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dstill.answering import efficiency
from dstill.answering.efficiency import Percentiles, Timing, measured_efficiency, timings
from dstill.api.records import Example, Prediction


def test_measures_percentiles_disk_and_parameters(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "weights").write_bytes(b"x" * 700)
    (tmp_path / "config.json").write_bytes(b"x" * 300)
    predictions = [Prediction(id=str(n), text="", seconds=n / 100, tokens=n) for n in range(1, 101)]
    timed = [Timing(id=str(n), seconds=n / 10) for n in (1, 2, 3)]
    found = measured_efficiency(timed, predictions, tmp_path, 12)
    assert found.latency == Percentiles(p50=0.2, p95=0.38, n=3)
    assert found.per_second == 1.98  # 100 answers in 50.5 s
    assert (found.tokens, found.total_tokens) == (Percentiles(p50=50, p95=96, n=100), 5050)
    assert (found.disk_bytes, found.parameters) == (1000, 12)


def test_unmeasured_values_are_none(tmp_path: Path) -> None:
    found = measured_efficiency([], [Prediction(id="1", text="")], tmp_path / "none", None)
    nothing = Percentiles(p50=None, p95=None, n=0)
    assert (found.latency, found.per_second) == (nothing, None)
    assert (found.tokens, found.total_tokens) == (nothing, None)
    assert (found.disk_bytes, found.parameters) == (None, None)


def examples(count: int) -> list[Example]:
    return [Example(id=str(n), question=f"what is {n}?") for n in range(count)]


def test_times_questions_one_at_a_time_after_a_warm_up() -> None:
    asked: list[str] = []

    def answer(example: Example) -> None:
        time.sleep(0.2 if not asked else 0.002)  # the first answer loads what the others use
        asked.append(example.id)

    found = timings(answer, examples(100))
    assert asked == ["0", *(one.id for one in found)]
    assert [one.id for one in found] == [str(n) for n in range(0, 100, 4)]
    assert all(0.002 <= one.seconds < 0.2 for one in found)
    assert [len(timings(lambda _: None, examples(n))) for n in (0, 1, 30, 31, 59, 61)] == [0, 1, 30, 16, 30, 21]


def test_slow_student_is_timed_on_fewer_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficiency, "LONGEST", 0.05)
    found = timings(lambda _: time.sleep(0.02), examples(30))
    assert 1 <= len(found) <= 3
