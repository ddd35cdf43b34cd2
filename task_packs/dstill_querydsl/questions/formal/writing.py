"""A plan's answer as a search body, in the conventions of the pack's other questions.

write(plan, roles)
{"query": {"bool": {"filter": [{"term": {"city": "Oslo"}}]}}, "sort": [{"size": "desc"}], "size": 1}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill.synthesis.plans import Aggregate, Comparison, Condition, Existence, Place, Plan, Skip
from dstill_querydsl.questions.templates.moments import reads_iso
from dstill_querydsl.questions.templates.roles import Role

__all__ = ["write"]

Body = dict[str, Any]
_ALL = 1000  # buckets
_BOUNDS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
_METRICS = {"avg": "avg", "sum": "sum", "min": "min", "max": "max", "count_distinct": "cardinality"}
_WITH_STATS = 3  # functions of one field, from which on they are one aggregation


def write(plan: Plan, roles: Mapping[str, Role]) -> Body:
    """The body. Raises Skip if the language has no simple body for the plan."""
    writer = _Writer(plan, roles)
    return writer.query() | (writer.aggregations() if _has_figures(plan) else writer.hits())


def _has_figures(plan: Plan) -> bool:
    return bool(plan.group) or plan.distinct or any(isinstance(shown, Aggregate) for shown in plan.shown)


class _Writer:
    def __init__(self, plan: Plan, roles: Mapping[str, Role]) -> None:
        self.plan, self.roles = plan, roles

    def _keyword(self, place: Place) -> str:
        """The field with whole values, for sorting, grouping and equality."""
        return self.roles[place.attribute.name].keyword

    # --- query --------------------------------------------------------------------------

    def query(self) -> Body:
        yes: list[Body] = []
        no: list[Body] = []
        for condition in self.plan.conditions:
            clause, negated = self._clause(condition)
            (no if negated else yes).append(clause)
        if self.plan.any_of:
            either = [*yes, *({"bool": {"must_not": [clause]}} for clause in no)]
            yes, no = [{"bool": {"should": either, "minimum_should_match": 1}}], []
        occurring = {name: clauses for name, clauses in (("filter", yes), ("must_not", no)) if clauses}
        return {"query": {"bool": occurring}} if occurring else {}

    def _clause(self, condition: Condition) -> tuple[Body, bool]:
        """A clause, and whether documents must not match it."""
        if isinstance(condition, Existence):
            raise Skip
        return self._compared(condition), condition.operator in ("is_null", "!=")

    def _compared(self, condition: Comparison) -> Body:
        if condition.other is not None or condition.among is not None:
            raise Skip
        role, operator = self.roles[condition.place.attribute.name], condition.operator
        match operator:
            case "is_null" | "not_null":
                return {"exists": {"field": role.field}}
            case "yes" | "no":
                return {"term": {role.field: operator == "yes"}}
            case "above_average" | "below_average":
                raise Skip
            case "contains" | "starts" | "ends":
                return self._part(operator, role, str(condition.values[0]))
            case "=" | "!=" | "in":
                return self._equal(condition, role)
        return {"range": {role.field: self._range(condition, role)}}

    def _range(self, condition: Comparison, role: Role) -> Body:
        low = condition.values[0]
        if condition.operator == "between":
            return {"gte": low, "lte": condition.values[1]}
        if condition.place.attribute.kind == "date":
            return _dates(condition.operator, str(low), role)
        return {_BOUNDS[condition.operator]: low}

    def _equal(self, condition: Comparison, role: Role) -> Body:
        value = condition.values[0]
        if condition.place.attribute.kind == "date":
            return {"range": {role.field: _dates(condition.operator, str(value), role)}}
        is_text = role.kind == "text" and not role.exact
        if condition.operator == "in":
            if is_text:
                raise Skip
            return {"terms": {role.keyword: list(condition.values)}}
        if is_text:
            return {"match_phrase" if len(str(value).split()) > 1 else "match": {role.field: value}}
        return {"term": {role.keyword: value}}

    def _part(self, operator: str, role: Role, word: str) -> Body:
        if operator == "contains" and role.kind == "text":
            return {"match": {role.field: word}}
        if operator == "starts" and (role.kind == "category" or role.exact):
            return {"prefix": {role.keyword: word}}
        raise Skip

    # --- documents ----------------------------------------------------------------------

    def hits(self) -> Body:
        plan = self.plan
        shown = [shown.attribute.name for shown in plan.shown if isinstance(shown, Place)]
        body: Body = {"_source": shown}
        if isinstance(plan.order, Place):
            body["sort"] = [{self._keyword(plan.order): {"order": "desc" if plan.descending else "asc"}}]
        if plan.limit is not None:
            body["size"] = plan.limit
        return body

    # --- aggregations -------------------------------------------------------------------

    def aggregations(self) -> Body:
        plan = self.plan
        if plan.distinct:
            if len(plan.shown) > 1:
                raise Skip
            (shown,) = plan.shown
            assert isinstance(shown, Place)
            terms: Body = {"field": self._grouped(shown), "size": _ALL}
            if plan.order is not None:
                if plan.order != shown:
                    raise Skip
                terms["order"] = {"_key": "desc" if plan.descending else "asc"}
            return {"size": 0, "aggs": {"a0": {"terms": terms}}}
        if plan.group:
            return {"size": 0, "aggs": {"a0": self._groups()}}
        figures = [shown for shown in plan.shown if isinstance(shown, Aggregate)]
        if any(figure.function == "count" for figure in figures):
            if len(figures) > 1:
                raise Skip
            return {"size": 0, "track_total_hits": True}
        return {"size": 0, "aggs": self._metrics(figures)}

    def _metrics(self, figures: list[Aggregate]) -> Body:
        if len(figures) >= _WITH_STATS and len({figure.place for figure in figures}) == 1:
            return {"a0": {"stats": {"field": self._measured(figures[0])}}}
        return {
            f"a{n}": {_METRICS[figure.function]: {"field": self._measured(figure)}} for n, figure in enumerate(figures)
        }

    def _measured(self, figure: Aggregate) -> str:
        assert figure.place is not None
        return self._keyword(figure.place) if figure.function == "count_distinct" else figure.place.attribute.name

    def _grouped(self, place: Place) -> str:
        role = self.roles[place.attribute.name]
        if not role.groups and not role.exact:
            raise Skip
        return role.keyword

    def _groups(self) -> Body:
        plan = self.plan
        measures = [shown for shown in plan.shown if isinstance(shown, Aggregate) and shown.place is not None]
        if isinstance(plan.order, Aggregate) and plan.order.place is not None and plan.order not in measures:
            measures.insert(0, plan.order)
        nested = len(plan.group) > 1
        if nested and (plan.having or plan.order is not None):
            raise Skip
        terms: Body = {"field": self._grouped(plan.group[0])} | ({} if nested else {"size": plan.limit or _ALL})
        if plan.having:
            terms["min_doc_count"] = self._at_least()
        direction = "desc" if plan.descending else "asc"
        if isinstance(plan.order, Place):
            terms["order"] = {"_key": direction}
        elif plan.order is not None and plan.order.place is not None:
            terms["order"] = {f"a{measures.index(plan.order)}": direction}
        elif plan.order is not None and not plan.descending:
            terms["order"] = {"_count": "asc"}
        body: Body = {"terms": terms}
        inner = self._metrics(measures) if measures else {}
        if nested:
            below: Body = {"terms": {"field": self._grouped(plan.group[1])}}
            inner = {"a0": below | ({"aggs": inner} if inner else {})}
        return body | ({"aggs": inner} if inner else {})

    def _at_least(self) -> int:
        having = self.plan.having
        assert having is not None
        if having.measure.place is not None or having.operator not in (">", ">="):
            raise Skip
        return int(having.number) + (having.operator == ">")


def _dates(operator: str, value: str, role: Role) -> Body:
    part = "y" if len(value) == 4 else "d"
    first = f"{value}-01-01" if part == "y" else value
    after = f"{first}||+1{part}"
    bounds = {
        "=": {"gte": first, "lt": after},
        ">": {"gte": after},
        ">=": {"gte": first},
        "<": {"lt": first},
        "<=": {"lt": after},
    }[operator]
    return bounds | ({} if reads_iso(role.format) else {"format": "strict_date_optional_time"})
