"""Reviews rows in the terminal: a row is printed, then one letter and Enter decide it.

    a accept · r reject · e edit · s skip · u undo · q quit · ? help

Input is read line by line, so a pipe works too; the end of the input means ``q``. An edit opens $EDITOR, or without a
terminal asks for the answer and the rationale in one line each.
"""

from __future__ import annotations

import sys

import click

from dstill.api.records import Record
from dstill.cli.console import paragraph, rule, visible
from dstill.quality.review import ACCEPT, REJECT, SKIP, digest
from dstill_review.session import InvalidEdit, ReviewSession
from dstill_review.views import editable, problem_view, result_view, row_view

__all__ = ["judge"]

KEYS = {"a": ACCEPT, "r": REJECT, "s": SKIP}
HELP = """a  accept: the answer is right, and the rationale explains it
r  reject: training does not use the row
e  edit: write a better answer or rationale; it has to pass every check
s  skip: show another row of the same category instead
u  undo the last decision
q  quit; all decisions are saved"""


def judge(session: ReviewSession) -> None:
    """Show rows until all are judged or the reviewer quits."""
    more = True
    while more:
        record = session.current()
        if record is None:
            paragraph("all rows are judged")
            more = _undo_or_quit(session)
        else:
            _show(session, record)
            more = _decide(session, record)


def _undo_or_quit(session: ReviewSession) -> bool:
    """Ask what to do after the last row. False: quit."""
    while (line := _prompt("u undo · q quit > ")) is not None and line.strip().lower()[:1] != "q":
        if line.strip().lower()[:1] == "u" and _undo(session):
            return True
    return False


def _decide(session: ReviewSession, record: Record) -> bool:
    """Ask until the row is decided or a decision is undone. False: quit."""
    while (line := _prompt("a accept · r reject · e edit · s skip · u undo · q quit · ? help > ")) is not None:
        key = line.strip().lower()[:1]
        if key in KEYS:
            session.judge(record.id, digest(record), KEYS[key])
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
            paragraph(HELP)
    return False


def _undo(session: ReviewSession) -> bool:
    undone = session.undo()
    paragraph("nothing to undo" if undone is None else f"undone: {undone.decision} of {undone.id}")
    return undone is not None


def _edit(session: ReviewSession, record: Record) -> bool:
    """Whether the reviewer's edit was saved; otherwise its problems are printed."""
    answer = _edit_text("answer", editable(record.answer, session.run.task.json_answers))
    rationale = _edit_text("rationale", visible(record.rationale))
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


def _show(session: ReviewSession, record: Record) -> None:
    row, progress = row_view(session, record), session.progress()
    result = result_view(session, record)
    accepted = (
        ""
        if progress["rate"] is None
        else f", accepted {progress['rate']:.1%} [{progress['low']:.1%}, {progress['high']:.1%}]"
    )
    rule(f"{progress['judged']} of {progress['sample']} judged{accepted}")
    paragraph(" · ".join(filter(None, (row["category"], row["split"], row["name"]))))
    paragraph(row["question"], bold=True)
    for name, text in row["excerpt"]["used"]:
        paragraph(f"  {name}: {text}")
    paragraph(f"rationale: {row['rationale'] or '(none)'}")
    paragraph("answer:")
    paragraph(row["edit"]["answer"])
    for problem in row["problems"]:
        _show_problem(problem)
    paragraph("result:")
    paragraph("\n".join(filter(None, (result.get("text", ""), result.get("note", "")))))


def _show_problem(problem: dict[str, str]) -> None:
    paragraph(f"{problem['severity']}: {problem['message']} {problem['pointer']} {problem['hint']}".rstrip())
