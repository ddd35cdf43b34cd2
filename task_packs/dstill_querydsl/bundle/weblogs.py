"""The bundled index `weblogs`: a synthetic web access log.

In: the number of documents and a seed. Out: a mapping with ECS field names, and documents as
pairs of id and source. The same seed gives the same bytes on every machine, since there are integers
and no floats. All data are made up: addresses come from RFC 5737, users and hosts are invented.

    ("w00000", {"@timestamp": "2025-01-01T03:12:45.120Z", "http": {"request": {"method": "GET"}, …}, …})

The mapping has the traps of real mappings: `url.path` is text with a keyword
sub-field called `raw`, `source.geo.city_name` has one called `keyword`; `error.message` and
`user_agent.original` are text that cannot be grouped; plain keywords have no sub-field;
`upstream` is a list of objects that is *not* nested; `event.duration` is in
nanoseconds. `user.name`, `http.request.referrer`, `error.message`, `x-cache` and
`upstream` are missing from some documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

__all__ = ["MAPPING", "NOW", "documents"]

NOW = "2025-03-27T12:00:00Z"  # a Thursday
DAYS = 90  # of log before NOW
VISITORS = 120


_KEYWORD = {"type": "keyword"}
_TEXT = {"type": "text"}

MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {
        "now": NOW,
        "description": "Synthetic web access log. Addresses are RFC 5737's; users, hosts and requests are made up.",
    },
    "properties": {
        "@timestamp": {"type": "date"},
        "event": {"properties": {"duration": {"type": "long", "meta": {"unit": "nanos"}}}},
        "http": {
            "properties": {
                "request": {"properties": {"method": _KEYWORD, "referrer": _KEYWORD}},
                "response": {
                    "properties": {
                        "status_code": {"type": "integer"},
                        "bytes": {"type": "long", "meta": {"unit": "byte"}},
                    }
                },
            }
        },
        "url": {"properties": {"path": {"type": "text", "fields": {"raw": _KEYWORD}}}},
        "source": {
            "properties": {
                "ip": {"type": "ip"},
                "geo": {
                    "properties": {
                        "country_iso_code": _KEYWORD,
                        "city_name": {"type": "text", "fields": {"keyword": _KEYWORD}},
                    }
                },
            }
        },
        "user": {"properties": {"name": _KEYWORD}},
        "user_agent": {"properties": {"name": _KEYWORD, "original": _TEXT}},
        "host": {"properties": {"name": _KEYWORD}},
        "service": {"properties": {"name": _KEYWORD}},
        "x-cache": _KEYWORD,
        "error": {"properties": {"message": _TEXT}},
        "upstream": {"properties": {"name": _KEYWORD, "status_code": {"type": "integer"}}},
    },
}

# country, its cities, weight
PLACES = (
    ("DE", ("Berlin", "Hamburg"), 6),
    ("US", ("New York", "Chicago"), 6),
    ("FR", ("Paris", "Lyon"), 4),
    ("GB", ("London", "Leeds"), 4),
    ("JP", ("Tokyo",), 3),
    ("BR", ("Sao Paulo",), 3),
    ("IN", ("Mumbai", "Delhi"), 3),
    ("NL", ("Amsterdam",), 2),
    ("PL", ("Warsaw",), 2),
    ("ES", ("Madrid",), 2),
    ("CA", ("Toronto",), 2),
    ("SE", ("Stockholm",), 1),
)
SECTIONS = {
    "shop": ("cart", "checkout", "search", "wishlist", "offers", "basket/items", "gifts"),
    "api": ("orders", "users", "invoices", "payments", "health", "tokens", "reports/daily", "exports"),
    "blog": ("news", "archive", "authors", "rss", "tags/release", "drafts"),
    "account": ("login", "logout", "profile", "settings", "password/reset", "sessions"),
    "static": ("app.js", "site.css", "logo.svg", "fonts/inter.woff2", "banner.png"),
    "docs": ("install", "guide/start", "guide/upgrade", "faq", "changelog", "reference"),
}
# section → service
SERVICES = {
    "shop": "storefront",
    "api": "gateway",
    "blog": "cms",
    "account": "identity",
    "static": "cdn",
    "docs": "cms",
}
USERS = (
    "amara", "bela", "chen", "dimitri", "elena", "farid", "greta", "hiro", "ines", "jonas", "kofi", "lena",
    "mateo", "nadia", "oskar", "priya", "quinn", "rosa", "sven", "tariq", "uma", "viktor", "wanda", "yusuf",
)  # fmt: skip
AGENTS = (
    ("Chrome", "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/134.0", 8),
    ("Firefox", "Mozilla/5.0 (X11; Linux x86_64) Firefox/136.0", 5),
    ("Safari", "Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Safari/18.3", 4),
    ("Edge", "Mozilla/5.0 (Windows NT 10.0; Win64) Edge/133.0", 2),
    ("curl", "curl/8.12.1", 2),
    ("Googlebot", "Mozilla/5.0 (compatible; Googlebot/2.1)", 2),
)
HOSTS = tuple(f"web-{n:02d}" for n in range(1, 13))
UPSTREAMS = tuple(f"{name}-{n}" for name in ("auth", "billing", "catalog", "media", "stock") for n in (1, 2, 3))
REFERRERS = ("https://search.example/", "https://news.example/", "https://forum.example/", "https://mail.example/")
STATUS = {
    200: 640, 201: 30, 204: 20, 301: 25, 302: 20, 304: 50, 400: 22, 401: 24, 403: 20, 404: 60, 409: 8, 422: 8,
    429: 18, 500: 22, 502: 16, 503: 16, 504: 12,
}  # fmt: skip
METHODS = {"GET": 70, "POST": 16, "PUT": 6, "DELETE": 4, "HEAD": 3, "PATCH": 2}
CACHES = {"HIT": 45, "MISS": 30, "EXPIRED": 8, "BYPASS": 8, "STALE": 4}
# error messages of status 5xx, and of 4xx
FAULTS = (
    "connection refused", "connection reset by peer", "read timeout", "deadlock detected", "out of memory",
    "disk quota exceeded", "certificate has expired", "name lookup failed",
)  # fmt: skip
COMPLAINTS = (
    "invalid session token", "missing parameter", "malformed body", "rate limit exceeded", "permission denied",
    "duplicate submission",
)  # fmt: skip
PARTS = ("billing", "catalog", "database", "gateway", "mailer", "queue", "storage", "worker")

_ADDRESSES = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737


def documents(count: int, seed: int = 7) -> Iterator[tuple[str, dict[str, Any]]]:
    """`count` log lines in the order of time, as pairs of id and source."""
    random = Random(seed)
    now = datetime.fromisoformat(NOW)
    ages = sorted((_age(random) for _ in range(count)), reverse=True)
    visitors = [_visitor(random) for _ in range(VISITORS)]
    for number, age in enumerate(ages):
        stamp = (now - timedelta(milliseconds=age)).astimezone(UTC)
        time = stamp.strftime("%Y-%m-%dT%H:%M:%S.") + f"{stamp.microsecond // 1000:03d}Z"
        yield f"w{number:05d}", {"@timestamp": time, **_request(random, visitors)}


def _age(random: Random) -> int:
    """Milliseconds before NOW. The last days are the busiest, so that "the last hour" is not empty."""
    span = random.choices((DAYS * 24, 7 * 24, 24), (60, 25, 15))[0]
    return random.randrange(1, span * 3_600_000)


def _pick(random: Random, weights: Mapping[Any, int]) -> Any:
    return random.choices(tuple(weights), tuple(weights.values()))[0]


def _visitor(random: Random) -> dict[str, Any]:
    """A visitor: address, location and browser, which stay the same in every request."""
    country, cities, _ = random.choices(PLACES, [place[2] for place in PLACES])[0]
    name, original, _ = random.choices(AGENTS, [agent[2] for agent in AGENTS])[0]
    visitor: dict[str, Any] = {
        "source": {
            "ip": f"{random.choice(_ADDRESSES)}.{random.randrange(1, 255)}",
            "geo": {"country_iso_code": country, "city_name": random.choice(cities)},
        },
        "user_agent": {"name": name, "original": original},
    }
    if random.randrange(100) < 60:
        visitor["user"] = {"name": random.choice(USERS)}
    return visitor


def _request(random: Random, visitors: list[dict[str, Any]]) -> dict[str, Any]:
    section = random.choice(tuple(SECTIONS))
    status, method = _pick(random, STATUS), _pick(random, METHODS)
    request: dict[str, Any] = {"method": method}
    if random.randrange(100) < 55:
        request["referrer"] = random.choice(REFERRERS)
    source = {
        **random.choice(visitors),
        "event": {"duration": _duration(random, status)},
        "http": {"request": request, "response": {"status_code": status, "bytes": _bytes(random, method)}},
        "url": {"path": f"/{section}/{random.choice(SECTIONS[section])}"},
        "host": {"name": random.choice(HOSTS)},
        "service": {"name": SERVICES[section]},
    }
    if section != "api":  # the API is not cached
        source["x-cache"] = _pick(random, CACHES)
    if status >= 500 or (status >= 400 and random.randrange(100) < 50):
        message = random.choice(FAULTS if status >= 500 else COMPLAINTS)
        source["error"] = {"message": f"{message} in {random.choice(PARTS)}"}
    if random.randrange(100) < 65:
        backends = random.sample(UPSTREAMS, random.choice((1, 1, 2)))
        source["upstream"] = [{"name": name, "status_code": _pick(random, STATUS)} for name in backends]
    return source


def _duration(random: Random, status: int) -> int:
    """Nanoseconds: mostly tens or hundreds of milliseconds, up to seconds for errors."""
    low, high = random.choices(((2, 60), (60, 400), (400, 1500), (1500, 9000)), (45, 35, 14, 6))[0]
    if status >= 500:
        low, high = 300, 12_000
    return random.randrange(low * 1_000_000, high * 1_000_000)


def _bytes(random: Random, method: str) -> int:
    low, high = random.choices(
        ((120, 4_000), (4_000, 60_000), (60_000, 900_000), (900_000, 8_000_000)), (40, 38, 18, 4)
    )[0]
    return 0 if method == "HEAD" else random.randrange(low, high)
