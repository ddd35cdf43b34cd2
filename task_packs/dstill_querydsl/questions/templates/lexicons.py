"""Lexicons of the bundled indices, in the form that `Lexicon.of` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import flights, movies, quakes

__all__ = ["COUNTRIES", "LEXICONS"]

COUNTRIES = {
    "DE": "Germany", "US": "the United States", "FR": "France", "GB": "Great Britain", "JP": "Japan", "BR": "Brazil",
    "IN": "India", "NL": "the Netherlands", "PL": "Poland", "ES": "Spain", "CA": "Canada", "SE": "Sweden",
}  # fmt: skip
LEXICONS: Mapping[str, Mapping[str, Any]] = {
    "movies": movies.LEXICON,
    "flights": flights.LEXICON,
    "quakes": quakes.LEXICON,
    "weblogs": {
        "document": "request",
        "documents": ["requests", "calls", "log entries"],
        "fields": {
            "@timestamp": {"noun": "time"},
            "event.duration": {
                "noun": "duration",
                "unit": "nanos",
                "most": "slowest",
                "least": "fastest",
            },
            "http.request.method": {"noun": "method", "ways": ["{v} <", "using {v}"]},
            "http.request.referrer": {"noun": "referrer", "ways": ["referred by {v}"]},
            "http.response.status_code": {
                "noun": "status code",
                "ways": ["that returned {v}", "that ended with {v}"],
            },
            "http.response.bytes": {
                "noun": "response size",
                "unit": "byte",
                "most": "largest",
                "least": "smallest",
            },
            "url.path": {"noun": "path", "ways": ["to {v}"]},
            "source.ip": {"noun": "address", "nouns": "addresses", "ways": ["from {v}"]},
            "source.geo.country_iso_code": {
                "noun": "country",
                "ways": ["from {v}", "coming from {v}"],
                "codes": COUNTRIES,
            },
            "source.geo.city_name": {"noun": "city", "ways": ["from the city {v}"]},
            "user.name": {"noun": "user", "ways": ["by user {v}", "made by {v}"]},
            "user_agent.name": {"noun": "browser", "ways": ["sent by {v}"]},
            "user_agent.original": {"noun": "user agent"},
            "host.name": {"noun": "host", "ways": ["on {v}", "served by {v}"]},
            "service.name": {"noun": "service", "ways": ["handled by {v}"]},
            "x-cache": {"noun": "cache status"},
            "error.message": {"noun": "error message"},
            "upstream.name": {"noun": "upstream"},
            "upstream.status_code": {"noun": "upstream status code"},
        },
        "absent": ["revenue", "order value", "password", "screen size", "shipping cost"],
    },
}
