"""Progress in a log: a line when something begins, every few seconds, and when nothing was reported for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from dstill.cli import console

Cli = Callable[..., Any]


def test_a_silent_step_is_named_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    err, ends = "", time.monotonic() + 60
    with console._lines(every=0.01) as report:
        report("planning", 0, 1)
        while err.count("still planning, for 0:00:0") < 2:
            assert time.monotonic() < ends, "it never came"
            time.sleep(0.01)
            err += capsys.readouterr().err
        report("planning", 1, 1)
    assert err.startswith("planning 0/1\n")


def test_nothing_is_said_of_what_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    lines = console._Lines(every=0.0)
    lines("planning", 0, 1)
    lines("planning", 1, 1)
    lines.remind()
    assert capsys.readouterr().err == "planning 0/1\nplanning 1/1\n"


def test_every_stage_says_what_it_does(cli: Cli) -> None:
    words = ("--teacher", "parrot", "--out", "mine")
    made = cli("generate", *words).err
    for what in ("making the task's questions", "asking the teacher", "running the answers"):
        assert what in made
    assert "looking for repeated questions 4/4\nwriting the dataset 0/1\nwriting the dataset 1/1\n" in made
    trained = cli("train", "mine", "--student", "memory", "--objective", "plain").err
    steps = ("planning the training: libraries, memory 1/1\n", "trying one step 1/1\n", "training 1/2")
    places = [trained.index(step) for step in steps]
    assert places == sorted(places)


def test_first_line_is_printed_at_any_time(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(200):  # the clock's fractions differ, and so does the rounding of differences
        console._Lines(every=0.01)("planning", 0, 1)
    assert capsys.readouterr().err == "planning 0/1\n" * 200
