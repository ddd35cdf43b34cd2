"""A plan's answer in SQL, in the conventions of the pack's other questions.

write(plan, schema)      "SELECT name FROM shop WHERE city = 'Oslo' ORDER BY size DESC LIMIT 1"
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from dstill.synthesis.plans import Aggregate, Comparison, Condition, Existence, Place, Plan, Skip
from dstill_sql.language.database.schema import Column, SqlSchema
from dstill_sql.language.database.schema import quoted as quoted_in

__all__ = ["write"]

_FUNCTIONS = {"avg": "AVG", "sum": "SUM", "min": "MIN", "max": "MAX"}


def write(plan: Plan, schema: SqlSchema) -> str:
    """The query, in DuckDB's dialect. Raises Skip if it needs one table twice."""
    return _Writer(plan, schema).query()


def quoted(name: str) -> str:
    """A name, in quotes if it needs them."""
    return quoted_in(name, "duckdb")


class _Writer:
    def __init__(self, plan: Plan, schema: SqlSchema) -> None:
        self.plan, self.schema = plan, schema
        self.table = plan.entity.name
        self.relations = list(dict.fromkeys(relation for place in _places(plan) for relation in place.via))
        tables = [self.table, *(relation.parent for relation in self.relations)]
        if len(set(tables)) < len(tables):
            raise Skip
        self.joined = bool(self.relations)

    def query(self) -> str:
        plan = self.plan
        shown = ", ".join(self._shown(shown) for shown in plan.shown)
        parts = [f"SELECT {'DISTINCT ' if plan.distinct else ''}{shown} FROM {quoted(self.table)}"]
        parts += [
            f"JOIN {quoted(join.parent)} ON {_dotted(join.child, join.column)} = {_dotted(join.parent, join.to_column)}"
            for join in self.relations
        ]
        if plan.conditions:
            word = " OR " if plan.any_of else " AND "
            parts.append(f"WHERE {word.join(self._condition(condition) for condition in plan.conditions)}")
        if plan.group:
            parts.append(f"GROUP BY {', '.join(map(self._column, plan.group))}")
        if plan.having:
            operator = plan.having.operator
            parts.append(f"HAVING {self._shown(plan.having.measure)} {operator} {_number(plan.having.number)}")
        if plan.order is not None:
            parts.append(f"ORDER BY {self._shown(plan.order)}{' DESC' if plan.descending else ''}")
        if plan.limit is not None:
            parts.append(f"LIMIT {plan.limit}")
        return " ".join(parts)

    def _shown(self, shown: Place | Aggregate) -> str:
        if isinstance(shown, Place):
            return self._column(shown)
        if shown.place is None:
            return "COUNT(*)"
        if shown.function == "count_distinct":
            return f"COUNT(DISTINCT {self._column(shown.place)})"
        return f"{_FUNCTIONS[shown.function]}({self._column(shown.place)})"

    def _column(self, place: Place) -> str:
        table = place.via[-1].parent if place.via else self.table
        return _dotted(table, place.attribute.name) if self.joined else quoted(place.attribute.name)

    # --- conditions ---------------------------------------------------------------------

    def _condition(self, condition: Condition) -> str:
        if isinstance(condition, Existence):
            return self._existence(condition)
        if condition.other is not None:
            return f"{self._column(condition.place)} {condition.operator} {self._column(condition.other)}"
        text = _compared(condition, self._column(condition.place), self._typed(condition), self._place_table(condition))
        return f"({text})" if self.plan.any_of and " AND " in text else text

    def _place_table(self, condition: Comparison) -> str:
        return condition.place.via[-1].parent if condition.place.via else self.table

    def _typed(self, condition: Comparison) -> Column:
        return _column_of(self.schema, self._place_table(condition), condition.place.attribute.name)

    def _existence(self, condition: Existence) -> str:
        relation = condition.relation
        child, column = quoted(relation.child), quoted(relation.column)
        inner = ""
        if condition.condition is not None:
            attribute = condition.condition.place.attribute
            typed = _column_of(self.schema, relation.child, attribute.name)
            inner = _compared(condition.condition, quoted(attribute.name), typed, relation.child)
        if condition.negated:
            own = _dotted(self.table, relation.to_column)
            more = f" AND {inner}" if inner else ""
            return f"NOT EXISTS(SELECT 1 FROM {child} WHERE {_dotted(relation.child, relation.column)} = {own}{more})"
        own = _dotted(self.table, relation.to_column) if self.joined else quoted(relation.to_column)
        return f"{own} IN (SELECT {column} FROM {child}{f' WHERE {inner}' if inner else ''})"


def _places(plan: Plan) -> Iterator[Place]:
    """All places of a plan, those of conditions last."""
    for shown in (*plan.shown, *plan.group, plan.order, plan.having and plan.having.measure):
        if isinstance(shown, Place):
            yield shown
        elif isinstance(shown, Aggregate) and shown.place is not None:
            yield shown.place
    if plan.per_parent:
        yield Place(plan.entity.attributes[0], plan.per_parent)
    for condition in plan.conditions:
        if isinstance(condition, Comparison):
            yield condition.place


def _dotted(table: str, column: str) -> str:
    return f"{quoted(table)}.{quoted(column)}"


def _column_of(schema: SqlSchema, table: str, name: str) -> Column:
    columns: Sequence[Column] = getattr(schema.table(table), "columns", ())
    return next(column for column in columns if column.name == name)


def _compared(condition: Comparison, column: str, typed: Column, table: str) -> str:
    operator, values = condition.operator, condition.values
    if condition.among is not None:
        among = _compared(condition.among, quoted(condition.among.place.attribute.name), typed, table)
        sign, function = (">", "MAX") if operator == "above_all" else ("<", "MIN")
        return f"{column} {sign} (SELECT {function}({quoted(typed.name)}) FROM {quoted(table)} WHERE {among})"
    simple = {"is_null": f"{column} IS NULL", "not_null": f"{column} IS NOT NULL", "yes": column, "no": f"NOT {column}"}
    if operator in simple:
        return simple[operator]
    match operator:
        case "above_average" | "below_average":
            sign = ">" if operator == "above_average" else "<"
            return f"{column} {sign} (SELECT AVG({quoted(typed.name)}) FROM {quoted(table)})"
        case "contains" | "starts" | "ends":
            before, after = ("" if operator == "starts" else "%"), ("" if operator == "ends" else "%")
            return f"{column} ILIKE '{before}{values[0]}{after}'"
        case "in":
            return f"{column} IN ({', '.join(map(_literal, values))})"
        case "between":
            return f"{column} BETWEEN {_literal(values[0])} AND {_literal(values[1])}"
    if condition.place.attribute.kind == "date":
        return _date(column, operator, str(values[0]), typed)
    return f"{column} {'<>' if operator == '!=' else operator} {_literal(values[0])}"


def _date(column: str, operator: str, value: str, typed: Column) -> str:
    if len(value) == 4:
        year = int(value)
        first, next_one = f"'{year:04}-01-01'", f"'{year + 1:04}-01-01'"
        return {
            "=": f"{column} >= {first} AND {column} < {next_one}",
            ">": f"{column} >= {next_one}",
            ">=": f"{column} >= {first}",
            "<": f"{column} < {first}",
            "<=": f"{column} < {next_one}",
        }[operator]
    after = (date.fromisoformat(value) + timedelta(days=1)).isoformat()
    if typed.family == "timestamp" and operator in (">", "<="):
        return f"{column} {'>=' if operator == '>' else '<'} '{after}'"
    return f"{column} {operator} '{value}'"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return _number(value)
    text = str(value).replace("'", "''")
    return f"'{text}'"


def _number(value: float) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
