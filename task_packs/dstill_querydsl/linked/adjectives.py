"""Adjectives that tell a measure: who asks for the deepest asks for the depth.

ADJECTIVES[0]           Adjective(more=("deep", "deeper", "deepest"), less=("shallow", …), nouns=("depth",))
MEASURED["deepest"]     ("depth",)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ADJECTIVES", "MEASURED", "Adjective"]


@dataclass(frozen=True, kw_only=True)
class Adjective:
    """Forms for more and for less of a measure; each: as it is, in comparison, and most."""

    more: tuple[str, ...]
    less: tuple[str, ...]  # may be empty
    nouns: tuple[str, ...]  # words of fields that hold the measure


# more | less | nouns
_ROWS = """
deep deeper deepest | shallow shallower shallowest | depth
strong stronger strongest | weak weaker weakest | strength power force magnitude intensity signal output
high higher highest | low lower lowest | altitude elevation height level
tall taller tallest | short shorter shortest | height size
long longer longest | short shorter shortest | duration time length runtime distance took elapsed term lasting pages
slow slower slowest | fast faster fastest | duration time latency took elapsed delay response
fast faster fastest | slow slower slowest | speed velocity pace throughput rate
wide wider widest | narrow narrower narrowest | width breadth
thick thicker thickest | thin thinner thinnest | thickness
heavy heavier heaviest | light lighter lightest | weight mass load
big bigger biggest | small smaller smallest | size area volume capacity bytes amount quantity magnitude population
large larger largest | small smaller smallest | size area volume capacity bytes amount quantity population
hot hotter hottest | cold colder coldest | temperature temp heat
warm warmer warmest | cool cooler coolest | temperature temp heat
expensive pricier priciest | cheap cheaper cheapest | price cost fee rent amount total value fare
costly costlier costliest | cheap cheaper cheapest | price cost fee damage amount loss
old older oldest | young younger youngest | age
loud louder loudest | quiet quieter quietest | noise volume
rich richer richest | poor poorer poorest | income salary wealth wage pay gdp capital budget
bright brighter brightest | dark darker darkest | brightness luminosity
wet wetter wettest | dry drier driest | humidity rain rainfall moisture precipitation
windy windier windiest | calm calmer calmest | wind
far farther farthest | near nearer nearest | distance
good better best | bad worse worst | rating score grade quality stars marks
late later latest | early earlier earliest | delay lateness
full fuller fullest | empty emptier emptiest | occupancy fill capacity
dangerous deadlier deadliest | safe safer safest | risk severity deaths danger victims fatalities
severe severer severest | mild milder mildest | severity risk damage
busy busier busiest | quiet quieter quietest | load traffic visitors requests calls
popular | unpopular | votes views rating likes visitors popularity downloads plays followers
profitable | profitable | profit margin earnings
populous | populous | population inhabitants
steep steeper steepest | flat flatter flattest | slope gradient
sweet sweeter sweetest | | sugar
salty saltier saltiest | | salt
"""


def _adjectives() -> tuple[Adjective, ...]:
    cells = ([tuple(cell.split()) for cell in row.split("|")] for row in _ROWS.strip().splitlines())
    return tuple(
        Adjective(more=_forms(more, "more"), less=_forms(less, "less"), nouns=nouns) for more, less, nouns in cells
    )


def _forms(given: tuple[str, ...], than: str) -> tuple[str, ...]:
    """Long adjectives have no endings: popular, more popular, most popular."""
    most = {"more": "most", "less": "least"}[than]
    return (given[0], f"{than} {given[0]}", f"{most} {given[0]}") if len(given) == 1 else given


def _measured() -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for one in ADJECTIVES:
        for word in {form.split()[-1]: None for form in (*one.more, *one.less)}:
            found.setdefault(word, {}).update(dict.fromkeys(one.nouns))
    return {word: tuple(nouns) for word, nouns in found.items() if word not in _OF_TIME}


_OF_TIME = ("latest", "earliest", "later", "earlier", "early")  # they ask for dates
ADJECTIVES = _adjectives()
# adjective → words of fields
MEASURED: Mapping[str, tuple[str, ...]] = _measured()
