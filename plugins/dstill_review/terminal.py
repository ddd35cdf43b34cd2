"""Reviews rows in the terminal: a row is printed, then one letter and Enter decide it.

    a accept · r reject · e edit · s skip · u undo · q quit · ? help        of a dataset
    y right · n wrong · e correct · s skip · u undo · q quit · ? help       of a student's answers

Input is read line by line, so a pipe works too; the end of the input means ``q``. An edit opens $EDITOR, or without a
terminal asks for the answer and the rationale in one line each.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

import click

from dstill.api.records import Record
from dstill.cli.console import paragraph, rule, visible
from dstill.quality.review import ACCEPT, REJECT, SKIP, digest
from dstill_review.judging import JudgingSession, Session
from dstill_review.session import InvalidEdit
from dstill_review.views import editable, problem_view, result_view, row_view

__all__ = ["judge"]


@dataclass(frozen=True)
class Words:
    """The keys of a session, and what is said about them."""

    keys: Mapping[str, str]
    prompt: str
    help: str
    done: str


REVIEW = Words(
    keys={"a": ACCEPT, "r": REJECT, "s": SKIP},
    prompt="a accept · r reject · e edit · s skip · u undo · q quit · ? help > ",
    help="""a  accept: the answer is right, and the rationale explains it
r  reject: training does not use the row
e  edit: write a better answer or rationale; it has to pass every check
s  skip: show another row of the same category instead
u  undo the last decision
q  quit; all decisions are saved""",
    done="all rows are judged",
)
JUDGE = Words(
    keys={"y": ACCEPT, "n": REJECT, "s": SKIP},
    prompt="is this right? y yes · n no · e write what is right · s skip · u undo · q quit · ? help > ",
    help="""y  yes: the result answers the question; more columns or another order than you would choose do not matter
n  no: it answers another question, or leaves something out
e  no, and you write the answer that is right
s  skip, if you cannot tell
u  undo the last judgement
q  quit; all judgements are saved""",
    done="no answer is left to judge",
)


def judge(session: Session) -> None:
    """Show rows until all are judged or the reviewer quits."""
    more = True
    while more:
        record = session.current()
        if record is not None:
            _show(session, record)
            more = _decide(session, record)
        elif isinstance(session, JudgingSession):
            more = _ask_or_quit(session)
        else:
            paragraph(REVIEW.done)
            more = _undo_or_quit(session)


def _ask_or_quit(session: JudgingSession) -> bool:
    """Let the reviewer type a question. False: quit."""
    progress = session.progress()
    paragraph(f"{JUDGE.done}; {progress['judged']} are judged, {progress['left']} more are needed")
    line = (_prompt("type a question of your own (u undo · q quit) > ") or "q").strip()
    if line.lower() == "u":
        _undo(session)
    elif line.lower() not in ("q", ""):
        try:
            session.ask(line)
        except InvalidEdit as error:
            paragraph(str(error))
    return line.lower() != "q"


def _undo_or_quit(session: Session) -> bool:
    """Ask what to do after the last row. False: quit."""
    while (line := _prompt("u undo · q quit > ")) is not None and line.strip().lower()[:1] != "q":
        if line.strip().lower()[:1] == "u" and _undo(session):
            return True
    return False


def _decide(session: Session, record: Record) -> bool:
    """Ask until the row is decided or a decision is undone. False: quit."""
    words = JUDGE if isinstance(session, JudgingSession) else REVIEW
    while (line := _prompt(words.prompt)) is not None:
        key = line.strip().lower()[:1]
        if key in words.keys:
            session.judge(record.id, digest(record), words.keys[key])
            return True
        if key == "q":
            return False
        if key == "u":
            if _undo(session):
                return True
        elif key == "e":
            if _edit(session, record):
                return True
        else:
            paragraph(words.help)
    return False


def _undo(session: Session) -> bool:
    undone = session.undo()
    paragraph("nothing to undo" if undone is None else f"undone: {undone.decision} of {undone.id}")
    return undone is not None


def _edit(session: Session, record: Record) -> bool:
    """Whether the reviewer's edit was saved; otherwise its problems are printed."""
    answer = _edit_text("answer", editable(record.answer, session.run.task.json_answers))
    judging = isinstance(session, JudgingSession)
    rationale = None if judging else _edit_text("rationale", visible(record.rationale))
    if answer is None and rationale is None:
        paragraph("nothing was changed")
        return False
    try:
        session.edit(record.id, digest(record), answer=answer, rationale=rationale)
    except InvalidEdit as error:
        for problem in error.problems:
            _show_problem(problem_view(problem))
        return False
    return True


def _edit_text(name: str, before: str) -> str | None:
    """The edited text; None if it was not changed."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        after = click.edit(before, extension=".txt")
        after = None if after is None else after.rstrip("\n")
    else:
        after = _prompt(f"{name}, in one line (empty: no change) > ") or None
    return None if after is None or after.strip() in ("", before.strip()) else after


def _prompt(prompt: str) -> str | None:
    """A line of input; None at its end."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stdout.write("\n")
    return line.rstrip("\n") if line else None


def _show(session: Session, record: Record) -> None:
    row, progress = row_view(session, record), session.progress()
    result = result_view(session, record)
    judging = isinstance(session, JudgingSession)
    accepted = (
        "" if progress["rate"] is None else f"{progress['rate']:.1%} [{progress['low']:.1%}, {progress['high']:.1%}]"
    )
    share = f", {'right' if judging else 'accepted'} {accepted}" if accepted else ""
    rule(f"{progress['judged']} of {progress['sample']} judged{share}")
    if not judging:
        paragraph(" · ".join(filter(None, (row["category"], row["split"], row["name"]))))
    paragraph(row["question"], bold=True)
    for name, text in row["excerpt"]["used"]:
        paragraph(f"  {name}: {text}")
    if row["rationale"] or not judging:
        paragraph(f"rationale: {row['rationale'] or '(none)'}")
    paragraph("answer:")
    paragraph(row["edit"]["answer"])
    for problem in row["problems"]:
        _show_problem(problem)
    paragraph("result:")
    paragraph("\n".join(filter(None, (result.get("text", ""), result.get("note", "")))))


def _show_problem(problem: dict[str, str]) -> None:
    paragraph(f"{problem['severity']}: {problem['message']} {problem['pointer']} {problem['hint']}".rstrip())
