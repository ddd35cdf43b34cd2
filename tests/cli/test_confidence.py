"""Confidence on the command line: what `evaluate` prints, and `predict --max-wrong`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from support.unsure import records


def test_evaluate_shows_figures_and_promises_nothing(unsure: Any, project: Path) -> None:
    shown = (project / "shown.txt").read_text()
    assert "how log-probabilities tell right answers from wrong ones" in shown
    assert "--max-wrong" not in shown


def test_predict_prints_the_confidence_on_stderr(unsure: Any) -> None:
    ended = unsure("predict", "mine", "add 3 and 4")
    assert (ended.code, ended.out[:2]) == (0, "3+")
    assert "\n" not in ended.out.rstrip("\n")
    assert re.search(r"^confidence 0\.0\d+: it is more likely wrong than right$", ended.err, re.MULTILINE)
    sure = unsure("predict", "mine", "add 45 and 7")
    assert re.search(r"^confidence 0\.9\d+$", sure.err, re.MULTILINE)


def test_abstention_is_not_a_failure(unsure: Any) -> None:
    questions = "\n".join(record.question for record in records("test", 40)).encode()
    ended = unsure("predict", "mine", "--max-wrong", "0.2", "--execute", "--json", stdin=questions)
    rows = [json.loads(line) for line in ended.out.splitlines()]
    abstained = [row for row in rows if row["abstained"]]
    assert (ended.code, len(rows)) == (0, 40)
    assert 0 < len(abstained) < 40
    assert all(row["answer"] == "" and row["withheld"] and "outcome" not in row for row in abstained)
    shown = unsure("predict", "mine", "--max-wrong", "0.2", stdin=questions)
    assert shown.out.count("(abstained)\n  abstained: the confidence of 0.") == len(abstained)
    assert f"note: abstained on {len(abstained)} of 40 questions" in shown.err
    assert "note: at most 20 % of the given answers are wrong (level 95 %" in shown.err
