"""Freely phrased questions to be refused: what no field holds, opinions, predictions, actions and changes.

    refusal(draw)
    →  Shape(name="refusal_of_value", keys=("refusals/of_value",), slots={"v": "Oslo", "t": "phone number"}, …)

They are about documents, fields and values that the index has, so known words do not make a question answerable.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.conditions import said_value
from dstill_querydsl.questions.free_phrasing.shape_parts import Shape
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, options
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.words import mark, plural

__all__ = ["KINDS", "refusal"]

_TRIES = 6  # for a thing that the index does not have
# what is refused → weight
KINDS: Mapping[str, float] = {
    "absent": 34, "absent_bare": 10, "of_value": 10, "of_people": 5, "adjectives": 6,
    "counted": 7, "agents": 6, "measured": 6, "no_answer": 8, "opinions": 10, "future": 5, "causes": 5, "elsewhere": 4,
    "actions": 8, "own_actions": 14, "changes": 18, "text_groups": 6,
}  # fmt: skip
# kind → the list of things that it asks for
_THINGS: Mapping[str, str] = {
    "absent": "things", "absent_bare": "things", "of_value": "attributes", "of_people": "attributes_of_people",
    "adjectives": "absent_adjectives", "counted": "absent_people", "agents": "absent_people", "measured": "quantities",
}  # fmt: skip
_OWN_LIST = ("absent", "absent_bare")  # the things that the lexicon itself names are fine here
_WITH_VALUE = ("of_value", "measured", "opinions", "own_actions")
_REASONS: Mapping[str, str] = {
    "actions": "a search only reads {what}",
    "own_actions": "a search only reads {what}",
    "changes": "a search cannot change {what}",
    "elsewhere": "that is not about {what}",
}
_EXTREMES = ("latest", "first", "biggest", "last", "highest", "longest", "smallest", "most expensive")


def refusal(draw: AskedDraw) -> Shape:
    """A question to be refused. Raises Skip."""
    kind = draw.random.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    if kind == "absent_bare" and draw.context.by_kind("text"):
        kind = "absent"  # the thing could be searched for in a text
    noun = draw.context.lexicon.documents[0]
    slots = {"doc": mark(draw.context.lexicon.document), "who": "", "whos": ""}
    missing: tuple[str, ...] = ()
    reason = _REASONS.get(kind, "{what} do not tell that").format(what=noun)
    if kind == "text_groups":
        role = draw.among([role for role in draw.context.by_kind("text") if not role.exact])
        reason = f"{role.field} is text and cannot be grouped"
        slots |= {"f": mark(role.word.noun), "g": mark(role.many)}
    else:
        slots |= _slots(kind, draw)
    if kind in _THINGS:
        thing = _thing(kind, draw)
        slots["t"] = mark(thing)
        reason, missing = f"no field of {noun} holds the {thing}", (thing,)
    elif kind == "actions":
        slots["t"] = mark(_thing("absent", draw))
    return Shape(
        name=f"refusal_{kind}",
        keys=(f"refusals/{kind}",),
        slots=slots,
        refusal={"reason": reason, "missing": list(missing)},
    )


def _slots(kind: str, draw: AskedDraw) -> dict[str, str]:
    """Fields, values, times and people of the index."""
    role = draw.take("category", "number", "date", "boolean")
    who = draw.random.choice(draw.subject.objects)
    slots = {"f": mark(role.word.noun), "o": mark(role.word.noun), "g": mark(role.many), "own": draw.pick(*_EXTREMES)}
    slots |= {"x": mark(_some_value(draw))}
    slots |= {"who": who, "whos": plural(who), "our": draw.pick("our", "our", "the", "my", "these")}
    slots |= {name: draw.random.choice(options("refusal_words", key, ";")) for name, key in _WORDS.items()}
    if kind in _WITH_VALUE:
        draw.used.discard(role.stored)
        known, value = draw.known_category()
        slots |= {
            "v": mark(said_value(known, value, draw)),
            "y": mark(said_value(known, draw.other(known, value), draw)),
        }
    return slots


def _some_value(draw: AskedDraw) -> str:
    roles = draw.context.by_kind("category") or draw.context.by_kind("number", "date")
    if not roles:
        raise Skip("no values")
    return str(draw.value(draw.random.choice(roles)))


_WORDS: Mapping[str, str] = {
    "do": "verbs",
    "soon": "soon",
    "bad": "judgements",
    "better": "comparisons",
    "done": "duties",
}


def _thing(kind: str, draw: AskedDraw) -> str:
    """Something that no field and no value is about."""
    own = draw.context.lexicon.absent if kind in _OWN_LIST else ()
    there = draw.subject.spoken
    for _ in range(_TRIES):
        thing = str(
            draw.random.choice(own if own and draw.chance(35) else options("refusal_words", _THINGS[kind], ";"))
        )
        if there.isdisjoint((*stems(thing), thing.replace(" ", ""))):
            return plural(thing) if kind == "counted" else thing
    raise Skip("it has it all")
