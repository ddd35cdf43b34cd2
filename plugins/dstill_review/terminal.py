"""The spot-check in a terminal: a row is printed, a letter and Enter decide it.

    a accept · r reject · e edit · s skip · u undo · q quit · ? help

Input is read a line at a time, so that it works over a pipe as well; the end of input is as ``q``. An edit opens
the editor of the terminal ($EDITOR), or asks for the answer and the rationale in a line each.
"""

from __future__ import annotations

import sys

import click

from dstill.api.records import Record
from dstill.cli.console import paragraph, rule, visible
from dstill.pipeline.review import ACCEPT, REJECT, SKIP, digest
from dstill_review.session import Desk, Refused
from dstill_review.views import editable, result, shown, told

__all__ = ["judge"]

KEYS = {"a": ACCEPT, "r": REJECT, "s": SKIP}
HELP = """a  accept: question, rationale and answer belong together
r  reject: the row is left out of training
e  edit: a better answer or rationale, which has to pass every check
s  skip: another row of its category is shown in its place
u  undo the last decision
q  quit; everything is kept"""


def judge(desk: Desk) -> None:
    """Until every row is judged, or the person quits."""
    going_on = True
    while going_on:
        record = desk.current()
        if record is None:
            paragraph("every row is judged")
            going_on = _taken_back(desk)
        else:
            _show(desk, record)
            going_on = _decided(desk, record)


def _taken_back(desk: Desk) -> bool:
    """At the end there is only undoing left; False: the person quits."""
    while (word := _asked("u undo · q quit > ")) is not None and word.strip().lower()[:1] != "q":
        if word.strip().lower()[:1] == "u" and _undone(desk):
            return True
    return False


def _decided(desk: Desk, record: Record) -> bool:
    """Ask until the row is decided or another one is to be shown; False: the person quits."""
    while (word := _asked("a accept · r reject · e edit · s skip · u undo · q quit · ? help > ")) is not None:
        key = word.strip().lower()[:1]
        if key in KEYS:
            desk.judge(record.id, digest(record), KEYS[key])
            return True
        if key == "q":
            return False
        if key == "u":
            if _undone(desk):
                return True
        elif key == "e":
            if _edited(desk, record):
                return True
        else:
            paragraph(HELP)
    return False


def _undone(desk: Desk) -> bool:
    undone = desk.undo()
    paragraph("nothing to undo" if undone is None else f"undone: {undone.decision} of {undone.id}")
    return undone is not None


def _edited(desk: Desk, record: Record) -> bool:
    """An edit that passed; what is wrong with one that did not is printed."""
    before = editable(record.answer, desk.run.task.json_answers)
    answer = _written("answer", before)
    rationale = _written("rationale", visible(record.rationale))
    if answer is None and rationale is None:
        paragraph("nothing was changed")
        return False
    try:
        desk.edit(record.id, digest(record), answer=answer, rationale=rationale)
    except Refused as problem:
        for one in problem.problems:
            _problem(told(one))
        return False
    return True


def _written(what: str, before: str) -> str | None:
    """What the person makes of a text; None: it stays."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        after = click.edit(before, extension=".txt")
        after = None if after is None else after.rstrip("\n")
    else:
        after = _asked(f"{what}, in one line (empty: as it is) > ") or None
    return None if after is None or after.strip() in ("", before.strip()) else after


def _asked(prompt: str) -> str | None:
    """A line of input; None at its end."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        sys.stdout.write("\n")
    return line.rstrip("\n") if line else None


def _show(desk: Desk, record: Record) -> None:
    row, far = shown(desk, record), desk.progress()
    found = result(desk, record)
    accepted = "" if far["rate"] is None else f", accepted {far['rate']:.1%} [{far['low']:.1%}, {far['high']:.1%}]"
    rule(f"{far['judged']} of {far['sample']} judged{accepted}")
    paragraph(" · ".join(filter(None, (row["category"], row["split"], row["name"]))))
    paragraph(row["question"], bold=True)
    for name, text in row["excerpt"]["used"]:
        paragraph(f"  {name}: {text}")
    paragraph(f"rationale: {row['rationale']}")
    paragraph("answer:")
    paragraph(row["edit"]["answer"])
    for problem in row["problems"]:
        _problem(problem)
    paragraph("result:")
    paragraph("\n".join(filter(None, (found.get("text", ""), found.get("note", "")))))


def _problem(problem: dict[str, str]) -> None:
    paragraph(f"{problem['severity']}: {problem['message']} {problem['pointer']} {problem['hint']}".rstrip())
