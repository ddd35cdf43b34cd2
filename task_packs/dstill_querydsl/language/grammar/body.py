"""Rules for the top-level keys of a body (size, sort, _source …) and for refusals.

{"from":20,"size":10,"query":{…},"sort":[{"took":"desc"}]}
{"refusal":{"reason":"no field holds the revenue","missing":["revenue"]}}
"""

from __future__ import annotations

from dstill_querydsl.language.grammar import bounds as bounds
from dstill_querydsl.language.grammar.fields import FieldPicker
from dstill_querydsl.language.grammar.levels import Levels
from dstill_querydsl.language.grammar.notation import ORDER, Notation, alt, key, listed, obj, one_of, text
from dstill_querydsl.language.grammar.places import Places
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.needs import DOC_VALUES, SORT

__all__ = ["Body", "refusal"]

_BOOLEAN = '("true" | "false")'
_REASON = 200  # characters
# the order of keys in the synthesizer's answers
_KEYS = ("from", "size", "track_total_hits", "min_score", "query", "post_filter", "_source", "fields",
         "docvalue_fields", "highlight", "sort", "aggs", "track_scores", "timeout", "terminate_after")  # fmt: skip


class Body:
    """Rules for whole bodies."""

    def __init__(self, notation: Notation, picker: FieldPicker, levels: Levels, places: Places, limits: Limits) -> None:
        self._notation, self._picker, self._levels = notation, picker, levels
        self._places, self._limits = places, limits

    def rule(self, groups: str, *, needed: bool) -> str:
        """A body with or without the aggregations `groups`, or only with them if they are `needed`."""
        size = min(self._limits.size, self._limits.window)
        begin = self._limits.window - size
        source = self._source()
        no_hits = {"size": '"0"'}
        query = self._levels.top(None)
        before = {"track_total_hits": alt(_BOOLEAN, self._notation.digits(4)), "query": query}
        some = {
            "from": self._notation.up_to(begin) if begin else "",
            "size": self._notation.up_to(size),
            **before,
            "post_filter": self._levels.leaf(None),
            "min_score": "[0-9]",
            "_source": source,
            **self._shown(),
            "sort": self._sort(),
            "track_scores": _BOOLEAN,
            "timeout": one_of(("1s", "5s", "10s", "30s")),
            "terminate_after": self._notation.digits(5),
        }
        with_source = {"_source": some.pop("_source")} if self._limits.restricts_fields else {}
        grouped = {"aggs": groups}
        plain = obj({**no_hits, **grouped}, before, _KEYS), obj({**with_source, **grouped}, some, _KEYS)
        free = () if needed else (obj(no_hits, before, _KEYS), obj(with_source, some, _KEYS))
        return self._notation.rule("body", alt(*plain, *free))

    # --- hits ---------------------------------------------------------------------------

    def _source(self) -> str:
        names = self._picker.stored()
        chosen = alt(names, listed(names, 6)) if names else ""
        if self._limits.restricts_fields:
            return alt(chosen, '"false"')
        return alt(_BOOLEAN, chosen, obj({"includes": listed(names, 6)}) if names else "")

    def _shown(self) -> dict[str, str]:
        there = self._picker.fitting(None, DOC_VALUES)
        text_ = self._picker.names([f for f in self._picker.everywhere(None) if f.family in ("text", "keyword")])
        names = self._picker.names([f for f in self._picker.everywhere(None) if f.family not in ("object", "nested")])
        return {
            "fields": listed(names, 3) if names else "",
            "docvalue_fields": listed(self._picker.names(there), 3) if there else "",
            "highlight": obj({"fields": f'"{{" {text_} ":" "{{" "}}" "}}"'}) if text_ else "",
        }

    def _sort(self) -> str:
        direct = [self._by(name) for name in ("_score", "_doc")]
        plain = [form for path in self._picker.paths for form in self._sorted_by(path)]
        sort = self._notation.rule("sort", alt(*plain, *self._by_distance(), *direct))
        return alt(listed(sort, bounds.SORTS), sort)

    def _by(self, name: str) -> str:
        return alt(text(name), f'"{{" {key(name, ORDER)} "}}"')

    def _sorted_by(self, path: str | None) -> list[str]:
        names = self._picker.names(self._picker.fitting(path, SORT))
        if not names:
            return []
        last = {"missing": one_of(("_last", "_first"))}
        if path is None:
            return [names, f'"{{" {names} ":" {alt(ORDER, obj({"order": ORDER}, last))} "}}"']
        nested = {"order": ORDER, "nested": obj({"path": text(path)})}
        return [f'"{{" {names} ":" {obj(nested, last)} "}}"']

    def _by_distance(self) -> list[str]:
        names = self._places.points(None, "geo_distance")
        if not names:
            return []
        at = f'{names} ":" {self._places.point}'
        order, unit = key("order", ORDER), key("unit", one_of(("km", "mi", "m")))
        first, second = f'"{{" {at} "," {order} "," {unit} "}}"', f'"{{" {order} "," {at} "," {unit} "}}"'
        return [obj({"_geo_distance": alt(first, second)})]


def refusal(notation: Notation) -> str:
    """A refusal: a reason and up to five missing things."""
    letter, character = r'[^"\\\x00-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u205f\u3000]', r'[^"\\\x00-\x1f\x7f-\x9f]'
    quote = r'"\\" ["\\]'
    reason = notation.rule("REASON", f'"\\"" {letter} ({character} | {quote}){{0,{_REASON}}} "\\""')
    name = notation.rule("MISSING", f'"\\"" ({character} | {quote}){{1,{bounds.CHARACTERS}}} "\\""')
    missing = alt(listed(name, 5), '"[" "]"')
    return obj({"refusal": obj({"reason": reason}, {"missing": missing})})
