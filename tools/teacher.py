"""Recorded questions of a teacher about bundled data: the prompts, whether what was written is good, and the recording.

    python -m tools.teacher prompts querydsl birdstrikes build/teacher/birdstrikes     # 001.txt … 026.txt
    python -m tools.teacher check querydsl birdstrikes build/teacher/birdstrikes       # reads 001.reply.txt …
    python -m tools.teacher second querydsl birdstrikes build/teacher/birdstrikes      # second/001.txt …
    python -m tools.teacher pack querydsl birdstrikes build/teacher/birdstrikes        # birdstrikes.jsonl, a replay

    001 q4: mapping: unknown field 'airport.cty' (did you mean 'airport.city'?): how many strikes in Dallas
    birdstrikes: 50 questions in 2 replies, 47 good; unknown_field 2, finds_nothing 1

A prompt is what `dstill adapt --teacher` sends. `check` parses, checks and runs each answer as `adapt` does, and exits
with 1 if a row fails. `second` asks for second answers to those good questions that have none yet, without the first
ones; replies are second/001.reply.txt …, and `check` then votes. `pack` writes all questions with their second answers,
the bad ones too: `dstill adapt --teacher replay:birdstrikes.jsonl` judges them again.
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
from dstill.io.jsonl import write_rows
from dstill.plugins import load, part_sections
from dstill.stages.generate.label import error_code
from dstill.stages.generate.teacher_questions import REQUEST_SIZE, id_of, kinds_of, read, request, second_request
from dstill.stages.generate.teacher_rows import TeacherCounts, voted
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
    places, examples, rows = _rows(setup, folder, vote=True)
    codes = Counter[str]()
    for place, example, row in zip(places, examples, rows, strict=True):
        if isinstance(row, Rejection):
            codes[error_code(row)] += 1
            problem = next(problem for problem in row.problems if problem.is_error)
            print(f"{place}: {problem}: {example.question}\n    {row.text}")
    good = [row for row in rows if isinstance(row, Record)]
    refused = sum(setup.task.is_refusal(row.answer) for row in good)
    seconds = _seconds(folder)
    voted = sum(id_of(row.question) in seconds for row in good)
    print(
        f"{name}: {len(rows)} questions, {len(good)} good ({refused} refused, {voted} voted);",
        dict(codes.most_common()),
    )
    return int(len(good) < len(rows))


def second(setup: Setup, folder: Path) -> None:
    """Write prompts for second answers to the good questions without one."""
    there, seconds = folder / "second", _seconds(folder)
    there.mkdir(exist_ok=True)
    _, _, rows = _rows(setup, folder, vote=False)
    asked = [row.question for row in rows if isinstance(row, Record) and id_of(row.question) not in seconds]
    for file in there.glob("???.txt"):  # prompts that nobody has answered
        if not file.with_suffix(".reply.txt").exists():
            file.unlink()
    first = 1 + max((int(file.name[:3]) for file in there.glob("*.reply.txt")), default=0)
    batches = [asked[at : at + REQUEST_SIZE] for at in range(0, len(asked), REQUEST_SIZE)]
    for n, batch in enumerate(batches, start=first):
        (there / f"{n:03}.txt").write_text(_text(second_request(_brief(setup), setup.task, batch)))
    print(f"{len(batches)} prompts for second answers to {len(asked)} questions in {there}")


def pack(setup: Setup, name: str, folder: Path) -> None:
    """Write the recording beside `folder`."""
    seconds, out = _seconds(folder), folder.with_name(f"{name}.jsonl")
    rows = [
        {
            "id": f"{name}-{place.replace(' ', '-')}",
            "question": example.question,
            "answer": example.answer,
            "rationale": example.rationale or "",
            "category": example.category,
            "second": seconds.get(id_of(example.question), ""),
            "written_by": "a large language model, from what `dstill adapt --teacher` shows it",
        }
        for place, example in _written(setup, folder)
    ]
    write_rows(out, rows)
    print(f"{len(rows)} questions, {sum(bool(row['second']) for row in rows)} with a second answer, in {out}")


def _rows(setup: Setup, folder: Path, *, vote: bool) -> tuple[list[str], list[Example], list[Record | Rejection]]:
    """The places, questions and rows of all replies."""
    written = list(_written(setup, folder))
    places, examples = [place for place, _ in written], [example for _, example in written]
    seconds, counts = _seconds(folder), TeacherCounts(requested=len(written))
    with setup.opened_executor() as executor:
        rows = checked(setup, examples, executor)
        if vote:
            of = [seconds.get(id_of(row.question)) for row in rows]
            rows = [
                voted(setup, executor, row, text, counts) if text else row for row, text in zip(rows, of, strict=True)
            ]
    return places, examples, rows


def _seconds(folder: Path) -> dict[str, str]:
    """Id of a question → second answer."""
    files = sorted((folder / "second").glob("*.reply.txt"))
    return {line.id: line.answer for file in files for line in read(file.read_text())}


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
    parser.add_argument("command", choices=("prompts", "check", "second", "pack"))
    parser.add_argument("task", choices=sorted(SETTINGS))
    parser.add_argument("name", help="the bundled data")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    setup = _setup(given.task, given.name)
    if given.command == "check":
        return check(setup, given.name, given.folder)
    if given.command == "prompts":
        prompts(setup, given.folder)
    elif given.command == "second":
        second(setup, given.folder)
    else:
        pack(setup, given.name, given.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
