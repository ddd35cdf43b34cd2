"""A body's own keys: size, sort, _source and their like; and the refusal.

{"from":20,"size":10,"query":{…},"sort":[{"took":"desc"}]}
{"refusal":{"reason":"no field holds the revenue","missing":["revenue"]}}
"""

from __future__ import annotations

from dstill_querydsl.grammar import bounds as bounds
from dstill_querydsl.grammar.fields import Pick
from dstill_querydsl.grammar.levels import Levels
from dstill_querydsl.grammar.notation import Notation, alt, key, listed, obj, one_of, text
from dstill_querydsl.grammar.places import Places
from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.mapping.needs import DOC_VALUES, SORT

__all__ = ["Body", "refusal"]

_ORDER = one_of(("asc", "desc"))
_BOOLEAN = '("true" | "false")'
_REASON = 200  # characters
# the order in which golds have them
_KEYS = ("from", "size", "track_total_hits", "min_score", "query", "post_filter", "_source", "fields",
         "docvalue_fields", "highlight", "sort", "aggs", "track_scores", "timeout", "terminate_after")  # fmt: skip


class Body:
    def __init__(self, made: Notation, pick: Pick, levels: Levels, places: Places, limits: Limits) -> None:
        self._made, self._pick, self._levels = made, pick, levels
        self._places, self._limits = places, limits

    def rule(self, groups: str, *, needed: bool) -> str:
        """A body; with `needed` it has aggregations."""
        size = min(self._limits.size, self._limits.window)
        begin = self._limits.window - size
        source = self._source()
        no_hits = {"size": '"0"'}
        query = self._levels.top(None)
        before = {"track_total_hits": alt(_BOOLEAN, self._made.digits(4)), "query": query}
        some = {
            "from": self._made.up_to(begin) if begin else "",
            "size": self._made.up_to(size),
            **before,
            "post_filter": self._levels.leaf(None),
            "min_score": "[0-9]",
            "_source": source,
            **self._shown(),
            "sort": self._sort(),
            "track_scores": _BOOLEAN,
            "timeout": one_of(("1s", "5s", "10s", "30s")),
            "terminate_after": self._made.digits(5),
        }
        with_source = {"_source": some.pop("_source")} if self._limits.restricts_fields else {}
        grouped = {"aggs": groups}
        plain = obj({**no_hits, **grouped}, before, _KEYS), obj({**with_source, **grouped}, some, _KEYS)
        free = () if needed else (obj(no_hits, before, _KEYS), obj(with_source, some, _KEYS))
        return self._made.rule("body", alt(*plain, *free))

    # --- hits ---------------------------------------------------------------------------

    def _source(self) -> str:
        names = self._pick.stored()
        chosen = alt(names, listed(names, 6)) if names else ""
        if self._limits.restricts_fields:
            return alt(chosen, '"false"')
        return alt(_BOOLEAN, chosen, obj({"includes": listed(names, 6)}) if names else "")

    def _shown(self) -> dict[str, str]:
        there = self._pick.fitting(None, DOC_VALUES)
        text_ = self._pick.names([f for f in self._pick.everywhere(None) if f.family in ("text", "keyword")])
        names = self._pick.names([f for f in self._pick.everywhere(None) if f.family not in ("object", "nested")])
        return {
            "fields": listed(names, 3) if names else "",
            "docvalue_fields": listed(self._pick.names(there), 3) if there else "",
            "highlight": obj({"fields": f'"{{" {text_} ":" "{{" "}}" "}}"'}) if text_ else "",
        }

    def _sort(self) -> str:
        direct = [self._by(name) for name in ("_score", "_doc")]
        plain = [form for path in self._pick.paths for form in self._sorted_by(path)]
        one = self._made.rule("sort", alt(*plain, *self._by_distance(), *direct))
        return alt(listed(one, bounds.SORTS), one)

    def _by(self, name: str) -> str:
        return alt(text(name), f'"{{" {key(name, _ORDER)} "}}"')

    def _sorted_by(self, path: str | None) -> list[str]:
        names = self._pick.names(self._pick.fitting(path, SORT))
        if not names:
            return []
        last = {"missing": one_of(("_last", "_first"))}
        if path is None:
            return [names, f'"{{" {names} ":" {alt(_ORDER, obj({"order": _ORDER}, last))} "}}"']
        nested = {"order": _ORDER, "nested": obj({"path": text(path)})}
        return [f'"{{" {names} ":" {obj(nested, last)} "}}"']

    def _by_distance(self) -> list[str]:
        names = self._places.points(None, "geo_distance")
        if not names:
            return []
        at = f'{names} ":" {self._places.point}'
        order, unit = key("order", _ORDER), key("unit", one_of(("km", "mi", "m")))
        first, second = f'"{{" {at} "," {order} "," {unit} "}}"', f'"{{" {order} "," {at} "," {unit} "}}"'
        return [obj({"_geo_distance": alt(first, second)})]


def refusal(made: Notation) -> str:
    letter, character = r'[^"\\\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u205f\u3000]', r'[^"\\\x00-\x1f\x7f-\x9f]'
    quote = r'"\\" ["\\]'
    reason = made.rule("REASON", f'"\\"" {letter} ({character} | {quote}){{0,{_REASON}}} "\\""')
    name = made.rule("MISSING", f'"\\"" ({character} | {quote}){{1,{bounds.CHARACTERS}}} "\\""')
    missing = alt(listed(name, 5), '"[" "]"')
    return obj({"refusal": obj({"reason": reason}, {"missing": missing})})
