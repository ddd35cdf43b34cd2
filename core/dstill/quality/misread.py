"""Signs in an answer of how its question was read: warnings of guesses, and words that were not read.

misread(reading, {"status"}, answer, "table")   →  Problem(message="the question names 'took', which the answer …")
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from dstill.api.records import Problem, Severity
from dstill.linked import Reading

__all__ = ["misread"]

QUESTION_WIDTH = 60  # characters of a question


def misread(reading: Reading, used: Set[str], answer: str, noun: str) -> Iterator[Problem]:
    """Problems of an `answer` that names the items `used`. `noun`: what the data is called."""
    if reading.unread:
        rest = reading.unread[:QUESTION_WIDTH]
        yield _problem(
            "unread_words",
            f"the student reads {len(reading.words)} words of a question at most, this one goes on: {rest!r} …",
            "ask in fewer words",
            Severity.ERROR,
        )
    if used and not reading.links:
        yield _problem(
            "no_link",
            f"no word of the question is a name or value of the {noun}: the answer is a guess",
            "use names or values of the data",
        )
    elif used and (strange := [text for text in reading.schema.strange(reading.question) if text not in answer]):
        yield _problem(
            "unknown_name",
            f"the {noun} has no {' and no '.join(map(repr, strange[:3]))}, as the question says: it may be a guess",
            "use names of the data",
        )
    elif used and (names := reading.overlooked(used)):
        yield _problem(
            "overlooked_name",
            f"the question names {', '.join(map(repr, names[:3]))}, which the answer does not use: it may be a guess",
            "compare what the answer uses with what was asked",
        )


def _problem(code: str, message: str, hint: str, severity: Severity = Severity.WARNING) -> Problem:
    return Problem(layer="reading", code=code, message=message, hint=hint, severity=severity)
