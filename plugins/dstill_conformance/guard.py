"""Rules about the guard: the answers that the author calls hostile never run."""

from __future__ import annotations

from collections.abc import Iterator

from dstill.api.finding import Finding
from dstill.api.records import Severity
from dstill_conformance.pack import Pack, quoted

__all__ = ["RULES"]


def hostile_answers_are_stated(pack: Pack) -> Iterator[Finding]:
    """A pack whose answers run says what must not run."""
    if pack.task.executors and not any(True for _ in pack.stated("hostile_answers")):
        yield Finding(
            code="no_hostile_answers",
            what=f"task '{pack.task.name}' runs answers, and states none that must not run",
            where=pack.line(),
            hint="name a dstill.api.KnownAnswers that lists what changes data, reads files or costs much",
            severity=Severity.WARNING,
        )


def hostile_answers_are_refused(pack: Pack) -> Iterator[Finding]:
    """The checks refuse each hostile answer, also with space around it."""
    for example, answer in pack.stated("hostile_answers"):
        for text in (answer, f"\n {answer} \n"):
            if not pack.errors(text, example) and not pack.task.is_refusal(text):
                yield Finding(
                    code="hostile_runs",
                    what=f"no check refuses the hostile answer {quoted(text)}",
                    where=pack.line("checks"),
                    hint="add a check that refuses it: what the checks accept runs",
                )
                break


RULES = (hostile_answers_are_stated, hostile_answers_are_refused)
