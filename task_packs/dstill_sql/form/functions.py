"""Functions and operators of answers: a token for each, and how the dialects write it.

    FUNCTIONS["year"].text("duckdb")     "EXTRACT(YEAR FROM {0})"
    FUNCTIONS["year"].text("sqlite")     "CAST(STRFTIME('%Y', {0}) AS INTEGER)"

``{0}`` and ``{1}`` stand for what it is of, ``{n}`` for a number that is written out. Tokens are in front of what they
are of, so ``a + b`` is ``add a b``. The order of the vocabulary is that of `vocabulary.json`, not of this table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dstill_sql.language.dialects import DIALECTS, Dialect

__all__ = [
    "ADD",
    "ANY",
    "ATOM",
    "COMPARABLE",
    "COMPARE",
    "CONJUNCTION",
    "DISJUNCTION",
    "FUNCTIONS",
    "MULTIPLY",
    "NEGATION",
    "NUMERIC",
    "ORDERED",
    "SAME",
    "TEMPORAL",
    "TEXT",
    "Function",
]

# How tightly parts hold together: what holds less than its place asks for is put in brackets.
DISJUNCTION, CONJUNCTION, NEGATION, COMPARE, CONCATENATE, ADD, MULTIPLY, ATOM = range(1, 9)

# Kinds of columns and expressions: those of `items.KINDS`, and "interval".
NUMERIC = frozenset(("integer", "number"))
TEMPORAL = frozenset(("date", "timestamp"))
TEXT = frozenset(("text",))
ORDERED = NUMERIC | TEMPORAL | TEXT | {"time", "enum"}
COMPARABLE = ORDERED | {"boolean", "uuid"}
ANY = COMPARABLE | {"other", "interval"}
SAME = "same"  # as its first argument


@dataclass(frozen=True, kw_only=True)
class Function:
    """One function, operator or aggregate."""

    token: str
    texts: Mapping[Dialect, str]
    takes: tuple[frozenset[str], ...]  # kinds of each argument
    gives: str  # kind, or SAME
    level: int = ATOM
    inner: tuple[int, ...] = ()  # how tightly each argument must hold
    aggregate: bool = False
    written: frozenset[Dialect] = field(default_factory=lambda: frozenset(DIALECTS))  # by constrained students
    whole: bool = False  # {n} is an integer

    def text(self, dialect: Dialect) -> str | None:
        """How a dialect writes it; None: it cannot."""
        return self.texts.get(dialect)

    @property
    def counted(self) -> bool:
        """Whether a number follows its arguments."""
        return any("{n}" in text for text in self.texts.values())


def _all(text: str, **others: str) -> dict[Dialect, str]:
    """The same text in every dialect, but for those that are given; an empty one is omitted."""
    return {dialect: own for dialect in DIALECTS if (own := others.get(dialect, text))}


def _operators() -> Iterator[Function]:
    for token, sign, level in (("add", "+", ADD), ("sub", "-", ADD), ("mul", "*", MULTIPLY), ("div", "/", MULTIPLY)):
        yield Function(
            token=token,
            texts=_all(f"{{0}} {sign} {{1}}"),
            takes=(NUMERIC, NUMERIC),
            gives="number",
            level=level,
            inner=(level, level + 1),
        )
    modulo = {"takes": (frozenset(("integer",)),) * 2, "gives": "integer", "level": MULTIPLY}
    inner = (MULTIPLY, MULTIPLY + 1)
    yield Function(token="mod", texts=_all("{0} % {1}"), inner=inner, **modulo)  # type: ignore[arg-type]
    yield Function(token="intdiv", texts={"duckdb": "{0} // {1}"}, inner=inner, **modulo)  # type: ignore[arg-type]
    yield Function(
        token="concat",
        texts=_all("{0} || {1}"),
        takes=(TEXT, TEXT),
        gives="text",
        level=CONCATENATE,
        inner=(CONCATENATE, ATOM),
    )


def _numbers() -> Iterator[Function]:
    rounded = "ROUND(CAST({0} AS DECIMAL), {n})"
    not_in_postgres: frozenset[Dialect] = frozenset(("duckdb", "sqlite"))
    yield Function(
        token="round",
        texts=_all("ROUND({0}, {n})"),
        takes=(NUMERIC,),
        gives="number",
        written=not_in_postgres,
        whole=True,
    )
    yield Function(
        token="round_decimal",  # PostgreSQL rounds no double to digits
        texts=_all(rounded),
        takes=(NUMERIC,),
        gives="number",
        written=frozenset(("postgres",)),
        whole=True,
    )
    for token, text, gives in (
        ("round0", "ROUND({0})", "number"),
        ("abs", "ABS({0})", SAME),
        ("floor", "FLOOR({0})", "number"),
        ("ceil", "CEIL({0})", "number"),
        ("sqrt", "SQRT({0})", "number"),
    ):
        yield Function(token=token, texts=_all(text), takes=(NUMERIC,), gives=gives)
    yield Function(token="neg", texts=_all("-{0}"), takes=(NUMERIC,), gives=SAME, level=MULTIPLY, inner=(ATOM,))


def _texts() -> Iterator[Function]:
    for token in ("lower", "upper", "trim"):
        yield Function(token=token, texts=_all(f"{token.upper()}({{0}})"), takes=(TEXT,), gives="text")
    yield Function(token="length", texts=_all("LENGTH({0})"), takes=(TEXT,), gives="integer")
    first = _all("LEFT({0}, {n})", sqlite="SUBSTRING({0}, 1, {n})")
    yield Function(token="begin", texts=first, takes=(TEXT,), gives="text", whole=True)


def _others() -> Iterator[Function]:
    nothing: frozenset[Dialect] = frozenset()
    real = _all("CAST({0} AS DOUBLE)", sqlite="CAST({0} AS REAL)", postgres="CAST({0} AS DOUBLE PRECISION)")
    yield Function(token="cast:double", texts=real, takes=(NUMERIC,), gives="number")
    for name, gives in (
        ("FLOAT", "number"),
        ("DECIMAL", "number"),
        ("INTEGER", "integer"),
        ("BIGINT", "integer"),
        ("TEXT", "text"),
        ("VARCHAR", "text"),
        ("TIMESTAMP", "timestamp"),
    ):
        cast = _all(f"CAST({{0}} AS {name})")
        yield Function(token=f"cast:{name.lower()}", texts=cast, takes=(ANY,), gives=gives, written=nothing)
    yield Function(
        token="cast:date",
        texts=_all("CAST({0} AS DATE)"),
        takes=(TEMPORAL,),
        gives="date",
        written=frozenset(("duckdb", "postgres")),
    )
    yield Function(token="coalesce", texts=_all("COALESCE({0}, {1})"), takes=(ORDERED, ORDERED), gives=SAME)
    yield Function(token="nullif", texts=_all("NULLIF({0}, {1})"), takes=(ORDERED, ORDERED), gives=SAME)


def _dates() -> Iterator[Function]:
    for unit, sign in (("year", "%Y"), ("month", "%m"), ("day", "%d"), ("hour", "%H"), ("dow", "%w")):
        of_sqlite = f"CAST(STRFTIME('{sign}', {{0}}) AS INTEGER)"
        yield _date(unit, _all(f"EXTRACT({unit.upper()} FROM {{0}})", sqlite=of_sqlite), "integer")
    for unit in ("quarter", "week", "minute"):
        yield _date(unit, _all(f"EXTRACT({unit.upper()} FROM {{0}})", sqlite=""), "integer")
    for unit in ("hour", "day", "week", "month", "quarter", "year"):
        starts = {"month": "DATE({0}, 'start of month')", "year": "DATE({0}, 'start of year')", "day": "DATE({0})"}
        truncated = _all(f"DATE_TRUNC('{unit}', {{0}})", sqlite=starts.get(unit, ""))
        yield _date(f"trunc:{unit}", truncated, "timestamp")
    for sign, of_postgres in (
        ("%Y", "YYYY"),
        ("%m", "MM"),
        ("%d", "DD"),
        ("%Y-%m", "YYYY-MM"),
        ("%Y-%m-%d", "YYYY-MM-DD"),
        ("%H", "HH24"),
    ):
        texts: dict[Dialect, str] = {
            "duckdb": f"STRFTIME({{0}}, '{sign}')",
            "sqlite": f"STRFTIME('{sign}', {{0}})",
            "postgres": f"TO_CHAR({{0}}, '{of_postgres}')",
        }
        yield _date(f"text:{sign}", texts, "text")
    yield _date("dayname", {"duckdb": "DAYNAME({0})"}, "text")
    yield _date("monthname", {"duckdb": "MONTHNAME({0})"}, "text")
    yield from _differences()
    for unit in ("hour", "day", "month", "year"):
        for token, sign in (("back", "-"), ("ahead", "+")):
            of_sqlite_ = f"DATE({{0}}, '{sign}{{n}} {unit}s')" if unit != "hour" else ""
            shifted = _all(f"{{0}} {sign} INTERVAL '{{n}}' {unit.upper()}", sqlite=of_sqlite_)
            yield Function(
                token=f"{token}:{unit}",
                texts=shifted,
                takes=(TEMPORAL,),
                gives="timestamp",
                level=ADD,
                inner=(ADD,),
                whole=True,
            )


def _date(token: str, texts: Mapping[Dialect, str], gives: str) -> Function:
    return Function(token=token, texts=texts, takes=(TEMPORAL,), gives=gives)


def _differences() -> Iterator[Function]:
    """From the first date to the second."""
    days: dict[Dialect, str] = {
        "duckdb": "DATE_DIFF('day', {0}, {1})",
        "sqlite": "JULIANDAY({1}) - JULIANDAY({0})",
        "postgres": "CAST({1} AS DATE) - CAST({0} AS DATE)",
    }
    yield Function(token="diff:day", texts=days, takes=(TEMPORAL, TEMPORAL), gives="integer", level=ADD)
    for unit, seconds in (("hour", 3600), ("minute", 60)):
        texts: dict[Dialect, str] = {
            "duckdb": f"DATE_DIFF('{unit}', {{0}}, {{1}})",
            "sqlite": f"(JULIANDAY({{1}}) - JULIANDAY({{0}})) * {86400 // seconds}",
            "postgres": f"EXTRACT(EPOCH FROM {{1}} - {{0}}) / {seconds}",
        }
        stamps = frozenset(("timestamp",))
        yield Function(
            token=f"diff:{unit}", texts=texts, takes=(stamps, stamps), gives="number", level=ADD, inner=(MULTIPLY, ADD)
        )
    for unit in ("month", "year"):
        texts = {"duckdb": f"DATE_DIFF('{unit}', {{0}}, {{1}})"}
        yield Function(token=f"diff:{unit}", texts=texts, takes=(TEMPORAL, TEMPORAL), gives="integer")


def _now() -> Iterator[Function]:
    """Times that are relative to now."""
    yield _moment("today", _all("CURRENT_DATE", sqlite="DATE('now')"))
    yield _moment("now", _all("CURRENT_TIMESTAMP", sqlite="DATETIME('now')"), gives="timestamp")
    hours = _all("CURRENT_TIMESTAMP - INTERVAL '{n}' HOUR", sqlite="DATETIME('now', '-{n} hours')")
    yield _moment("ago:hour", hours, gives="timestamp", level=ADD)
    for unit in ("day", "week", "month", "year"):
        for token, sign in (("ago", "-"), ("in", "+")):
            of_sqlite = f"DATE('now', '{sign}{{n}} {unit}s')" if unit != "week" else ""
            texts = _all(f"CURRENT_DATE {sign} INTERVAL '{{n}}' {unit.upper()}", sqlite=of_sqlite)
            yield _moment(f"{token}:{unit}", texts, level=ADD)
    of_sqlite_now = {
        "day": "'now'",
        "week": "'now', 'weekday 0', '-6 days'",
        "month": "'now', 'start of month'",
        "year": "'now', 'start of year'",
    }
    for unit in ("day", "week", "month", "quarter", "year"):
        start = f"DATE_TRUNC('{unit}', CURRENT_DATE)" if unit != "day" else "CURRENT_DATE"
        count, step = {"quarter": (3, "MONTH"), "week": (1, "WEEK")}.get(unit, (1, unit.upper()))
        of_sqlite = of_sqlite_now.get(unit, "")
        if unit != "day":
            yield _moment(f"start:{unit}", _all(start, sqlite=f"DATE({of_sqlite})" if of_sqlite else ""))
        for token, sign in (("prev", "-"), ("next", "+")):
            days = f"{sign}7 days" if unit == "week" else f"{sign}1 {unit}s"
            shifted = f"DATE({of_sqlite}, '{days}')" if of_sqlite else ""
            texts = _all(f"{start} {sign} INTERVAL '{count}' {step}", sqlite=shifted)
            yield _moment(f"{token}:{unit}", texts, level=ADD)


def _moment(token: str, texts: Mapping[Dialect, str], gives: str = "date", level: int = ATOM) -> Function:
    return Function(token=token, texts=texts, takes=(), gives=gives, level=level, whole=True)


def _aggregates() -> Iterator[Function]:
    for token, takes, gives in (
        ("sum", NUMERIC, SAME),
        ("avg", NUMERIC, "number"),
        ("min", ORDERED, SAME),
        ("max", ORDERED, SAME),
    ):
        yield _aggregate(token, _all(f"{token.upper()}({{0}})"), takes, gives)
    yield _aggregate("count", _all("COUNT({0})"), ANY, "integer")
    middle = _all("MEDIAN({0})", sqlite="", postgres="PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY {0})")
    yield _aggregate("median", middle, NUMERIC, "number")
    part = _all("QUANTILE_CONT({0}, {n})", sqlite="", postgres="PERCENTILE_CONT({n}) WITHIN GROUP (ORDER BY {0})")
    yield _aggregate("quantile", part, NUMERIC, "number")
    yield _aggregate("stddev", _all("STDDEV({0})", sqlite=""), NUMERIC, "number")
    yield _aggregate("variance", _all("VARIANCE({0})", sqlite=""), NUMERIC, "number")
    yield _aggregate("listed", _all("STRING_AGG({0}, ', ')", sqlite="GROUP_CONCAT({0}, ', ')"), TEXT, "text")


def _aggregate(token: str, texts: Mapping[Dialect, str], takes: frozenset[str], gives: str) -> Function:
    return Function(token=token, texts=texts, takes=(takes,), gives=gives, aggregate=True)


FUNCTIONS: Mapping[str, Function] = {
    f.token: f for group in (_aggregates, _operators, _numbers, _texts, _others, _dates, _now) for f in group()
}
