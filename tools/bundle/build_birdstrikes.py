"""Documents of `birdstrikes` from vega-datasets' `birdstrikes.csv`: strikes reported to the FAA, in order of the file.

In: the npm archive's bytes. Out: (id, source), the id being the row's number in the file:

    ("b00001", {"incident_date": "1990-01-08", "airport": {"code": "BAD", "state": "Louisiana", …}, …})

It keeps every row with a cost and every sixth of the others. The file writes 0 where no cost was reported, and None
where there was no damage: both are left out. The airports' codes are those of IATA, and their places come from the
same archive's `airports.csv`, which lacks Barksdale.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["documents"]

FOLDER = "package/data/"
STEP = 6
CODES = {
    "ATLANTA INTL": "ATL",
    "ATLANTIC CITY INTL": "ACY",
    "AUSTIN-BERGSTROM INTL": "AUS",
    "BALTIMORE WASH INTL": "BWI",
    "BARKSDALE AIR FORCE BASE ARPT": "BAD",
    "CHARLESTON AFB/INTL ARPT": "CHS",
    "CHARLOTTE/DOUGLAS INTL ARPT": "CLT",
    "CHICAGO MIDWAY INTL ARPT": "MDW",
    "CHICAGO O'HARE INTL ARPT": "ORD",
    "CINCINNATI/NORTHERN KENTUCKY INTL ARPT": "CVG",
    "CLEVELAND-HOPKINS INTL ARPT": "CLE",
    "DALLAS/FORT WORTH INTL ARPT": "DFW",
    "DENVER INTL AIRPORT": "DEN",
    "DETROIT METRO WAYNE COUNTY ARPT": "DTW",
    "EPPLEY AIRFIELD": "OMA",
    "FORT LAUDERDALE/HOLLYWOOD INTL": "FLL",
    "GEORGE BUSH INTERCONTINENTAL": "IAH",
    "GREATER PITTSBURGH": "PIT",
    "HONOLULU INTL ARPT": "HNL",
    "HOUSTON-HOBBY": "HOU",
    "INDIANAPOLIS INTL": "IND",
    "JOHN F KENNEDY INTL": "JFK",
    "KANSAS CITY INTL": "MCI",
    "LAGUARDIA NY": "LGA",
    "LAMBERT-ST LOUIS INTL": "STL",
    "LIHUE ARPT": "LIH",
    "LOGAN INTL": "BOS",
    "LOS ANGELES INTL": "LAX",
    "LOUISVILLE INTL ARPT": "SDF",
    "MEMPHIS INTL": "MEM",
    "METRO OAKLAND INTL": "OAK",
    "MINETA SAN JOSE INTL": "SJC",
    "MINNEAPOLIS-ST PAUL INTL": "MSP",
    "NASHVILLE INTL": "BNA",
    "NEW ORLEANS INTL": "MSY",
    "NEWARK LIBERTY INTL ARPT": "EWR",
    "ORLANDO INTL": "MCO",
    "PHILADELPHIA INTL": "PHL",
    "PHOENIX SKY HARBOR": "PHX",
    "PORT COLUMBUS INTL": "CMH",
    "PORTLAND INTL (OR)": "PDX",
    "RONALD REAGAN WASHINGTON NATL": "DCA",
    "SACRAMENTO INTL": "SMF",
    "SALT LAKE CITY INTL": "SLC",
    "SAN ANTONIO INTL": "SAT",
    "SAN FRANCISCO INTL ARPT": "SFO",
    "SEATTLE-TACOMA INTL": "SEA",
    "TETERBORO AIRPORT": "TEB",
    "WASHINGTON DULLES INTL ARPT": "IAD",
    "WILL ROGERS WORLD ARPT": "OKC",
}

Row = Mapping[str, str]


def documents(archive: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        rows = _csv(files, "birdstrikes.csv")
        places = {row["iata"]: row for row in _csv(files, "airports.csv")}
    for number, row in enumerate(rows):
        if number % STEP == 0 or int(row["Cost Total $"]):
            yield f"b{number + 1:05d}", _strike(row, places)


def _csv(files: tarfile.TarFile, name: str) -> list[Row]:
    member = files.extractfile(FOLDER + name)
    assert member is not None
    return list(csv.DictReader(io.TextIOWrapper(member, encoding="utf-8", newline="")))


def _strike(row: Row, places: Mapping[str, Row]) -> dict[str, Any]:
    date, species, damage = row["Flight Date"], row["Wildlife Species"], row["Effect Amount of damage"]
    strike = {
        "incident_date": date,
        "incident_month": int(date[5:7]),
        "time_of_day": row["Time of day"],
        "phase_of_flight": row["Phase of flight"],
        "airport": _airport(row, places),
        "aircraft": {"model": row["Aircraft Make Model"], "operator": row["Aircraft Airline Operator"]},
        "wildlife": {
            "species": species,
            "size": row["Wildlife Size"],
            "identified": not species.startswith("Unknown"),
        },
        "speed": _number(row["Speed IAS in knots"]),
        "damaged": damage != "None",
        "damage_level": None if damage == "None" else damage,
        "cost": _known({name: _cost(row, column) for name, column in COSTS.items()}),
    }
    return _known(strike)


COSTS = {"repair": "Cost Repair", "other": "Cost Other", "total": "Cost Total $"}


def _airport(row: Row, places: Mapping[str, Row]) -> dict[str, Any]:
    code = CODES[row["Airport Name"]]
    place = places.get(code)
    return _known(
        {
            "code": code,
            "name": row["Airport Name"],
            "state": row["Origin State"],
            "location": place and {part[:3]: round(float(place[part]), 4) for part in ("latitude", "longitude")},
        }
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, {})}


def _number(text: str) -> int | None:
    return int(text) if text else None


def _cost(row: Row, column: str) -> int | None:
    return int(row[column]) or None
