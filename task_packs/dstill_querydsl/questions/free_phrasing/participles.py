"""Words for an action at a date, or for a flag: "delivered" for the delivery date, "unpaid" for what is not paid.

    participle_of(role, draw)      Participle(word="delivered", negated="undelivered", nouns={"delivery"})

None if the words could mean another field too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dstill.linked.known import folded
from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw
from dstill_querydsl.questions.templates.roles import Role

__all__ = ["NEGATED", "Participle", "is_value", "participle_of"]


@dataclass(frozen=True, kw_only=True)
class Participle:
    """A word for what was done, and one for what was not."""

    word: str
    negated: str  # may be empty
    nouns: frozenset[str]  # stems of the nouns of fields that it tells

    @property
    def happens(self) -> bool:
        """Whether it can be said without its date: not of due and born."""
        return self.word not in ("due", "born", "expiring", "measured", "ordered", "created")


# participle | its negation | nouns of dates
_ROWS = """
delivered | undelivered | delivery
dispatched | | dispatch
shipped | unshipped | shipping shipment
paid | unpaid | payment
published | unpublished | publication
closed | | closing closure
released | unreleased | release
inspected | uninspected | inspection
harvested | unharvested | harvest
received | | receipt
admitted | | admission
registered | unregistered | registration
bought | | purchase
approved | unapproved | approval
resolved | unresolved | resolution
signed | unsigned | signing signature
submitted | | submission
renewed | | renewal
planted | | planting
sown | | sowing
bottled | | bottling
produced | | production
discharged | | discharge
deleted | | deletion
created | | creation
updated | | update
changed | unchanged | change
launched | | launch
discovered | undiscovered | discovery
detected | undetected | detection
booked | | booking
collected | uncollected | collection
hired | | hire hiring
decided | undecided | decision
serviced | unserviced | maintenance service
ordered | | order
inserted | | insert insertion
copied | | copy
departed | | departure
arrived | | arrival
born | | birth birthday
due | | due deadline
expiring | | expiry
started | | start
finished | unfinished | end
measured | unmeasured | measurement measuring
operated | | surgery operation
joined | | signup
completed | | completion
reviewed | unreviewed | review
returned | unreturned | return
cancelled | | cancellation
reported | unreported | report
opened | unopened | opening
activated | | activation
confirmed | unconfirmed | confirmation
assigned | unassigned | assignment
installed | | installation
repaired | unrepaired | repair
tested | untested | test
verified | unverified | verification
invoiced | | invoice
treated | untreated | treatment
founded | | foundation founding
built | | construction building
sent | unsent | sending
scheduled | unscheduled | schedule
"""
# what a flag says → its negation in one word. Also of numbers and texts, of those without them.
NEGATED: Mapping[str, str] = dict(
    pair.strip().split(" ", 1)
    for pair in """
paid unpaid | verified unverified | encrypted unencrypted | subscribed unsubscribed | approved unapproved
tested untested | insured uninsured | furnished unfurnished | healthy unhealthy | successful unsuccessful
vaccinated unvaccinated | flagged unflagged | blocked unblocked | protected unprotected | confirmed unconfirmed
resolved unresolved | signed unsigned | injured uninjured | sponsored unsponsored | archived unarchived
available unavailable | discounted undiscounted | refundable non-refundable | accessible inaccessible
public non-public | organic non-organic | fatal non-fatal | electric non-electric | automatic non-automatic
recurring non-recurring | urgent non-urgent | premium non-premium | anonymous non-anonymous | returned unreturned
completed uncompleted | expired unexpired | escalated unescalated | removed unremoved | express non-express
draft non-draft | pregnant non-pregnant | flaky non-flaky | fragile non-fragile
""".replace("\n", "|").split("|")
    if pair.strip()
)


def _rows() -> tuple[Participle, ...]:
    cells = ([cell.strip() for cell in row.split("|")] for row in _ROWS.strip().splitlines())
    return tuple(
        Participle(word=word, negated=negated, nouns=frozenset(stems(nouns))) for word, negated, nouns in cells
    )


_PARTICIPLES = _rows()


def participle_of(role: Role, draw: AskedDraw) -> Participle | None:
    """The word for the action at this date. None if there is no word for it, or if it could be another field."""
    words = frozenset(stems(role.word.noun))
    participle = next((entry for entry in _PARTICIPLES if not words.isdisjoint(entry.nouns)), None)
    if participle is None:
        return None
    own = participle.nouns | frozenset(stems(f"{participle.word} {participle.negated}"))
    if is_value(participle.word, draw) or is_value(participle.negated, draw):
        return None
    others = (other for other in draw.context.by_kind("date", "boolean", "category") if other is not role)
    return participle if all(own.isdisjoint(stems(other.word.noun)) for other in others) else None


def is_value(word: str, draw: AskedDraw) -> bool:
    """Whether a field has the word as a value, such as a status that is "paid"."""
    return word in draw.subject.owners or folded(word) in draw.subject.having
