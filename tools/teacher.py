"""Recorded questions of a teacher about bundled data: the prompts, and whether what was written is good.

    python -m tools.teacher prompts querydsl birdstrikes build/teacher/birdstrikes     # 001.txt … 026.txt
    python -m tools.teacher check querydsl birdstrikes build/teacher/birdstrikes       # reads 001.reply.txt …

    001 q4: schema: there is no field 'airport.cty' (did you mean 'airport.city'?): how many strikes in Dallas
    birdstrikes: 50 questions in 2 replies, 47 good; unknown_field 2, finds_nothing 1

A prompt is what `dstill adapt --teacher` sends. `check` parses, checks and runs each answer as `adapt` does, and exits
with 1 if a row fails.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dstill import config as configuration
from dstill.api.protocols import QuestionBrief, Synthesis
from dstill.api.records import Example, Prompt, Record, Rejection
from dstill.factory import Setup
from dstill.plugins import load, part_sections
from dstill.stages.generate.label import error_code
from dstill.stages.generate.teacher_questions import REQUEST_SIZE, kinds_of, read, request
from dstill.stages.generate.written_rows import checked, example_of

REQUESTS = 26
SETTINGS = {"querydsl": "task.querydsl.index", "sql": "task.sql.db"}


def _setup(task: str, name: str) -> Setup:
    plugins = load()
    flags = {"project.task": task, SETTINGS[task]: name, "train.student": "linked", "train.objective": "label-only"}
    return Setup(plugins, configuration.load(use_files=False, flags=flags, sections=part_sections(plugins)))


def _brief(setup: Setup) -> QuestionBrief:
    brief = Synthesis.of(setup.task).question_brief({})
    assert brief is not None
    return brief


def _text(prompt: Prompt) -> str:
    return "\n\n".join(f"=== {message.role} ===\n{message.content}" for message in prompt.messages) + "\n"


def prompts(setup: Setup, folder: Path) -> None:
    """Write the prompts to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(1, REQUESTS + 1):
        (folder / f"{n:03}.txt").write_text(_text(request(_brief(setup), setup.task, n, seed=0)))
    print(f"{REQUESTS} prompts of {REQUEST_SIZE} questions in {folder}")


def check(setup: Setup, name: str, folder: Path) -> int:
    """Print what is wrong with the replies in `folder`. The exit code: 1 if there is anything."""
    places, examples = [], list[Example]()
    for place, example in _written(setup, folder):
        places.append(place)
        examples.append(example)
    with setup.opened_executor() as executor:
        rows = checked(setup, examples, executor)
    codes = Counter[str]()
    for place, example, row in zip(places, examples, rows, strict=True):
        if isinstance(row, Rejection):
            codes[error_code(row)] += 1
            problem = next(problem for problem in row.problems if problem.is_error)
            print(f"{place}: {problem}: {example.question}\n    {row.text}")
    good = sum(isinstance(row, Record) for row in rows)
    refused = sum(isinstance(row, Record) and setup.task.is_refusal(row.answer) for row in rows)
    print(f"{name}: {len(rows)} questions, {good} good ({refused} refused);", dict(codes.most_common()))
    return int(good < len(rows))


def _written(setup: Setup, folder: Path) -> Iterator[tuple[str, Example]]:
    """The questions of all replies, each with its place."""
    brief = _brief(setup)
    for file in sorted(folder.glob("*.reply.txt")):
        n = int(file.name.partition(".")[0])
        kinds, lines = kinds_of(brief, n, seed=0), read(file.read_text())
        if missing := [id for id in kinds if id not in {line.id for line in lines}]:
            print(f"{n:03}: nothing was written for {', '.join(missing)}")
        for line in lines:
            if line.id in kinds:
                yield f"{n:03} {line.id}", example_of(line, brief, kinds[line.id])
            else:
                print(f"{n:03} {line.id}: it was not asked for")


def main() -> int:
    parser = argparse.ArgumentParser(description="Prompts for a teacher, and a check of its replies")
    parser.add_argument("command", choices=("prompts", "check"))
    parser.add_argument("task", choices=sorted(SETTINGS))
    parser.add_argument("name", help="the bundled data")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    setup = _setup(given.task, given.name)
    if given.command == "prompts":
        prompts(setup, given.folder)
        return 0
    return check(setup, given.name, given.folder)


if __name__ == "__main__":
    sys.exit(main())
