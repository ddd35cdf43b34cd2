"""Output of an evaluation: a table that fits the terminal, and a summary in sentences."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import WITH_TOY
from support.terminal import in_terminal

from dstill import plugins as plugin_loading
from dstill.cli import scores
from dstill.cli.scores import Words, sentences
from dstill.io.units import percent
from dstill.runs.folder import RunFolder

Cli = Callable[..., Any]


def score(right: int, n: int, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": right / n if n else None, "n": n, "low": low, "high": high, "note": ""}


SCORES: dict[str, Any] = {
    "student": {
        "test": {"executable_accuracy": score(477, 533, 0.866, 0.918), "silent_error_rate": score(45, 533)},
        "test_unseen_data": {"executable_accuracy": score(10, 200, 0.027, 0.09), "silent_error_rate": score(120, 200)},
    },
    "untrained": {
        "test": {"executable_accuracy": score(0, 533, 0.0, 0.007)},
        "test_unseen_data": {"executable_accuracy": score(0, 200, 0.0, 0.019)},
    },
    "nearest": {
        "test": {"executable_accuracy": score(143, 533, 0.232, 0.307)},
        "test_unseen_data": {"executable_accuracy": score(1, 200, 0.001, 0.028)},
    },
}

WORDS = Words.of(plugin_loading.load())


def test_summary_compares_with_baselines_and_counts_silent_errors() -> None:
    first, further, wrong = sentences(SCORES, ["test", "test_unseen_data"], WORDS)
    assert first == (
        "The student is right on 477 of 533 (89.5 %) new questions from known templates (test); the student before "
        "training on 0 %; the answer of the most similar training question on 26.8 %."
    )
    assert further == (
        "It is right on 10 of 200 (5.0 %) questions about data that training never saw (test_unseen_data), "
        "the answer of the most similar training question on 0.5 %: most of its answers there are wrong."
    )
    assert wrong.endswith("differs from the reference's): 8.4 % of test and 60.0 % of test_unseen_data.")


def test_unexecuted_answers_are_not_called_wrong() -> None:
    scores = {"student": {"test": {"executable_accuracy": score(0, 0), "parsed": score(3, 3)}, "test_unseen_data": {}}}
    assert list(sentences(scores, ["test", "test_unseen_data"], WORDS)) == [
        "There are no questions in test_unseen_data.",
        "How often the student is right on test is not known: no answer was executed.",
    ]


@pytest.mark.parametrize(
    ("value", "shown"), [(0.9129, "91.3"), (1, "100"), (0.99996, "> 99.9"), (0, "0"), (0.0001, "< 0.1")]
)
def test_percent_is_exact_at_0_and_100(value: float, shown: str) -> None:
    assert percent(value) == shown


def test_evaluate_ends_with_the_summary(cli: Cli, evaluated: Path) -> None:
    ended = cli("evaluate", "mine", "--set", "evaluate.baselines=untrained")
    told = " ".join(ended.out.split())
    assert "The student is right on 7 of 13 (53.8 %) new questions from known templates (test)" in told
    assert " the student before training on " in told
    assert "parsed 100 – The answer parses" in told
    assert re.search(
        r"One question at a time, half of the answers take at most [\d.]+ s, 95 % at most [\d.]+ s \(13 questions\)\. "
        r"In batches, the student writes 100 answers per second\. "
        r"Half of the answers have at most 3 tokens, 95 % at most 4\.",
        told,
    )
    assert "kB, 13 parameters." in told
    assert "causes of 6 failures first error failures % for example different 6 100 [61.0, 100] test-take-" in told
    command = "dstill data questions --augment-cause different --from-run mine"
    assert f"To make more questions of the most common cause: {command}" in told
    assert ended.out.endswith(f"next: {WITH_TOY} report mine\n")
    assert json.loads(cli("evaluate", "mine", "--json").out.splitlines()[-1])["unseen_data"] is None
    assert json.loads(cli("evaluate", "mine", "--json").out.splitlines()[-1])["causes"] == {"different": 6}
    causes = RunFolder.read(evaluated).manifest["stages"]["evaluate"]["causes"]
    assert causes["different"] == {
        "count": 6,
        "of": 6,
        "low": pytest.approx(0.6097, abs=1e-4),
        "high": 1.0,
        "examples": causes["different"]["examples"],
    }
    rows = [json.loads(line) for line in (evaluated / "verdicts.jsonl").read_text().splitlines()]
    labelled = [row["id"] for row in rows if row["cause"] is not None]
    assert (len(labelled), labelled[:5]) == (6, causes["different"]["examples"])


@pytest.mark.parametrize("columns", [110, 80, 60])
def test_every_line_fits_the_terminal(evaluated: Path, columns: int, toy_file: Path) -> None:
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "evaluate", "mine"]
    command = [*words, "--set", "evaluate.baselines=untrained"]
    terminal = {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "xterm"}
    status, read = in_terminal(command, stderr=subprocess.DEVNULL, env=terminal)
    assert status == 0
    # a command to copy is never broken
    assert [
        line
        for line in read.splitlines()
        if len(line) > columns and not line.startswith(("  dstill ", "next: dstill "))
    ] == []
    assert ("The answer parses" in read) == (columns == 110)


@pytest.mark.parametrize(
    ("killed", "told"),
    [
        (0, "No test database tells them apart."),
        (1, "1 of them returned another result on a test database, and counts as wrong."),
        (2, "2 of them returned another result on a test database, and count as wrong."),
    ],
)
def test_answers_with_the_same_result_have_the_outcome_of_test_databases(killed: int, told: str) -> None:
    (line,) = scores._test_suite_lines({"n_same_on_data": 3, "n_killed": killed, "not_checked": {}})
    assert line == f"3 answers differ from the reference and returned the same result. {told}"


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (1, "1 answer differs from the reference and returned the same result. It counts as right without a check"),
        (2, "2 answers differ from the reference and returned the same result. They count as right without a check"),
    ],
)
def test_one_answer_is_singular(n: int, told: str) -> None:
    (line,) = scores._test_suite_lines({"n_same_on_data": 0, "n_killed": 0, "not_checked": {"no corpora": n}})
    assert line.startswith(told)
