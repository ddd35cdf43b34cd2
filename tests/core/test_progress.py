"""What a training reports after each step."""

from __future__ import annotations

import pytest

from dstill.runtime.progress import Steps


@pytest.mark.parametrize(
    ("values", "detail"),
    [
        ({}, ""),
        ({"loss": 1.1}, "loss 1.1000"),
        ({"rows_per_second": 12.54, "loss": 1.1, "eval_loss": 2.0}, "12.5 rows/s, loss 1.1000"),
    ],
)
def test_a_step_ends_the_preparation_and_shows_speed_and_loss(values: dict[str, float], detail: str) -> None:
    shown: list[tuple[str, int, int, str]] = []

    def progress(what: str, done: int, total: int, detail: str = "") -> None:
        shown.append((what, done, total, detail))

    Steps(progress, "preparing")(3, 40, values)
    assert shown == [("preparing", 1, 1, ""), ("training", 3, 40, detail)]
