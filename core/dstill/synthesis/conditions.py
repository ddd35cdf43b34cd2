"""Conditions in words, to stand around the noun that they restrict.

restriction(plan.conditions, voice, shops)     ("", " in Oslo with more than 20 employees")
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.synthesis.plans import Comparison, Condition, Existence, Place
from dstill.synthesis.subjects import Attribute, Entity, plural
from dstill.synthesis.voice import Voice, article, joined
from dstill.synthesis.wordings import wordings

__all__ = ["attribute_words", "restriction"]

_ENDS_OF_DEEDS = ("born", "built", "held", "sent", "sold", "bought", "made")


def attribute_words(place: Place, voice: Voice) -> str:
    """``price``, or ``price of the shop`` of a parent."""
    if not place.via:
        return place.attribute.noun
    return voice.say("attributes", "parent", noun=place.attribute.noun, role=place.via[-1].role)


def restriction(conditions: Sequence[Condition], voice: Voice, entity: Entity, any_of: bool = False) -> tuple[str, str]:
    """The words before the noun of the entity, with a space after them, and the words after it."""
    before = ""
    after: list[str] = []
    for condition in conditions:
        if isinstance(condition, Existence):
            after.append(_existence(condition, voice, entity, again=bool(after)))
            continue
        adjective = "" if before or any_of else _adjective(condition, voice)
        if adjective and voice.chance(0.35):
            before = f"{adjective} "
        else:
            after.append(_Wording(condition, voice, entity).text())
    if not after:
        return before, ""
    text = joined(after, "or" if any_of else "and")
    if len(after) == 2 and not any_of and voice.chance(0.15):
        text = voice.random.choice((", ", " but only those ", " ")).join(after)
    return before, f" {text}"


def _adjective(condition: Comparison, voice: Voice) -> str:
    """``red`` for a category; empty: it cannot stand before the noun."""
    attribute = condition.place.attribute
    if condition.place.via:
        return ""
    if attribute.kind == "category" and condition.operator == "=":
        text = str(condition.values[0])
        if text.replace("-", "").replace(" ", "").isalpha() and len(text.split()) < 3 and len(text) > 2:
            return text.lower() if voice.chance(0.6) else text
    if attribute.kind == "boolean" and not attribute.has:
        before = "" if condition.operator == "yes" else voice.random.choice(("non-", "not "))
        return f"{before}{attribute.noun}"
    return ""


def is_place(attribute: Attribute) -> bool:
    """Whether its values are places."""
    return attribute.noun.split(" ")[-1] in wordings()["nouns"]["places"]


class _Wording:
    """One comparison in words."""

    def __init__(self, condition: Comparison, voice: Voice, entity: Entity) -> None:
        self.condition, self.voice, self.entity = condition, voice, entity
        self.attribute, self.via = condition.place.attribute, condition.place.via
        self.noun, self.who = attribute_words(condition.place, voice), voice.who(entity)

    def say(self, name: str, /, **parts: str) -> str:
        role = self.via[-1].role if self.via else ""
        known = {"noun": self.noun, "a_noun": article(self.noun), "who": self.who, "role": role}
        own = {"own_noun": self.attribute.noun, "a_role": article(role), "roles": plural(role)}
        return self.voice.say("conditions", name, **(known | own | parts))

    def text(self) -> str:
        operator, kind = self.condition.operator, self.attribute.kind
        if self.condition.other is not None:
            other = self.condition.other.attribute.noun
            return self.say("more_than_other" if operator == ">" else "less_than_other", other=other)
        if self.condition.among is not None:
            before, after = restriction([self.condition.among], self.voice, self.entity)
            return self.say(operator, others=f"{before}{self.entity.nouns}{after}")
        if operator in ("is_null", "not_null", "above_average", "below_average"):
            return self.say(operator)
        if operator in ("yes", "no") or kind == "yes_no":
            return self._yes_no()
        if operator in ("contains", "starts", "ends"):
            quote = self.voice.quote or self.voice.random.choice(("", '"', "'"))
            return self.say(operator, value=f"{quote}{self.condition.values[0]}{quote}")
        if kind in ("year", "date"):
            return self._time()
        return self._number() if kind == "number" else self._text()

    def _yes_no(self) -> str:
        condition, attribute = self.condition, self.attribute
        is_yes = condition.operator == "yes" or condition.values[:1] == tuple(attribute.values[:1])
        if condition.operator == "no":
            is_yes = False
        if self.via:
            return self.say("parent_is" if is_yes else "parent_is_not", noun=attribute.noun)
        has = attribute.has or (attribute.kind == "yes_no" and self.voice.chance(0.5))
        return self.say(("have" if has else "are") + ("" if is_yes else "_not"))

    def _time(self) -> str:
        operator, is_date = self.condition.operator, self.attribute.kind == "date"
        values = [self.voice.day(str(value)) if is_date else str(value) for value in self.condition.values]
        when = f"in {joined(values, 'or')}" if operator == "in" else self.voice.say("when", operator, *values)
        last = self.attribute.noun.split(" ")[-1]
        if not self.via and (last.endswith("ed") or last in _ENDS_OF_DEEDS):
            return self.say("done", when=when)
        if operator == "=":
            return self.say("in_year" if is_date else "is_year", value=values[0])
        return self.say("time", when=when)

    def _number(self) -> str:
        operator, attribute, voice = self.condition.operator, self.attribute, self.voice
        values = [voice.number(value) for value in self.condition.values]
        if attribute.unit and voice.chance(0.5):
            values[-1] = f"{values[-1]} {attribute.unit}"
        if operator == "in":
            return self.say("number_in", value=joined(values, "or"))
        compared = voice.say("compared", operator, *values)
        last = attribute.noun.split(" ")[-1]
        comparatives = wordings()["comparatives"].get(last) if not self.via else None
        if comparatives and operator in ("<", ">") and voice.chance(0.5):
            return self.say("comparative", comparative=comparatives[operator == "<"], value=values[0])
        if last == "age" and not self.via and operator in ("=", ">=", "!="):
            before = {"=": "", ">=": "at least ", "!=": "not "}[operator]
            return self.say("age", age=f"{before}{values[0]}")
        if attribute.noun.endswith("s") and not self.via and operator != "!=" and voice.chance(0.6):
            return self.say("many", compared=compared)
        name = {"=": "number_is", "!=": "number_is_not"}.get(operator, "number")
        return self.say(name, value=values[0], compared=compared)

    def _text(self) -> str:
        values = [self.voice.value(value) for value in self.condition.values]
        either = "either " if len(values) > 1 and self.voice.chance(0.3) else ""
        value = either + joined(values, "or")
        kind = "place" if is_place(self.attribute) else self.attribute.kind
        if self.condition.operator == "!=":
            return self.say("is_not_place" if kind == "place" and not self.via else "is_not", value=value)
        if self.via:
            return self.say(f"parent_{kind if kind in ('name', 'place') else 'category'}", value=value)
        return self.say(f"is_{kind}" if kind in ("name", "place", "category") else "is", value=value)


def _existence(condition: Existence, voice: Voice, entity: Entity, again: bool) -> str:
    child = voice.subject.entity(condition.called or condition.relation.child)
    before, rest = restriction([condition.condition], voice, child) if condition.condition else ("", "")
    noun, nouns = f"{before}{child.noun}", f"{before}{child.nouns}"
    if again:
        name = "but_no_child" if condition.negated else "also_child"
    else:
        name = "no_child" if condition.negated else "child"
    parts = {"child": noun, "children": nouns, "a_child": article(noun), "rest": rest, "who": voice.who(entity)}
    return voice.say("conditions", name, **parts)
