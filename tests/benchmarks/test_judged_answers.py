"""Verdicts agree with judgements of 200 answers to people's questions, made one by one before verdicts were written.

`judged_answers.jsonl` has the answers, by students of different skill, and whether a person who asked would accept each
for the question: another form of the right one, but not one that is right by luck. The questions are not part of dstill
(docs/people.md), so this needs their folder: ``PEOPLE=../shared/people``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks import people

from dstill.api.judging import judge
from dstill.api.records import Draft, Example
from dstill.io.jsonl import read_rows

ROOT = Path(__file__).parents[2]
ANSWERS = [row for _, row in read_rows(Path(__file__).with_name("judged_answers.jsonl"))]
FOLDER = ROOT / os.environ.get("PEOPLE", "../shared/people")
LEAST = 0.97  # of the answers that are accepted, and of those that are not


def verdicts(task: str) -> Iterator[tuple[bool, bool]]:
    """Whether an answer was accepted, and whether the verdict accepts it."""
    questions = {row["id"]: row for _, row in read_rows(FOLDER / task / "questions.jsonl") if row["part"] == "a"}
    of_data: dict[str, list[dict[str, Any]]] = {}
    for answer in ANSWERS:
        if answer["task"] == task:
            of_data.setdefault(questions[answer["id"]]["db" if task == "sql" else "index"], []).append(answer)
    for name, answers in of_data.items():
        data = people.TASKS[task](FOLDER / task, name, None, 5)
        with data as (setup, context), setup.opened_executor(judging=True) as executor:
            for answer in answers:
                row = questions[answer["id"]]
                asked = Example(id=row["id"], question=row["question"], answer=row["answer"], context=context)
                verdict = judge(setup.task, asked, Draft(answer=answer["answer"]), executor)
                yield answer["accepted"], verdict.correct


def test_there_are_100_answers_of_each_task() -> None:
    assert Counter(row["task"] for row in ANSWERS) == {"sql": 100, "querydsl": 100}
    assert len({(row["id"], row["answer"]) for row in ANSWERS}) == 200


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the questions that people wrote are not in {FOLDER}: set PEOPLE")
def test_verdicts_agree_with_judgements_made_before() -> None:
    pairs = [pair for task in people.TASKS for pair in verdicts(task)]
    for accepted in (True, False):
        verdicts_of = [correct for judged, correct in pairs if judged is accepted]
        agreeing = sum(correct is accepted for correct in verdicts_of)
        assert agreeing >= LEAST * len(verdicts_of), (accepted, agreeing, len(verdicts_of))
