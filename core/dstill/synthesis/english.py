"""Plans as questions in plain, well-formed English.

say(plan, Random(1))    "What are the names of the shops in Oslo with more than 20 employees?"
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from dstill.synthesis.conditions import attribute_words, restriction
from dstill.synthesis.plans import Aggregate, Comparison, Having, Place, Plan
from dstill.synthesis.subjects import plural
from dstill.synthesis.voice import Voice, article, joined
from dstill.synthesis.wordings import wordings

__all__ = ["say"]

_NUMBERS = {2: "two", 3: "three", 5: "five", 10: "ten"}
_QUESTIONS = frozenset(("what", "which", "how", "who", "where", "when", "can", "for", "in", "do", "are"))


def say(plan: Plan, random: Random) -> str:
    """The question."""
    voice = Voice(random, plan.subject)
    plan = _from_parent(plan) if plan.about else plan
    text = " ".join(_Sentence(plan, voice).text().split()).replace(" ,", ",").replace(" ?", "?")
    first = text[:1].lower() if voice.chance(0.2) else text[:1].upper()
    ending = "?" if text.split(" ")[0].lower() in _QUESTIONS and "? " not in text else "."
    return first + text[1:] + (ending if voice.chance(0.8) else "")


def _from_parent(plan: Plan) -> Plan:
    """The plan as the question puts it: about a parent, whose attributes are then its own."""

    def own(place: Place) -> Place:
        return Place(place.attribute) if place.via == plan.about else place

    conditions = tuple(
        replace(condition, place=own(condition.place)) if isinstance(condition, Comparison) else condition
        for condition in plan.conditions
    )
    return replace(
        plan,
        entity=plan.subject.entity(plan.about[-1].parent),
        shown=tuple(own(shown) if isinstance(shown, Place) else shown for shown in plan.shown),
        conditions=conditions,
    )


class _Sentence:
    """The sentence of one plan."""

    def __init__(self, plan: Plan, voice: Voice) -> None:
        self.plan, self.voice, self.entity = plan, voice, plan.called or plan.entity
        before, self.after = restriction(plan.conditions, voice, plan.entity, plan.any_of)
        self.noun, self.nouns = f"{before}{self.entity.noun}", f"{before}{self.entity.nouns}"
        self.is_restricted = bool(before or self.after)
        self.places = [shown for shown in plan.shown if isinstance(shown, Place)]
        self.measures = [shown for shown in plan.shown if isinstance(shown, Aggregate)]
        self.several = plan.limit is not None and plan.limit > 1

    def text(self) -> str:
        plan = self.plan
        if plan.per_parent:
            return self._parents()
        if plan.group:
            return self._groups()
        if self.measures:
            return self._figures()
        return self._superlative() if plan.is_superlative else self._list()

    def say(self, name: str, /, **parts: str) -> str:
        """A sentence with the parts that all have."""
        return self.voice.say(
            "sentences", name, **({"nouns": self.nouns, "noun": self.noun, "after": self.after} | parts)
        )

    # --- parts --------------------------------------------------------------------------

    def _things(self) -> str:
        return f"{self.voice.word('the')} {self.nouns}{self.after}"

    def _names(self, several: bool) -> str:
        """The attributes that are shown: ``names and ages``."""
        voice, words = self.voice, []
        for place in self.places:
            noun = place.attribute.nouns if several else place.attribute.noun
            if not place.via:
                words.append(noun)
                continue
            role = place.via[-1].role
            if place.attribute.kind == "name" and voice.chance(0.4):
                role = plural(role) if several else role
                words.append(voice.say("attributes", "parent_name_shown", role=role))
            else:
                words.append(voice.say("attributes", "parent_shown", role=role, noun=noun))
        own = words and not self.places[0].via and not words[0].startswith(self.entity.noun)
        if own and voice.chance(0.12):
            words[0] = f"{self.entity.noun} {words[0]}"
        return joined(words)

    def _function(self, figure: Aggregate) -> str:
        """``average price``."""
        if figure.place is None:
            return f"number of {self.nouns}"
        noun, voice = figure.place.attribute.noun, self.voice
        if voice.chance(0.15):
            return f"{voice.word(f'{figure.function}_noun')} of {noun}"
        return f"{voice.word(figure.function)} {noun}"

    def _measured(self, figure: Aggregate) -> str:
        """``average price of shops in Oslo``."""
        if figure.place is None:
            return f"number of {self.nouns}{self.after}"
        return f"{self._function(figure)}{self._phrase_things()}"

    def _phrase_things(self) -> str:
        """`` of shops in Oslo``, which may be missing if it says nothing."""
        return f" of {self.nouns}{self.after}" if self.is_restricted or self.voice.chance(0.5) else ""

    def _number(self) -> str:
        """How many are asked for; empty: one."""
        limit = self.plan.limit or 1
        return self.voice.random.choice((str(limit), _NUMBERS.get(limit, str(limit)))) if limit > 1 else ""

    def _direction(self) -> dict[str, str]:
        descending = self.plan.descending
        return {
            "direction": "descending" if descending else "ascending",
            "creasing": "decreasing" if descending else "increasing",
            "descending": " in descending order" if descending else "",
        }

    # --- lists --------------------------------------------------------------------------

    def _list(self) -> str:
        plan, voice = self.plan, self.voice
        parts = {
            "names": self._names(True),
            "name": self._names(False),
            "things": self._things(),
            "each_thing": f"{voice.random.choice(('each', 'every'))} {self.noun}{self.after}",
            "order": self._order(),
        }
        if plan.distinct:
            name = "different_one" if len(self.places) == 1 and voice.chance(0.25) else "different"
            return self.say(name, **parts) + parts["order"]
        if not parts["order"] and voice.chance(0.2):
            return self.say("list_of_some" if self.after else "list_of_all", **parts)
        return self.say("list", **parts)

    def _order(self) -> str:
        """`` in descending order of age``; empty: none is asked for."""
        plan, voice = self.plan, self.voice
        if plan.limit is not None or not isinstance(plan.order, Place):
            return ""
        noun = attribute_words(plan.order, voice)
        noun = f"the {noun}" if " " not in noun and voice.chance(0.3) else noun
        suffix = "_descending" if plan.descending else ""
        kind = {"number": "number", "year": "number", "date": "date"}.get(plan.order.attribute.kind, "text")
        name = f"{kind}{suffix}" if voice.chance(0.35) else f"any{suffix}"
        if kind == "text" and not suffix and self.places[0] == plan.order and voice.chance(0.3):
            name = "itself"
        return f"{voice.random.choice((' ', ' ', ', '))}{voice.say('order', name, noun=noun)}"

    def _superlative(self) -> str:
        plan, voice = self.plan, self.voice
        assert isinstance(plan.order, Place)
        suffix = "s" if self.several else ""
        named = len(self.places) == 1 and self.places[0].attribute.kind == "name"
        if named and voice.chance(0.15):
            return self.say(f"superlative_thing{suffix}", highest_of=self._highest(plan.order), number=self._number())
        name = "superlatives" if self.several or len(self.places) > 1 else "superlative"
        several = self.several
        return self.say(name, name=self._names(several), names=self._names(several), extreme=self._extreme(plan.order))

    def _highest(self, order: Place) -> str:
        """``highest price``."""
        noun, voice, descending = attribute_words(order, self.voice), self.voice, self.plan.descending
        if order.attribute.kind in ("date", "year"):
            return f"{voice.word('last_time' if descending else 'first_time')} {noun}"
        if noun.endswith("s"):
            return f"{voice.word('extreme_many' if descending else 'extreme_few')} {noun}"
        return f"{voice.word('extreme_number' if descending else 'extreme_low_number')} {noun}"

    def _extreme(self, order: Place) -> str:
        """``the 3 oldest shops in Oslo``."""
        voice, attribute, descending = self.voice, order.attribute, self.plan.descending
        number, noun = self._number(), self.nouns if self.several else self.noun
        comparatives = None if order.via else wordings()["comparatives"].get(attribute.noun.split(" ")[-1])
        if comparatives and voice.chance(0.5):
            return f"the {number} {comparatives[2 if descending else 3]} {noun}{self.after}"
        if not order.via and attribute.kind in ("date", "year") and voice.chance(0.3):
            word = voice.word("last_time" if descending else "first_time")
            return f"the {number} {word} {noun}{self.after} by {attribute.noun}"
        if self.several and voice.chance(0.4):
            top = "top" if descending else voice.random.choice(("bottom", "last"))
            return f"the {top} {number} {noun}{self.after} by {attribute_words(order, voice)}"
        have = voice.random.choice(("with", "that have" if self.several else "that has", "with"))
        return f"the {number} {noun}{self.after} {have} the {self._highest(order)}"

    # --- figures ------------------------------------------------------------------------

    def _figures(self) -> str:
        figures = self.measures
        if len(figures) == 1 and figures[0].function == "count":
            return self.say("count")
        if figures[0].function == "count_distinct" and figures[0].place is not None:
            return self.say("count_different", names=figures[0].place.attribute.nouns)
        name = "several_figures" if len(figures) > 1 else "figures"
        return self.say(name, figures=self._functions(), things=self._things())

    def _functions(self) -> str:
        """``minimum, maximum and average price``."""
        voice = self.voice
        counts = [f"number of {self.nouns}" for figure in self.measures if figure.place is None]
        figures = [figure for figure in self.measures if figure.place is not None]
        nouns = {figure.place.attribute.noun for figure in figures if figure.place is not None}
        if len(nouns) > 1 or len(figures) < 2:
            return joined([*counts, *map(self._function, figures)])
        (noun,) = nouns
        if voice.chance(0.75):
            return joined([*counts, f"{joined([voice.word(figure.function) for figure in figures])} {noun}"])
        return joined(
            [*counts, f"{joined([voice.word(f'{figure.function}_noun') for figure in figures])} of the {noun}"]
        )

    # --- groups -------------------------------------------------------------------------

    def _keys(self, several: bool) -> str:
        words = []
        for place in self.plan.group:
            noun = place.attribute.nouns if several else place.attribute.noun
            words.append(f"{place.via[-1].role} {noun}" if place.via else noun)
        return joined(words)

    def _groups(self) -> str:
        plan = self.plan
        keys = {"key": self._keys(False), "keys": self._keys(True)}
        if plan.having:
            return self._having(plan.having, keys)
        if plan.order is not None:
            return self._top_groups(keys) if plan.limit is not None else self._sorted_groups(keys)
        if len(self.measures) == 1 and self.measures[0].place is None:
            return self.say("count_groups", **keys)
        words = joined([self._measured(self.measures[0]), *map(self._function, self.measures[1:])])
        return self.say("measure_groups", measures=words, **keys)

    def _than(self, having: Having) -> str:
        """``more than 3 shops``, or ``an average price above 5``."""
        voice, number = self.voice, self.voice.number(having.number)
        if having.measure.place is not None:
            compared = voice.say("compared", having.operator, number)
            return f"{article(self._function(having.measure))}{self._phrase_things()} {compared}"
        if having.operator == ">" and having.number == 1 and voice.chance(0.5):
            return f"{voice.say('counted', 'several')} {self.nouns}{self.after}"
        return f"{voice.say('counted', having.operator, number)} {self.nouns}{self.after}"

    def _having(self, having: Having, keys: dict[str, str]) -> str:
        voice, counts = self.voice, having.measure.place is None
        measure = self._function(having.measure)
        end = self.say("also_how_many" if counts else "also_measure", measure=measure) if self.measures else ""
        number = voice.number(having.number)
        if counts and having.operator in (">", ">=") and voice.chance(0.15):
            times = voice.say("counted", having.operator, number)
            return self.say("having_times", times=times, end=end, **keys)
        compared = voice.say("compared", having.operator, number)
        name = "having_count" if counts else "having_measure"
        return self.say(name, than=self._than(having), end=end, measure=measure, compared=compared, **keys)

    def _top_groups(self, keys: dict[str, str]) -> str:
        plan, voice, suffix = self.plan, self.voice, "s" if self.several else ""
        assert isinstance(plan.order, Aggregate)
        measure = self._function(plan.order)
        if plan.order.place is None:
            also = self.say("also_their_counts" if self.several else "also_its_count") if self.measures else ""
            most = voice.word("most" if plan.descending else "fewest")
            common = voice.word("common" if plan.descending else "rare")
            parts = {"most_of": most, "commonest": common, "number": self._number(), "end": also}
            return self.say(f"top_group{suffix}", **keys, **parts)
        parts = {
            "extreme": voice.word("highest" if plan.descending else "lowest"),
            "of_things": self._phrase_things(),
            "end": self.say("also_the_measure", measure=measure) if self.measures else "",
            "number": self._number(),
        }
        return self.say(f"top_measure_group{suffix}", measure=measure, **keys, **parts)

    def _sorted_groups(self, keys: dict[str, str]) -> str:
        plan, direction = self.plan, self._direction()
        what = joined([self._measured(measure) for measure in self.measures]) if self.measures else ""
        if isinstance(plan.order, Place):
            return self.say("sorted_groups_by_key", measures=what or f"number of {self.nouns}", **keys, **direction)
        assert plan.order is not None
        measure = self._measured(plan.order)
        if not self.measures:
            order = self.say("order_of_groups", measure=measure, **direction)
            return self.say("sorted_groups", order=order, plain_nouns=self.entity.nouns, **keys)
        name = "order_of_shown_measure" if plan.descending else "order_of_shown_measure_ascending"
        order = self.say(name, measure=measure, **direction)
        return self.say("sorted_groups_with_measure", measures=what, order=order, **keys)

    # --- parents and their children -----------------------------------------------------

    def _parents(self) -> str:
        plan, voice = self.plan, self.voice
        above = plan.subject.entity(plan.per_parent[-1].parent)
        parent = plan.per_parent[-1].role if voice.chance(0.7) else above.noun
        parts = {
            "parent": parent,
            "parents": plural(parent),
            "name": joined([place.attribute.noun for place in self.places]),
            "names": joined([place.attribute.nouns for place in self.places]),
            "who": voice.who(above),
            "things": f"{self.nouns}{self.after}",
        }
        if plan.having:
            return self._having_children(plan.having, parts)
        if plan.limit is not None:
            return self._top_parents(parts)
        measure, order = self.measures[0], ""
        if plan.order is not None:
            first = ("most", "fewest") if measure.place is None else ("highest", "lowest")
            order = self.say("order_of_children", first=first[not plan.descending], **self._direction())
        if measure.place is None:
            return self.say("count_children", **parts) + order
        return self.say("measure_children", measures=self._measured(measure), **parts) + order

    def _having_children(self, having: Having, parts: dict[str, str]) -> str:
        counts, than = having.measure.place is None, self._than(having)
        name = "also_count_children" if counts else "also_the_measure"
        end = self.say(name, measure=self._function(having.measure)) if self.measures else ""
        return self.say("having_children", than=than, end=end, **parts)

    def _top_parents(self, parts: dict[str, str]) -> str:
        plan, voice = self.plan, self.voice
        assert isinstance(plan.order, Aggregate)
        if plan.order.place is None:
            what = f"{voice.word('most' if plan.descending else 'fewest')} {self.nouns}{self.after}"
            end = self.say("also_their_counts" if self.several else "also_its_count") if self.measures else ""
        else:
            what = f"the {voice.word('highest' if plan.descending else 'lowest')} {self._measured(plan.order)}"
            end = self.say("also_the_measure", measure=self._function(plan.order)) if self.measures else ""
        name = "top_parents" if self.several else "top_parent"
        return self.say(name, what=what, end=end, number=self._number(), **parts)
