"""Which of several dates is the one that a question without a date means: when something happened.

sorted(["updated_at", "due", "created", "start"], key=lateness)     →  ["start", "created", "due", "updated_at"]
"""

from __future__ import annotations

from dstill.linked.names import stems

__all__ = ["lateness"]

_TIMES = ("@timestamp", "timestamp", "date", "datetime", "time", "event_time")
# Words in names of dates, from what happened itself to what was noted about it.
_EVENT = frozenset(
    stems("start started begin began kickoff visit departure placed ordered event happened occurred date")
)
_CREATION = frozenset(stems("created creation crtd"))
# A later step, a plan, or something about a person.
_STEPS = frozenset(
    stems(
        "end ended until due deadline expiry expires valid birth born dob birthday since joined hired closed finished"
        " done completed resolved resolution response answered assigned approved approval paid payment shipped promised"
        " delivered delivery returned cancelled deleted deletion renewal reviewed discharge checkout eta"
    )
)
_CHANGES = frozenset(
    stems(
        "booked booking updated update modified changed change edited imported import inserted insert indexed ingested"
        " loaded synced copied copy exported registered seen login"
    )
)


def lateness(name: str) -> int:
    """How far the date of that name is from what happened. Names that say nothing of it are between."""
    if name.lower() in _TIMES:
        return _TIMES.index(name.lower()) - len(_TIMES)
    words = set(stems(name))
    for rank, known in ((4, _CHANGES), (3, _STEPS), (2, _CREATION), (0, _EVENT)):
        if not words.isdisjoint(known):
            return rank
    return 1
