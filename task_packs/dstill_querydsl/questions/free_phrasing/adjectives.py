"""Adjectives that tell a measure, for making questions: who asks for the deepest asks for the depth.

ADJECTIVES[0]     Adjective(more=("deep", "deeper", "deepest"), less=("shallow", …), nouns=("depth", …))

Which words a question links to is in `thesaurus`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from dstill.linked.names import singular
from dstill.linked.thesaurus import rows

__all__ = ["ADJECTIVES", "Adjective"]


@dataclass(frozen=True, kw_only=True)
class Adjective:
    """Forms for more and for less of a measure; each: as it is, in comparison, and most."""

    more: tuple[str, ...]
    less: tuple[str, ...]  # may be empty
    nouns: tuple[str, ...]  # words of fields that hold the measure, in the singular


# more | less | measures: with the words of the rows of the thesaurus that begin with one
_ROWS = """
deep deeper deepest | shallow shallower shallowest | depth
strong stronger strongest | weak weaker weakest | strength power
high higher highest | low lower lowest | altitude level
tall taller tallest | short shorter shortest | height
long longer longest | short shorter shortest | duration time distance pages
slow slower slowest | fast faster fastest | duration time latency
fast faster fastest | slow slower slowest | speed throughput
wide wider widest | narrow narrower narrowest | width
thick thicker thickest | thin thinner thinnest | thickness
heavy heavier heaviest | light lighter lightest | weight load
big bigger biggest | small smaller smallest | size area capacity quantity population
large larger largest | small smaller smallest | size area capacity quantity population
hot hotter hottest | cold colder coldest | temperature
warm warmer warmest | cool cooler coolest | temperature
expensive pricier priciest | cheap cheaper cheapest | price rent
costly costlier costliest | cheap cheaper cheapest | cost loss damage
old older oldest | young younger youngest | age
loud louder loudest | quiet quieter quietest | noise
rich richer richest | poor poorer poorest | income salary wealth budget
bright brighter brightest | dark darker darkest | brightness
wet wetter wettest | dry drier driest | humidity rain
windy windier windiest | calm calmer calmest | wind
far farther farthest | near nearer nearest | distance
good better best | bad worse worst | score rating quality
late later latest | early earlier earliest | delay
full fuller fullest | empty emptier emptiest | capacity
dangerous deadlier deadliest | safe safer safest | risk severity death victim
severe severer severest | mild milder mildest | severity
busy busier busiest | quiet quieter quietest | traffic
popular | unpopular | popularity views votes like download plays follower
profitable | profitable | profit
populous | populous | population
steep steeper steepest | flat flatter flattest | angle
sweet sweeter sweetest | | sugar
salty saltier saltiest | | salt
"""


def _adjectives() -> Iterator[Adjective]:
    groups: dict[str, list[str]] = defaultdict(list)
    for group, _ in rows():
        groups[group[0]] += group
    for row in _ROWS.strip().splitlines():
        more, less, measures = (tuple(cell.split()) for cell in row.split("|"))
        nouns = dict.fromkeys(singular(word) for measure in measures for word in groups[measure])
        yield Adjective(more=_forms(more, "more"), less=_forms(less, "less"), nouns=tuple(nouns))


def _forms(words: tuple[str, ...], than: str) -> tuple[str, ...]:
    """Long adjectives have no endings: popular, more popular, most popular."""
    most = {"more": "most", "less": "least"}[than]
    return (words[0], f"{than} {words[0]}", f"{most} {words[0]}") if len(words) == 1 else words


ADJECTIVES = tuple(_adjectives())
