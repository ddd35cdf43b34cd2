"""The bundled index `movies`: 9,774 films of 1940 to 2014 with at least 20 reviews, from Wikidata.

It gives a mapping, settings, `now` and the packed documents:

    ("Q109116", {"title": "The Great Dictator", "year": 1940, "credits": [{"name": "Charlie Chaplin",
     "job": "director"}, …, {"name": "Charlie Chaplin", "job": "actor"}], …})

Its traps: `title` is text with a keyword sub-field called `raw`, `countries` has one called `keyword`; `genres`,
`languages` and `certificate` are keywords without a sub-field; `credits.name` is a keyword with a text sub-field, the
other way round; `studios` and `awards` are text that cannot be grouped or sorted. `credits` is nested: in 1,219 films a
director also acts, so "directed by" and "with" need the same object. `reviews` and `oscars` are plain objects.
`released` is missing if only the year is known (6 of 10 films), and `certificate`, `box_office`, `metacritic` and
`oscars.nominations` are missing from many films.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import Packed

__all__ = ["LEXICON", "MAPPING", "NOW", "PACKED"]

NOW = "2014-12-31T12:00:00Z"  # the year of the last films

PACKED = Packed(
    file="movies.jsonl.gz",
    sha256="ca063625f5d00477e5d65a9354062d45e1a33941a8f4edaf3226ddf1b572ea03",
    total=9_774,
)

_KEYWORD = {"type": "keyword"}
_TEXT = {"type": "text"}

MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {
        "now": NOW,
        "description": "Films of 1940 to 2014 with at least 20 reviews. Credits name directors, writers and actors.",
    },
    "properties": {
        "title": {"type": "text", "fields": {"raw": _KEYWORD}},
        "year": {"type": "short"},
        "released": {"type": "date", "format": "yyyy-MM-dd"},
        "certificate": _KEYWORD,
        "runtime": {"type": "short", "meta": {"unit": "minute"}},
        "genres": _KEYWORD,
        "languages": _KEYWORD,
        "countries": {"type": "text", "fields": {"keyword": _KEYWORD}},
        "studios": _TEXT,
        "box_office": {"type": "long", "meta": {"unit": "usd"}},
        "metacritic": {"type": "byte"},
        "reviews": {
            "properties": {
                "rating": {"type": "double"},
                "tomatometer": {"type": "byte", "meta": {"unit": "percent"}},
                "count": {"type": "short"},
            }
        },
        "oscars": {"properties": {"won": {"type": "byte"}, "nominations": {"type": "byte"}}},
        "awards": _TEXT,
        "credits": {
            "type": "nested",
            "properties": {"name": {"type": "keyword", "fields": {"text": _TEXT}}, "job": _KEYWORD},
        },
    },
}

# How people talk about it. docs/querydsl.md explains the form.
LEXICON: Mapping[str, Any] = {
    "document": "film",
    "documents": ["films", "movies"],
    "fields": {
        "title": {"noun": "title", "ways": ["called {v}"]},
        "year": {"noun": "year"},
        "released": {"noun": "release date"},
        "certificate": {"noun": "certificate", "ways": ["rated {v}", "{v} <"]},
        "runtime": {"noun": "running time", "most": "longest", "least": "shortest"},
        "genres": {"noun": "genre", "ways": ["{v} <", "of the genre {v}"]},
        "languages": {"noun": "language", "ways": ["in {v}"]},
        "countries": {"noun": "country", "nouns": "countries", "ways": ["from {v}", "made in {v}"]},
        "studios": {"noun": "studio", "ways": ["produced by {v}"]},
        "box_office": {"noun": "box office", "unit": "dollars", "most": "highest-grossing", "least": "lowest-grossing"},
        "metacritic": {"noun": "Metacritic score"},
        "reviews.rating": {"noun": "rating", "most": "best rated", "least": "worst rated"},
        "reviews.tomatometer": {"noun": "Tomatometer"},
        "reviews.count": {"noun": "number of reviews", "most": "most reviewed", "least": "least reviewed"},
        "oscars.won": {"noun": "number of Oscars won"},
        "oscars.nominations": {"noun": "number of Oscar nominations"},
        "awards": {"noun": "awards", "nouns": "awards"},
        "credits.name": {"noun": "person", "nouns": "people", "ways": ["with {v}"]},
        "credits.job": {"noun": "job"},
    },
    "conditions": [
        {"word": "long", "field": "runtime", "bounds": {"gt": 120}, "means": "over 2 hours"},
        {
            "word": "acclaimed",
            "field": "reviews.tomatometer",
            "bounds": {"gte": 90},
            "means": "a Tomatometer of 90 or more",
        },
    ],
    "absent": ["budget", "ticket price", "soundtrack", "filming location", "plot"],
}
