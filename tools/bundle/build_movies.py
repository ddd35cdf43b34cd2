"""Documents of `movies` from bokeh_sampledata's `movies.db`: films with at least 20 reviews.

In: the wheel's bytes. Out: (id, source) by year of release, the id being the film's Wikidata item:

    ("Q372", {"title": "We Live in Public", "year": 2009, "credits": [{"name": "Ondi Timoner", "job": "director"}, …]})

Dates on 1 January are dropped: nearly all of them stand for "some day of that year". What the database does
not hold (IMDb's ratings and votes, user scores) or only estimates (fresh and rotten counts) is left out.
"""

from __future__ import annotations

import io
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from typing import Any

__all__ = ["documents"]

MEMBER = "bokeh_sampledata/_data/movies.db"
REVIEWS = 20
JOBS = {"director": "Director", "writer": "Writer", "actor": "Cast"}
# "Robert Downey, Jr." is one name
_NAMES = re.compile(r", (?!(?:Jr|Sr|Inc|Ltd)\b)")
_QUERY = f"""
    select o.*, t."Rating" as average, t."Meter", t."Reviews", t."BoxOffice", t."Production"
    from omdb o join tomatoes t on t."ID" = o."ID" where t."Reviews" >= {REVIEWS} order by o."Year", o."ID"
"""


def documents(wheel: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    with sqlite3.connect(":memory:") as database:
        database.deserialize(zipfile.ZipFile(io.BytesIO(wheel)).read(MEMBER))
        database.row_factory = sqlite3.Row
        for row in database.execute(_QUERY):
            yield f"Q{row['ID']}", _film(dict(row))


def _film(row: dict[str, Any]) -> dict[str, Any]:
    film = {
        "title": row["Title"],
        "year": row["Year"],
        "released": None if row["Released"].endswith("-01-01") else row["Released"],
        "certificate": row["Rating"],
        "runtime": _whole(row["Runtime"]),
        "genres": _names(row["Genre"]),
        "languages": _names(row["Language"]),
        "countries": _names(row["Country"]),
        "studios": _names(row["Production"]),
        "box_office": _whole(row["BoxOffice"]),
        "metacritic": row["Metacritic"],
        "reviews": _said({"rating": row["average"], "tomatometer": row["Meter"], "count": row["Reviews"]}),
        "oscars": _said({"won": row["Oscars"], "nominations": _nominations(row["Awards"] or "")}),
        "awards": row["Awards"],
        "credits": [{"name": name, "job": job} for job, column in JOBS.items() for name in _names(row[column])],
    }
    return _said(film)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is not known."""
    return {key: value for key, value in values.items() if value not in (None, "", [])}


def _names(text: str | None) -> list[str]:
    return [name for name in _NAMES.split(text or "") if name]


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)


def _nominations(awards: str) -> int | None:
    match = re.search(r"Nominated for (\d+)", awards)
    return int(match[1]) if match else None
