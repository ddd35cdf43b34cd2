"""Sections on cost, review, causes and teacher scores, also with unknown values."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest

from dstill import config as configuration
from dstill.answering.efficiency import Timing
from dstill.api.records import Cause, Level, Section
from dstill.confidence.cascade import Effort, Question, cascade
from dstill.confidence.evaluated import Confidence
from dstill.confidence.promise import Promise
from dstill.confidence.selective import ScoredAnswer
from dstill.quality.review import ACCEPT, EDIT, REJECT, UNDO, Decision, digest
from dstill_report.markdown import markdown
from dstill_report.page import gather, html, summary
from dstill_report.sections import sections
from dstill_report.sections_cost import break_even

REPLIES = {
    "usd": 12.0,
    "usd_per_row": 0.02,
    "replies": 640,
    "tokens": {"prompt_tokens": 900_000, "completion_tokens": 80_000},
    "replies_without_usage": 3,
    "annotators": {"usd": 1200.0, "usd_per_hour": 40.0, "seconds_per_row": 180.0},
}


def section(run: Any, title: str) -> Section:
    return next(one for one in sections(run) if one.title == title)


def cost_section(run: Any, cost: Any, hour: float | None = None) -> Section:
    run.manifest["stages"]["generate"]["cost"] = cost
    flags = {"train.objective": "as-written", "evaluate.machine_usd_per_hour": hour}
    run.config = configuration.load(use_files=False, environment={}, flags=flags)
    return section(run, "Cost")


def test_break_even_is_where_teacher_and_student_cost_the_same() -> None:
    assert break_even(spent=12, teacher=0.02, student=0) == 600
    assert break_even(spent=12, teacher=0.02, student=0.005) == 800
    assert break_even(spent=12, teacher=0.02, student=0.02) is None


def test_cost_section_compares_teacher_and_machine(make_run: Any) -> None:
    run = make_run(tests=6)
    free = cost_section(run, REPLIES)
    assert "The student breaks even after 600 questions: it cost $12.00 once, and costs $0.00 per question" in free.text
    assert "The machine is assumed to be free" in free.text
    assert "would have cost $1,200.00 (assuming 180 s per row at $40.00 per hour)" in free.text
    # 251.3 s of training are $1.40 at $20 an hour, an answer of 0.012 s is $0.000067
    dear = cost_section(run, REPLIES, hour=20)
    assert "after 673 questions: it cost $13.40 once, and costs $0.000067 per question" in dear.text
    assert "where the teacher costs $0.020" in dear.text
    assert dear.table is not None
    assert dear.table.rows[0] == (
        "once",
        "$12.00: 640 replies, 900,000 + 80,000 tokens (estimated for 3 replies)",
        "251 s; $1.40",
    )
    assert dear.table.rows[1:3] == (
        ("per question, one at a time", "$0.020", "0.012 s; $0.000067"),
        ("per question, in batches", "$0.020", "0.001 s; $0.0000068"),
    )
    assert "student from 13.4 at 0 to 13.49 at 1,346" in dear.svg
    assert cost_section(run, REPLIES, hour=50_000).text.startswith("The student never breaks even")
    run.manifest["stages"]["evaluate"]["latency"] = {"p50": None}
    unmeasured = cost_section(run, REPLIES, hour=20)
    assert unmeasured.text.startswith("The break-even point is not known: `dstill evaluate` measures")
    assert unmeasured.svg == ""


def test_cost_section_explains_free_and_unknown_prices(make_run: Any) -> None:
    run = make_run(tests=6)
    free = cost_section(run, {})
    assert free.text.startswith("The teacher 'synthetic' is free, so there is no break-even point.")
    unknown = cost_section(run, {**REPLIES, "usd": None, "usd_per_row": None})
    assert unknown.text.startswith("The teacher's price is not set, so the break-even point is not known.")
    assert unknown.table is not None
    assert unknown.table.rows[1][1] == "not known"
    assert (free.svg, unknown.svg) == ("", "")


def test_confidence_has_its_curve_and_promises_nothing(make_run: Any) -> None:
    run = make_run(tests=6)
    answers = [
        ScoredAnswer(id=str(n), split="test", score=-n / 10, confidence=None, valid=True, right=n < 40)
        for n in range(50)
    ]
    run.write("confidence.jsonl", answers)
    run.manifest["stages"]["evaluate"]["confidence"] = Confidence(rows=tuple(answers)).summary(["test"])
    curve = section(run, "Confidence")
    assert "promises nothing" in curve.text
    assert "test from 0 at 2 to 20 at 100" in curve.svg
    figures = section(run, "Confidence in figures")
    assert figures.table is not None
    assert figures.table.columns == ("", "test")
    assert [row[1] for row in figures.table.rows] == ["1.000", "0.0235", "80.0 %", "80.0 %", "84.0 %", "88.0 %"]
    run.manifest["stages"]["evaluate"]["confidence"] = {"why": "no answer was executed"}
    assert not [one for one in sections(run) if one.title.startswith("Confidence")]


def test_time_of_an_answer_is_drawn(make_run: Any) -> None:
    run = make_run(tests=6)
    run.write("timings.jsonl", [Timing(id=str(n), seconds=0.01 + n / 1000) for n in range(4)])
    time = section(run, "Time of an answer")
    assert time.text == (
        "Asked one at a time, half of 30 questions took at most 12 ms, 95 % at most 34 ms. "
        "In batches: 812 answers per second."
    )
    assert "ms: 10 to 13; half: 12 ms 12; 95 %: 34 ms 34" in time.svg
    run.manifest["stages"]["evaluate"]["latency"] = {"p50": None}
    assert not [one for one in sections(run) if one.title == "Time of an answer"]


# --- comparison -------------------------------------------------------------------------


def earlier(run: Any, name: str, day: int, made: Any) -> Any:
    """A run beside `run`, evaluated on the same questions on that day of February."""
    other = made(name, tests=60)
    other.manifest["created"] = f"2026-02-{day:02}T10:00:00+00:00"
    other.save()
    return other


def test_baselines_and_the_run_before_are_compared_and_drawn(
    make_run: Any, judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        return prediction, replace(verdict, reached=Level.CORRECT) if system == "student" else verdict

    run = make_run(tests=60, judge=judge)
    for day, name in enumerate(("oldest", "before", "other-questions"), 1):
        other = earlier(run, name, day, make_run)
        if name == "other-questions":  # is not compared, though it is newer
            rows = [replace(row, question="another one") for row in other.records("test")]
            other.write("dataset/data/test.jsonl", rows)
            other.save()
    (run.folder.parent / "broken").mkdir()
    (run.folder.parent / "broken" / "run.json").write_text("{")
    drawn, figures = section(run, "Comparison"), section(run, "Comparison in figures")
    assert drawn.text.endswith(" The run before is the one before this.")
    assert figures.table is not None
    against = [(row[0], row[1]) for row in figures.table.rows]
    systems = ("nearest", "untrained", "run before")
    assert against == [(split, system) for split in ("test", "test_unseen_templates") for system in systems]
    points, gained, lost, _, told = figures.table.rows[2][2:]
    assert points.startswith("+6.7 [")
    assert (gained, lost) == ("4", "0")
    assert told.startswith("not distinguishable: ")
    assert "test, against run before +6.7 (" in drawn.svg
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert not [one for one in sections(run) if one.title.startswith("Comparison")]  # nothing can be tested


def test_cascade_has_its_cuts_and_its_curve(make_run: Any) -> None:
    run = make_run(tests=6)
    effort, large = Effort(seconds=0.01, usd=None), Effort(seconds=1.0, usd=0.002)
    asked = [
        Question(score=-n / 10, student_right=n < 6, large_right=n != 9, student=effort, large=large) for n in range(10)
    ]
    promises = [Promise(max_wrong=0.1, level=0.9, holds=True, cut=-0.45, n=40, of=80, needed=22)]
    found = Confidence().summary(["test"])
    run.manifest["stages"]["evaluate"]["confidence"] = found
    run.manifest["stages"]["evaluate"]["cascade"] = {"openai:big": {"test": cascade(asked, promises).to_row()}}
    cuts, shares = section(run, "Cascade with openai:big"), section(run, "Cascade with openai:big: shares")
    assert cuts.table is not None
    assert cuts.table.rows == (
        ("test", "the student alone", "100", "60.0 [31.3, 83.2]", "0.010", "–"),
        ("test", "--max-wrong 0.1", "50.0", "90.0 [59.6, 98.2]", "0.510", "1.0000"),
        ("test", "openai:big alone", "0", "90.0 [59.6, 98.2]", "1.000", "2.0000"),
    )
    assert shares.table is not None
    assert [row[1] for row in shares.table.rows] == [f"the surest {10 * n} %" for n in range(11)]
    assert shares.table.rows[5][2:] == cuts.table.rows[1][2:]
    assert "test from 10 at 0 to 40 at 100" in cuts.svg


def test_review_decisions_are_counted_after_undo(make_run: Any, record: Any) -> None:
    run = make_run(tests=6)
    assert "Review" not in [one.title for one in sections(run)]
    rows = {one.id: one for one in run.records("train")}
    decided = {0: ACCEPT, 1: ACCEPT, 2: ACCEPT, 3: REJECT, 4: EDIT, 5: ACCEPT, 6: REJECT, 7: ACCEPT}
    for number, decision in decided.items():
        written = {"answer": "{}", "rationale": "so"} if decision == EDIT else {}
        id = f"train-{number}"
        kept = digest(rows[id]) if number != 7 else "of another day"
        run.append("review.jsonl", Decision(id=id, decision=decision, who="a", when="now", digest=kept, **written))
    run.append("review.jsonl", Decision(id="train-6", decision=UNDO, who="a", when="now"))
    run.manifest["stages"]["train"] = {**run.manifest["stages"]["train"], "review": {"message": "nobody had looked"}}
    review = section(run, "Review")
    assert review.table is not None
    assert review.table.rows == (
        ("accepted", "4"),
        ("rejected", "1"),
        ("edited", "1"),
        ("acceptance rate", "66.7 % [30.0, 90.3]"),
        ("rows changed since the review", "1"),
    )
    assert "When the student was trained, nobody had looked." in review.text


def test_answers_are_counted_by_cause(make_run: Any, judged: Any) -> None:
    def judge(item: Any, system: str, number: int) -> Any:
        prediction, verdict = judged(item, system, number)
        cause = None if verdict.correct else Cause(label="sort" if number else "wrong field", detail="term, not terms")
        return prediction, replace(verdict, cause=cause)

    report = gather(make_run(tests=24, judge=judge))
    assert report.answers.labels == {"sort": report.answers.n_wrong - 2, "wrong field": 2}
    page = html(report)
    assert 'data-label="wrong field"' in page
    assert "First cause: term, not terms" in page
    assert f"| sort | {report.answers.n_wrong - 2} |" in markdown(report)


def test_answers_that_are_not_counted_stand_by_their_reasons(make_run: Any) -> None:
    run = make_run(tests=6)
    assert "Not counted in accuracy" not in [one.title for one in sections(run)]
    score = run.manifest["stages"]["evaluate"]["scores"]["student"]["test"]["executable_accuracy"]
    score |= {"note": "read the docs", "uncounted": {"trivial reference": 2, "unavailable": 1}}
    table = section(run, "Not counted in accuracy").table
    assert table is not None
    assert table.rows == (("student", "test", str(score["n"]), "2 trivial reference, 1 unavailable"),)


@pytest.mark.parametrize("measured", [True, False])
def test_teacher_scores_are_shown_with_the_student(make_run: Any, measured: bool) -> None:
    run = make_run(tests=12)
    assert gather(run).teacher_note == (
        "The teacher's ceiling was not measured. Run `dstill evaluate` again to measure it."
    )
    run.manifest["stages"]["teach"] = {"teacher": "replay", "train": 1_200, "mixed_with": 800}
    assert gather(run).teacher_note.startswith(
        "The student learnt 1,200 questions of the teacher 'replay', among 800 from templates. The teacher's ceiling"
    )
    evaluated = run.manifest["stages"]["evaluate"]
    score = {"name": "executable_accuracy", "value": 0.95, "n": 12, "low": 0.8, "high": 1.0, "note": ""}
    evaluated["teacher"] = (
        {"why": "", "scores": {"test": {"executable_accuracy": score}}}
        if measured
        else {"why": "the teacher 'synthetic' repeats reference answers", "scores": {}}
    )
    report = gather(run)
    page = html(report)
    if measured:
        assert report.headlines[0].teacher is not None
        assert "95.0 %" in page
        assert "the ceiling for a student that learns from it" in page
        assert '"teacher": {' in summary(report)
    else:
        assert report.headlines[0].teacher is None
        assert "not measured: the teacher &#39;synthetic&#39; repeats reference answers." in page
