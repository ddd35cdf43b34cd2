"""Two questions in the place of one: the second goes on from the first.

    first, then = in_two(plan, Random(1))
    say_after(first, Random(1)), then     "What are the names of the shops?", "only those in Oslo"

The answer to both together is that of the plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from dstill.synthesis.conditions import restriction
from dstill.synthesis.english import Sentence, say, spelled
from dstill.synthesis.plans import Aggregate, Comparison, Place, Plan, Skip
from dstill.synthesis.subjects import Entity
from dstill.synthesis.voice import Voice

__all__ = ["in_two"]

_NOUN, _NOUNS = "zzthing", "zzthings"  # stand for the noun until a pronoun takes their place
_PREPOSITION = r"(of|for|among|across|in|about)"
_PRONOUNS = (
    (
        re.compile(rf"\b{_PREPOSITION} (?:each|every|each different) {_NOUN}\b"),
        (r"\1 each of them", r"\1 each one", r"\1 each"),
    ),
    (
        re.compile(rf"\b{_PREPOSITION} (?:all the |all |the )?{_NOUNS}\b"),
        (r"\1 them", r"\1 those", r"\1 these", r"\1 them"),
    ),
    (re.compile(rf"\bhow many {_NOUNS}\b"), ("how many of them", "how many of those", "how many")),
    (re.compile(rf"\bwhich {_NOUNS}?\b"), ("which of them", "which ones", "which")),
    (re.compile(rf"\bdo (?:the )?{_NOUNS} have\b"), ("do they have",)),
    (re.compile(rf"\b{_NOUNS}(?= (with|that|by|who|which|have|are)\b|$)"), ("ones",)),
    (re.compile(rf"\b{_NOUN}(?= (with|that|by|who|which|has|is)\b|$)"), ("one",)),
)
_OF_THEM = re.compile(r"\bthe ([\w ,]+?) (?:of|for) (?:them|those|these)$")


def in_two(plan: Plan, random: Random) -> tuple[Plan, str]:
    """The plan of a question before, and the question that goes on from it to `plan`. Raises Skip."""
    ways = (_narrower,) if plan.about else _WAYS
    voice = Voice(random, plan.subject)
    first, text = random.choice(ways)(plan, voice)
    text = spelled(text.rstrip("?. "), voice)
    return first, text if random.random() < 0.4 else text[:1].lower() + text[1:]


def _follow_up(voice: Voice, kind: str, /, **parts: str) -> str:
    return voice.say("follow_ups", kind, **parts)


# --- what is asked about ----------------------------------------------------------------


def _narrower(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """One more condition."""
    if not plan.conditions or plan.any_of:
        raise Skip
    *others, last = plan.conditions
    before, after = restriction([last], voice, plan.entity)
    parts = {"nouns": plan.entity.nouns, "adjective": before.strip(), "after": after.strip()}
    name = "adjective" if before else "narrower"
    clause = re.fullmatch(r" (?:who|that|which) (.+)", after)
    if clause and voice.chance(0.5):
        name, parts = "which", {"clause": clause[1]}
    elif not clause and not before and voice.chance(0.2):
        name = "which_are"
    return replace(plan, conditions=tuple(others)), _follow_up(voice, name, **parts)


def _other_value(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """A condition with another value."""
    if not plan.conditions:
        raise Skip
    last = plan.conditions[-1]
    if not isinstance(last, Comparison) or len(last.values) != 1 or last.other or last.among:
        raise Skip
    options = [value for value in last.place.attribute.values if value != last.values[0]]
    if last.place.attribute.kind in ("number", "year", "date") and last.place.attribute.low is not None:
        options = [value for value in options if str(value) != str(last.values[0])] or [last.place.attribute.low]
    if not options or last.operator in ("contains", "starts", "ends"):
        raise Skip
    value = voice.random.choice(list(options))
    if last.place.attribute.kind == "date":
        value = str(value)[: len(str(last.values[0]))]
    if type(value) is not type(last.values[0]):
        raise Skip
    earlier = replace(plan, conditions=(*plan.conditions[:-1], replace(last, values=(value,))))
    _, after = restriction([last], voice, plan.entity, any_of=True)
    said = voice.value(last.values[0]) if last.operator == "=" else ""
    name = "other_value" if said and voice.chance(0.5) else "other_condition"
    return earlier, _follow_up(voice, name, value=said, after=after.strip())


# --- what is asked for ------------------------------------------------------------------


def _other_question(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """Another question about the same things."""
    first = Plan(
        subject=plan.subject,
        entity=plan.entity,
        shown=_some_shown(plan, voice),
        conditions=plan.conditions,
        any_of=plan.any_of,
    )
    if voice.chance(0.15):
        first = replace(first, shown=(Aggregate("count"),))
    if first.shown == plan.shown or plan.called or plan.per_parent:
        raise Skip
    thing = Entity(name=plan.entity.name, noun=_NOUN, attributes=plan.entity.attributes, key=plan.entity.key)
    text = Sentence(replace(plan, conditions=(), any_of=False, called=thing), voice).text()
    for pattern, pronouns in _PRONOUNS:
        text = pattern.sub(voice.random.choice(pronouns), text)
    if _NOUN in text:
        raise Skip
    text = text.replace("number of of them", "number").replace("of of ", "of ").replace("the of them", "them")
    if voice.chance(0.5):
        text = _OF_THEM.sub(r"their \1", text)
    return first, text


def _some_shown(plan: Plan, voice: Voice) -> tuple[Place, ...]:
    label = plan.entity.label
    attributes = [label] if label and voice.chance(0.6) else []
    count = voice.random.choice((1, 1, 2))
    free = [attribute for attribute in plan.entity.attributes if attribute not in attributes]
    attributes += voice.random.sample(free, min(len(free), max(0, count - len(attributes))))
    if not attributes:
        raise Skip
    return tuple(map(Place, attributes))


def _also(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """More attributes, or a figure, beside those that are shown."""
    places = [shown for shown in plan.shown if isinstance(shown, Place)]
    if len(places) < 2 or len(places) < len(plan.shown) or plan.group or plan.distinct:
        raise Skip
    n = voice.random.randrange(1, len(places))
    more = replace(plan, shown=tuple(places[n:]))
    return replace(plan, shown=tuple(places[:n])), _follow_up(voice, "also", **_names(more, voice))


def _instead(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """Other attributes in the place of those that are shown."""
    if plan.group or any(isinstance(shown, Aggregate) for shown in plan.shown):
        raise Skip
    first = replace(plan, shown=_some_shown(plan, voice), distinct=False)
    if set(first.shown) & set(plan.shown):
        raise Skip
    name = "different_instead" if plan.distinct else "one_instead" if plan.limit == 1 else "instead"
    return first, _follow_up(voice, name, noun=plan.entity.noun, **_names(plan, voice))


def _names(plan: Plan, voice: Voice) -> dict[str, str]:
    sentence = Sentence(plan, voice)
    return {"names": sentence.names(True), "name": sentence.names(False)}


def _children(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """A figure of the children of each parent."""
    if not plan.per_parent or plan.having or plan.limit is not None or plan.order is not None or plan.conditions:
        raise Skip
    measures = [shown for shown in plan.shown if isinstance(shown, Aggregate)]
    parent = plan.subject.entity(plan.per_parent[-1].parent)
    shown = tuple(Place(shown.attribute) for shown in plan.shown if isinstance(shown, Place))
    first = Plan(subject=plan.subject, entity=parent, shown=shown)
    if measures[0].place is None:
        return first, _follow_up(voice, "count_children", things=(plan.called or plan.entity).nouns)
    return first, _follow_up(voice, "measure_children", measure=Sentence(plan, voice).function(measures[0]))


def _other_function(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """Another function of the same attribute."""
    if len([shown for shown in plan.shown if isinstance(shown, Aggregate)]) != 1 or plan.having or plan.order:
        raise Skip
    (figure,) = (shown for shown in plan.shown if isinstance(shown, Aggregate))
    if figure.place is None or figure.function not in ("avg", "sum", "min", "max"):
        raise Skip
    other = replace(
        figure, function=voice.random.choice([f for f in ("avg", "sum", "min", "max") if f != figure.function])
    )
    first = replace(plan, shown=tuple(other if shown is figure else shown for shown in plan.shown))
    text = voice.word(figure.function) if voice.chance(0.6) else Sentence(plan, voice).function(figure)
    return first, _follow_up(voice, "other_function", function=text)


# --- order and groups -------------------------------------------------------------------


def _order(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """The same, sorted; or sorted the other way round."""
    if not isinstance(plan.order, Place) or plan.limit is not None or plan.group:
        raise Skip
    if voice.chance(0.12):
        way = "descending" if plan.descending else "ascending"
        return replace(plan, descending=not plan.descending), _follow_up(voice, "turned", direction=way)
    text = Sentence(plan, voice).order().strip(" ,")
    return replace(plan, order=None, descending=False), _follow_up(voice, "order", order=text)


def _first(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """The first of what is listed."""
    if not isinstance(plan.order, Place) or plan.limit is None or plan.group:
        raise Skip
    sentence = Sentence(plan, voice)
    several = "s" if plan.limit > 1 else ""
    if voice.chance(0.25):
        return replace(plan, limit=None), _follow_up(voice, f"first{several}", number=sentence.number())
    highest = sentence.highest(plan.order)
    if len([shown for shown in plan.shown if shown == plan.order]) == len(plan.shown):
        raise Skip
    return (
        replace(plan, order=None, descending=False, limit=None),
        _follow_up(voice, f"extreme{several}", highest=highest, number=sentence.number()),
    )


def _groups(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """A figure for each group."""
    measures = tuple(shown for shown in plan.shown if isinstance(shown, Aggregate))
    if not plan.group or plan.per_parent or plan.having or plan.order is not None or not measures:
        raise Skip
    first = replace(plan, shown=measures, group=())
    return first, _follow_up(voice, "groups", key=Sentence(plan, voice).keys(False))


def _some_groups(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """Groups that meet a condition, or the largest."""
    if not plan.group or not (plan.having or plan.limit is not None):
        raise Skip
    measure = plan.having.measure if plan.having else plan.order
    assert measure is not None
    places = tuple(shown for shown in plan.shown if isinstance(shown, Place))
    shows_measure = isinstance(measure, Aggregate) and (measure in plan.shown or voice.chance(0.5))
    first = replace(plan, having=None, order=None, descending=False, limit=None)
    if plan.having:
        than = Sentence(replace(plan, conditions=()), voice).than(plan.having)
        if not shows_measure and not plan.per_parent:
            raise Skip
        first = replace(first, shown=(*places, measure) if measure in plan.shown else plan.shown, group=plan.group)
        first = first if measure in first.shown else replace(first, shown=(*first.shown, measure))
        return first, _follow_up(voice, "some_groups", than=than)
    first = replace(first, shown=(*places, measure))
    assert isinstance(measure, Aggregate)
    nouns = (plan.called or plan.entity).nouns
    if measure.place is None:
        most = voice.word("most" if plan.descending else "fewest")
        most = voice.random.choice((f"{most} {nouns}", "the most" if plan.descending else "the fewest"))
    else:
        most = f"the {voice.word('highest' if plan.descending else 'lowest')} {Sentence(plan, voice).function(measure)}"
    several = "s" if (plan.limit or 1) > 1 else ""
    return first, _follow_up(voice, f"top{several}", most=most, number=Sentence(plan, voice).number())


def _apart(plan: Plan, voice: Voice) -> tuple[Plan, str]:
    """A question that stands alone, after another one."""
    if voice.chance(0.6):
        raise Skip
    first = Plan(subject=plan.subject, entity=plan.entity, shown=_some_shown(plan, voice))
    return first, say(plan, voice.random)


_WAYS: tuple[Callable[[Plan, Voice], tuple[Plan, str]], ...] = (
    _narrower, _narrower, _narrower, _other_value, _other_question, _other_question, _also, _instead, _children,
    _other_function, _order, _first, _groups, _some_groups, _apart,
)  # fmt: skip
