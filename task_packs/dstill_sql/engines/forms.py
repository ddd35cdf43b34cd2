"""Forms that sqlglot does not write out when it translates: those of SQLite and PostgreSQL for parts that they lack.

    for_sqlite(typed)         LIKE 'A%' → GLOB 'A*';  YEAR(at) → CAST(STRFTIME('%Y', at) AS INTEGER)
    for_postgres(typed)       CONTAINS(a, 'x') → STRPOS(a, 'x') > 0;  ROUND(a) → ROUND(CAST(a AS DECIMAL))

In: a tree whose columns name their tables and whose expressions have types, where these are known. Without them, what
depends on a type stays as sqlglot writes it. Each rule gives the same result as DuckDB does for the part that it
replaces; `docs/sql.md` names what stays different.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from dstill_sql.language.database.schema import RESERVED_WORDS, family_of
from dstill_sql.language.engine_text import NotPrintable

__all__ = ["for_postgres", "for_sqlite"]

MOST_WRITTEN = 20_000  # parts of the forms
Rule = Callable[[exp.Expr], exp.Expr | None]  # None: it does not apply


def for_sqlite(tree: exp.Expr) -> exp.Expr:
    """The tree with forms that SQLite has."""
    return _changed(tree, _SQLITE)


def for_postgres(tree: exp.Expr) -> exp.Expr:
    """The tree with forms that PostgreSQL has."""
    return _changed(tree, _POSTGRES)


def _changed(tree: exp.Expr, rules: Mapping[type[exp.Expr], Rule]) -> exp.Expr:
    """Each node replaced by its form, leaves first. Raises NotPrintable where the forms repeat too much."""
    written = 0
    for node in reversed(list(tree.walk())):
        if isinstance(node, exp.Identifier) and node.name.upper() in RESERVED_WORDS:
            node.set("quoted", True)
        rule = rules.get(type(node))
        if rule is not None and (new := rule(node)) is not None:
            written += sum(1 for _ in new.walk())  # a form within a form counts in both
            if written > MOST_WRITTEN:
                raise NotPrintable("the forms of its calls repeat their arguments too often")
            type_ = node.type
            if node is tree:
                tree = new
            else:
                node.replace(new)
            new.type = new.type or type_
    return tree


def _is(node: exp.Expr | None, *families: str) -> bool:
    return node is not None and node.type is not None and family_of(node.type) in families


def _call(name: str, *arguments: exp.Expr | str) -> exp.Anonymous:
    """A function of SQLite; texts are literals."""
    nodes = [exp.Literal.string(argument) if isinstance(argument, str) else argument.copy() for argument in arguments]
    return exp.Anonymous(this=name, expressions=nodes)


def _integer(node: exp.Expr) -> exp.Cast:
    return exp.Cast(this=node, to=exp.DataType.build("INTEGER"))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


# --- texts ------------------------------------------------------------------------------


def _glob(node: exp.Expr) -> exp.Expr | None:
    """LIKE of SQLite does not see case, GLOB does."""
    escape = ""
    if isinstance(node, exp.Escape):
        if not isinstance(node.this, exp.Like) or not isinstance(node.expression, exp.Literal):
            return None
        node, escape = node.this, node.expression.name
    if isinstance(node.parent, exp.Escape) or not isinstance(node.expression, exp.Literal):
        return None
    out, text = [], iter(node.expression.name)
    for char in text:
        if escape and char == escape:
            out.append(_in_glob(next(text, escape)))
        else:
            out.append({"%": "*", "_": "?"}.get(char) or _in_glob(char))
    glob = exp.Glob(this=node.this.copy(), expression=exp.Literal.string("".join(out)))
    return exp.Not(this=glob) if node.args.get("negate") else glob


def _in_glob(char: str) -> str:
    return f"[{char}]" if char in "*?[" else char


def _concat(node: exp.Expr) -> exp.Expr:
    """NULL is an empty text there."""
    parts = [exp.func("COALESCE", expression.copy(), exp.Literal.string("")) for expression in node.expressions]
    return _joined(parts)


def _concat_ws(node: exp.Expr) -> exp.Expr | None:
    separator, *parts = node.expressions
    if not isinstance(separator, exp.Literal):
        return None
    after = [
        exp.func("COALESCE", exp.DPipe(this=separator.copy(), expression=part.copy()), exp.Literal.string(""))
        for part in parts
    ]
    return _call("SUBSTR", _joined(after), _number(len(separator.name) + 1))


def _joined(parts: Sequence[exp.Expr]) -> exp.Expr:
    out: exp.Expr = parts[0]
    for part in parts[1:]:
        out = exp.DPipe(this=out, expression=part)
    return exp.Paren(this=out)


def _left(node: exp.Expr) -> exp.Expr:
    return _call("SUBSTR", node.this, _number(1), node.expression)


def _right(node: exp.Expr) -> exp.Expr | None:
    length = node.expression
    if not (isinstance(length, exp.Literal) and length.is_int and int(length.name) > 0):
        return None
    return _call("SUBSTR", node.this, exp.Neg(this=length.copy()))


def _starts(node: exp.Expr) -> exp.Expr:
    return _equal(_call("SUBSTR", node.this, _number(1), _call("LENGTH", node.expression)), node.expression)


def _ends_in_sqlite(node: exp.Expr) -> exp.Expr:
    return _equal(_call("SUBSTR", node.this, exp.Neg(this=_call("LENGTH", node.expression))), node.expression)


def _ends_in_postgres(node: exp.Expr) -> exp.Expr:
    return _equal(_call("RIGHT", node.this, _call("LENGTH", node.expression)), node.expression)


def _equal(expr: exp.Expr, other: exp.Expr) -> exp.Expr:
    return exp.Paren(this=exp.EQ(this=expr, expression=other.copy()))


def _contains(node: exp.Expr) -> exp.Expr:
    position = exp.StrPosition(this=node.this.copy(), substr=node.expression.copy())
    return exp.Paren(this=exp.GT(this=position, expression=_number(0)))


# --- numbers and casts ------------------------------------------------------------------


def _cast_in_sqlite(node: exp.Expr) -> exp.Expr | None:
    value, to = node.this, family_of(node.args["to"])
    if to == "text" and _is(value, "boolean"):
        case = exp.Case().when(value.copy(), exp.Literal.string("true"))
        return case.when(exp.Not(this=value.copy()), exp.Literal.string("false"))
    if to == "text" and value.type is not None and value.type.this is exp.DType.DECIMAL:
        scale = [part.name for part in value.type.expressions][1:2]
        known = exp.Not(this=exp.Is(this=value.copy(), expression=exp.Null()))
        return exp.Case().when(known, _call("PRINTF", f"%.{scale[0]}f", value)) if scale else None
    if to == "integer" and _is(value, "number"):
        rounded = _integer(_call("ROUND", value))
        if value.type.this is exp.DType.DECIMAL or isinstance(value.unnest(), (exp.Literal, exp.Neg)):
            return rounded
        rest = _call("ABS", exp.Sub(this=value.copy(), expression=_integer(value.copy())))
        half = exp.EQ(this=rest, expression=exp.Literal.number("0.5"))  # a double is rounded to the even neighbour
        even = exp.Mul(
            this=_number(2),
            expression=_integer(
                _call("ROUND", exp.Div(this=exp.Paren(this=value.copy()), expression=exp.Literal.number("2.0")))
            ),
        )
        return exp.Case().when(half, even).else_(rounded)
    return None


def _spread(node: exp.Expr) -> exp.Expr:
    """Standard deviation and variance from averages."""
    value = node.this
    count = exp.Count(this=value.copy())
    square = exp.Mul(
        this=exp.Paren(this=exp.Mul(this=exp.Literal.number("1.0"), expression=exp.Paren(this=value.copy()))),
        expression=exp.Paren(this=value.copy()),
    )
    mean = exp.Avg(this=value.copy())
    spread: exp.Expr = exp.Sub(this=exp.Avg(this=square), expression=exp.Mul(this=mean, expression=mean.copy()))
    if isinstance(node, (exp.Stddev, exp.StddevSamp, exp.Variance)):
        less = exp.func("NULLIF", exp.Sub(this=count.copy(), expression=_number(1)), _number(0))
        spread = exp.Div(this=exp.Mul(this=exp.Paren(this=spread), expression=count), expression=less)
    above_zero = _call("MAX", spread, exp.Literal.number("0.0"))
    return above_zero if isinstance(node, (exp.Variance, exp.VariancePop)) else _call("SQRT", above_zero)


def _round_in_postgres(node: exp.Expr) -> exp.Expr | None:
    """A double is rounded to the even neighbour there, a decimal away from zero."""
    if (
        node.args.get("decimals") is not None
        or not _is(node.this, "number")
        or node.this.type.this is exp.DType.DECIMAL
    ):
        return None
    return exp.Round(this=exp.Cast(this=node.this.copy(), to=exp.DataType.build("DECIMAL")))


# --- dates ------------------------------------------------------------------------------

_FORMATS = {
    "YEAR": "%Y", "MONTH": "%m", "DAY": "%d", "HOUR": "%H", "MINUTE": "%M", "SECOND": "%S", "DOW": "%w",
    "DAYOFWEEK": "%w", "DOY": "%j", "DAYOFYEAR": "%j", "EPOCH": "%s",
}  # fmt: skip
_STARTS = {
    "YEAR": "%Y-01-01", "MONTH": "%Y-%m-01", "DAY": "%Y-%m-%d", "HOUR": "%Y-%m-%d %H:00:00",
    "MINUTE": "%Y-%m-%d %H:%M:00", "SECOND": "%Y-%m-%d %H:%M:%S",
}  # fmt: skip
_PARTS: Mapping[type[exp.Expr], str] = {
    exp.Year: "YEAR",
    exp.Quarter: "QUARTER",
    exp.Month: "MONTH",
    exp.Day: "DAY",
    exp.DayOfMonth: "DAY",
    exp.DayOfWeek: "DOW",
    exp.DayOfYear: "DOY",
    exp.Hour: "HOUR",
    exp.Minute: "MINUTE",
    exp.Second: "SECOND",
}
_CALENDAR = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")


def _part_in_sqlite(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Extract):
        return _part(node.name.upper(), node.expression)
    return _part(_PARTS[type(node)], node.this)


def _part(unit: str, value: exp.Expr) -> exp.Expr | None:
    value = _undated(value)
    if unit == "QUARTER":
        months = exp.Paren(this=exp.Add(this=_part("MONTH", value), expression=_number(2)))
        return exp.Paren(this=exp.Div(this=months, expression=_number(3), typed=True))
    return _integer(_call("STRFTIME", _FORMATS[unit], value)) if unit in _FORMATS else None


def _part_in_postgres(node: exp.Expr) -> exp.Expr:
    return exp.Extract(this=exp.Var(this=_PARTS[type(node)]), expression=node.this.copy())


def _extract_in_postgres(node: exp.Expr) -> exp.Expr | None:
    """PostgreSQL has other names for some parts of a date."""
    unit = {"DAYOFWEEK": "DOW", "DAYOFYEAR": "DOY", "DAYOFMONTH": "DAY", "WEEKOFYEAR": "WEEK"}.get(node.name.upper())
    return None if unit is None else exp.Extract(this=exp.Var(this=unit), expression=node.expression.copy())


def _undated(value: exp.Expr) -> exp.Expr:
    """The value itself, where sqlglot notes that it is a date."""
    return value.this if isinstance(value, (exp.TsOrDsToDate, exp.TsOrDsToTimestamp)) else value


def _trunc_in_sqlite(node: exp.Expr) -> exp.Expr | None:
    unit, value = node.args["unit"].name.upper(), _undated(node.this)
    if unit.startswith("WEEK"):
        return _call("DATE", value, "weekday 0", "-6 days")
    return _call("STRFTIME", _STARTS[unit], value) if unit in _STARTS else None


def _trunc_in_postgres(node: exp.Expr) -> exp.Expr | None:
    """The start of a date is one without a time zone."""
    value = node.this
    if not _is(value, "date") or isinstance(value, exp.Cast):
        return None
    copied = node.copy()
    copied.set("this", exp.Cast(this=value.copy(), to=exp.DataType.build("TIMESTAMP")))
    return copied


def _shifted(node: exp.Expr) -> exp.Expr | None:
    """A date and an interval, or two dates."""
    value, other = node.this, node.expression
    sign = "-" if isinstance(node, exp.Sub) else "+"
    if isinstance(node, exp.Sub) and _is(value, "date") and _is(other, "date"):
        return _days(value, other)
    if isinstance(node, (exp.DateAdd, exp.DateSub)):
        sign = "-" if isinstance(node, exp.DateSub) else "+"
        other = exp.Interval(this=other, unit=node.args.get("unit")) if not isinstance(other, exp.Interval) else other
    if not isinstance(other, exp.Interval) or other.args.get("unit") is None or not isinstance(other.this, exp.Literal):
        return None
    unit = other.args["unit"].name.upper().removesuffix("S")
    try:
        amount = int(other.this.name)
    except ValueError:
        return None
    amount, unit = {"WEEK": (amount * 7, "DAY"), "QUARTER": (amount * 3, "MONTH")}.get(unit, (amount, unit))
    if unit not in (*_CALENDAR, "HOUR", "MINUTE", "SECOND"):
        return None
    name = "DATE" if _is(value, "date") and unit in _CALENDAR else "DATETIME"
    moved = _call(name, value, f"{sign}{amount} {unit.lower()}s")
    if unit not in ("MONTH", "YEAR"):
        return moved
    # SQLite counts days on beyond the end of a month: 31 January and a month would be in March.
    months = amount * (12 if unit == "YEAR" else 1) * (-1 if sign == "-" else 1)
    last = _call(name, value, "start of month", f"{months + 1:+d} months", "-1 days")
    return _call("MIN", moved, last) if name == "DATE" else moved


def _difference(node: exp.Expr) -> exp.Expr | None:
    """How many boundaries of a unit are between two dates."""
    end, start = _undated(node.this), _undated(node.expression)
    unit = node.args["unit"].name.upper() if node.args.get("unit") is not None else "DAY"
    if unit == "DAY":
        return _days(_call("DATE", end), _call("DATE", start))
    if unit in ("YEAR", "MONTH"):
        years = exp.Paren(this=exp.Sub(this=_part("YEAR", end), expression=_part("YEAR", start)))
        if unit == "YEAR":
            return years
        months = exp.Sub(this=_part("MONTH", end), expression=_part("MONTH", start))
        twelve = exp.Mul(this=years, expression=_number(12))
        return exp.Paren(this=exp.Add(this=twelve, expression=exp.Paren(this=months)))
    seconds = {"HOUR": 3600, "MINUTE": 60, "SECOND": 1}.get(unit)
    if seconds is None:
        return None
    both = [exp.Div(this=_part("EPOCH", time), expression=_number(seconds), typed=True) for time in (end, start)]
    return exp.Paren(this=exp.Sub(this=both[0], expression=both[1]))


def _days(end: exp.Expr, start: exp.Expr) -> exp.Expr:
    return _integer(exp.Paren(this=exp.Sub(this=_call("JULIANDAY", end), expression=_call("JULIANDAY", start))))


def _last_day(node: exp.Expr) -> exp.Expr:
    return _call("DATE", _undated(node.this), "start of month", "+1 month", "-1 day")


def _date_of_parts_in_sqlite(node: exp.Expr) -> exp.Expr:
    return _call("PRINTF", "%04d-%02d-%02d", node.args["year"], node.args["month"], node.args["day"])


def _date_of_parts_in_postgres(node: exp.Expr) -> exp.Expr:
    return _call("MAKE_DATE", node.args["year"], node.args["month"], node.args["day"])


def _compared(node: exp.Expr) -> exp.Expr | None:
    """A day as text beside a timestamp, which is a text too in SQLite, is its midnight."""
    sides = [node.this, *(node.args.get(name) for name in ("expression", "low", "high")), *node.expressions]
    if not any(_is(side, "timestamp") for side in sides if side is not None):
        return None
    for side in sides:
        if isinstance(side, exp.Literal) and side.is_string and len(side.name) == len("2024-01-31"):
            side.set("this", f"{side.name} 00:00:00")
    return None


# --- queries ----------------------------------------------------------------------------


def _quantified(node: exp.Expr) -> exp.Expr | None:
    """``x > ALL (query)`` as NOT EXISTS, ``x > ANY (query)`` as EXISTS."""
    quantifier = node.expression
    if not isinstance(quantifier, (exp.All, exp.Any)):
        return None
    query = quantifier.this.unnest() if quantifier.this is not None else None
    if not isinstance(query, exp.Select) or len(query.selects) != 1 or query.is_star:
        return None
    inner = query.copy()
    inner.set("expressions", [exp.alias_(inner.selects[0].unalias(), "v")])
    rows = exp.select("1").from_(inner.subquery("each_one"))
    holds = type(node)(this=node.this.copy(), expression=exp.column("v", "each_one"))
    if isinstance(quantifier, exp.Any):
        return exp.Exists(this=rows.where(holds))
    return exp.Not(
        this=exp.Exists(this=rows.where(exp.Not(this=exp.func("COALESCE", exp.Paren(this=holds), exp.false()))))
    )


def _set_operation(node: exp.Expr) -> exp.Expr | None:
    """SQLite allows no brackets around the sides."""
    for side in ("this", "expression"):
        query = node.args[side]
        if isinstance(query, exp.Subquery) and not query.alias:
            node.set(
                side,
                exp.select("*").from_(
                    exp.Subquery(this=query.this.copy(), alias=exp.TableAlias(this=exp.to_identifier(side)))
                ),
            )
    return None


_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)


def _comparison(node: exp.Expr) -> exp.Expr | None:
    return _quantified(node) or _compared(node)


_SQLITE: Mapping[type[exp.Expr], Rule] = {
    **dict.fromkeys(_COMPARISONS, _comparison),
    exp.Between: _compared,
    exp.In: _compared,
    exp.Like: _glob,
    exp.Escape: _glob,
    exp.Concat: _concat,
    exp.ConcatWs: _concat_ws,
    exp.Left: _left,
    exp.Right: _right,
    exp.StartsWith: _starts,
    exp.EndsWith: _ends_in_sqlite,
    exp.Contains: _contains,
    exp.Cast: _cast_in_sqlite,
    **dict.fromkeys((exp.Stddev, exp.StddevSamp, exp.StddevPop, exp.Variance, exp.VariancePop), _spread),
    **dict.fromkeys((exp.Extract, *_PARTS), _part_in_sqlite),
    **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc), _trunc_in_sqlite),
    **dict.fromkeys((exp.Add, exp.Sub, exp.DateAdd, exp.DateSub), _shifted),
    **dict.fromkeys((exp.DateDiff, exp.TimestampDiff), _difference),
    exp.LastDay: _last_day,
    exp.DateFromParts: _date_of_parts_in_sqlite,
    **dict.fromkeys((exp.Union, exp.Intersect, exp.Except), _set_operation),
}
_POSTGRES: Mapping[type[exp.Expr], Rule] = {
    exp.Contains: _contains,
    exp.EndsWith: _ends_in_postgres,
    exp.Extract: _extract_in_postgres,
    **dict.fromkeys(_PARTS, _part_in_postgres),
    **dict.fromkeys((exp.DateTrunc, exp.TimestampTrunc), _trunc_in_postgres),
    exp.Round: _round_in_postgres,
    exp.DateFromParts: _date_of_parts_in_postgres,
}
