"""Names of tables and the order of joins do not count; which table a column is of does."""

from __future__ import annotations

import pytest

from dstill_sql.language.canonical import canonical_text

FLIGHTS = "FROM flights f JOIN airports a ON f.origin = a.id JOIN airports b ON f.target = b.id"
TURNED = "FROM airports x JOIN flights f ON f.target = x.id JOIN airports y ON y.id = f.origin"
SAME = [
    (
        "SELECT d.name FROM drivers d JOIN trips t ON t.driver_id = d.id",
        "SELECT drivers.name FROM trips JOIN drivers ON drivers.id = trips.driver_id",
    ),
    (f"SELECT a.city, b.city {FLIGHTS}", f"SELECT y.city, x.city {TURNED}"),
    (
        "SELECT x.a, y.a FROM c x JOIN c y ON x.a < y.a AND x.f = y.f",
        "SELECT one.a, two.a FROM c one JOIN c two ON two.f = one.f AND two.a > one.a",
    ),
    (
        "SELECT a.n, e.n FROM c a JOIN c m ON a.s = m.i JOIN d ON m.d = d.i JOIN d e ON a.d = e.i WHERE d.n = 'x'",
        "SELECT y.n, u.n FROM d u JOIN c y ON y.d = u.i JOIN c z ON z.i = y.s JOIN d v ON v.i = z.d WHERE v.n = 'x'",
    ),
    (
        "SELECT x.a, y.a FROM c x JOIN c y ON x.a < y.a AND x.f = y.f",
        "SELECT x.a, y.a FROM c y JOIN c x ON y.a > x.a AND x.f = y.f",
    ),
    (
        "SELECT name FROM d WHERE EXISTS (SELECT 1 FROM t WHERE t.d = d.id)",
        "SELECT d.name FROM d WHERE EXISTS (SELECT 1 FROM t x WHERE x.d = d.id)",
    ),
    (
        "SELECT name FROM e WHERE s > (SELECT AVG(s) FROM e e2 WHERE e2.d = e.d)",
        "SELECT x.name FROM e x WHERE x.s > (SELECT AVG(e.s) FROM e WHERE e.d = x.d)",
    ),
    (
        "SELECT AVG(n) FROM (SELECT a, COUNT(*) AS n FROM t GROUP BY a) q",
        "SELECT AVG(z.found) FROM (SELECT a, COUNT(*) found FROM t GROUP BY 1) z",
    ),
    (
        "SELECT a, b, COUNT(*) n FROM t GROUP BY b, a ORDER BY n",
        "SELECT a, b, COUNT(*) FROM t GROUP BY 1, 2 ORDER BY 3",
    ),
    (
        "SELECT a.x FROM a LEFT JOIN b ON b.i = a.i LEFT JOIN c ON c.i = a.i",
        "SELECT a.x FROM a LEFT JOIN c ON c.i = a.i LEFT JOIN b ON a.i = b.i",
    ),
    ("SELECT a FROM t GROUP BY a, a", "SELECT a FROM t GROUP BY a"),
    ("SELECT a FROM t UNION SELECT b FROM u ORDER BY a", "SELECT a AS x FROM t UNION SELECT b FROM u ORDER BY 1"),
    ("SELECT YEAR(x) FROM t WHERE NOT a LIKE 'x'", "SELECT EXTRACT(YEAR FROM x) FROM t WHERE a NOT LIKE 'x'"),
]
OTHER = [
    (
        "SELECT x.a, y.a FROM c x JOIN c y ON x.a < y.a AND x.f = y.f",
        "SELECT x.a, y.a FROM c x JOIN c y ON x.a > y.a AND x.f = y.f",
    ),
    (
        "SELECT a.n, e.n FROM c a JOIN c m ON a.s = m.i JOIN d ON m.d = d.i JOIN d e ON a.d = e.i WHERE d.n = 'x'",
        "SELECT a.n, e.n FROM c a JOIN c m ON a.s = m.i JOIN d ON m.d = d.i JOIN d e ON a.d = e.i WHERE e.n = 'x'",
    ),
    (f"SELECT a.city, b.city {FLIGHTS}", f"SELECT x.city, y.city {TURNED}"),
    (
        "SELECT name FROM e WHERE s > (SELECT AVG(s) FROM e e2 WHERE e2.d = e.d)",
        "SELECT name FROM e WHERE s > (SELECT AVG(s) FROM e e2 WHERE e2.d = e2.d)",
    ),
    ("SELECT UPPER(name) AS name FROM t ORDER BY t.name", "SELECT UPPER(name) AS name FROM t ORDER BY name"),
    (
        "SELECT a.x FROM a LEFT JOIN b ON b.i = a.i JOIN c ON c.i = a.i",
        "SELECT a.x FROM a LEFT JOIN c ON c.i = a.i JOIN b ON b.i = a.i",
    ),
    (
        "SELECT a.x FROM a LEFT JOIN b ON b.i = a.i LEFT JOIN c ON c.i = b.i",
        "SELECT a.x FROM a LEFT JOIN c ON c.i = a.i LEFT JOIN b ON b.i = c.i",
    ),
    ("SELECT a.x FROM a JOIN b ON b.i = a.i", "SELECT a.x FROM a JOIN b ON b.j = a.i"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_are_the_same(one: str, other: str) -> None:
    assert canonical_text(one, "duckdb") == canonical_text(other, "duckdb")


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_meanings_differ(one: str, other: str) -> None:
    assert canonical_text(one, "duckdb") != canonical_text(other, "duckdb")


@pytest.mark.parametrize("text", [text for pair in (*SAME, *OTHER) for text in pair])
def test_the_canonical_text_is_its_own(text: str) -> None:
    once = canonical_text(text, "duckdb")
    assert canonical_text(once, "duckdb") == once
