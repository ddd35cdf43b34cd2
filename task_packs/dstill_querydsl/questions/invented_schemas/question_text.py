"""A question of the synthesizer in words, when all of it is known: who does what with which conditions.

    teller = Teller(schema, random, answer)
    teller.tell(read(marked))     [Part("text", "which "), Part("document", "orders"), Part("text", " cost over "), …]
    teller.answer                 the answer, in which a size or a date is another where the words say so

"Which supplier has the most orders?" asks for one group, and "before 2020" for other days than "before 2020-03-14".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from dstill_querydsl.questions.invented_schemas.condition_text import OWN, ConditionTeller, Slots, first_mark
from dstill_querydsl.questions.invented_schemas.deferred_wordings import Item, Mark, WordingNode
from dstill_querydsl.questions.invented_schemas.field_phrases import choices, extremes, families_of, how, verbs_of_time
from dstill_querydsl.questions.invented_schemas.loose_values import in_plural
from dstill_querydsl.questions.invented_schemas.question_parts import Part
from dstill_querydsl.questions.invented_schemas.schemas import Put
from dstill_querydsl.questions.invented_schemas.vocabulary import table

__all__ = ["Teller"]

BEFORE_SHARE = 0.6  # of conditions before the documents ("paid orders"), where that is possible
HOW_SHARE = 0.85  # of averages and sums, where there is a question such as "how much do they cost"
ONE_SHARE = 0.25  # of rankings that ask for the first only
BY_KIND = 0.5  # of documents that are called by their kind, where it is known
BEYOND_SHARE = 0.35  # of requests to write that ask for something else that no search does
_JOINTS = (" and ", " and ", " ", " ", ", ", ", and ", " & ", " + ")
_ANYTHING = ("everything", "anything", "all")
_WRITES = ("delete", "update", "insert", "script", "other_index")
_RANKED = ("top_groups", "ranked_high", "ranked_low")
_FREE = ("and", "", ",")  # text between conditions


@cache
def _ways(part: str, key: str) -> tuple[str, ...]:
    """The wordings of a table of phrases.toml."""
    return choices(table("phrases.toml")[part].get(key, ""))


@cache
def _without_verb(part: str, key: str) -> tuple[str, ...]:
    return tuple(way for way in _ways(part, key) if "{pred}" not in way)


@dataclass
class _Phrase:
    """The documents and their conditions."""

    before: list[Item]
    documents: str
    conditions: list[WordingNode]
    after: list[Item]  # instead of conditions, if these are not all known


class Teller(ConditionTeller):
    """Puts one question into words."""

    def _node(self, node: WordingNode) -> list[Part]:
        key = node.key
        if key in table("phrases.toml")["metrics"]:
            return self._fill(self._pick(_ways("metrics", key), node), node.slots)
        if "what" in node.slots:
            return self._ask(node)
        if key == "tail":
            return self._fill(self.random.choice(_ways("asks", "tail")), node.slots)
        return super()._node(node)

    # --- questions ----------------------------------------------------------------------

    def _ask(self, node: WordingNode) -> list[Part]:
        phrase = self._phrase(node.slots["what"])
        key, random = node.key, self.random
        slots: Slots = dict(node.slots)
        if "by" in slots and key != "page":
            slots["by"] = self._by(node.slots["by"])
        ways, key = self._ways_of(node, key, slots)
        way = random.choice(ways)
        if "{pred}" in way:
            options = [condition for condition in phrase.conditions if self._has_verb(condition)]
            if options and not phrase.after:
                chosen = random.choice(options)
                slots["pred"] = self._condition(chosen, "pred") or []
                slots["who"] = slots["docs"] = self._who(phrase, chosen)
            else:
                way = random.choice([way for way in ways if "{pred}" not in way] or _without_verb("asks", "list"))
        slots.setdefault("docs", [Part("document", phrase.documents)])
        if "{one}" in way:
            slots["one"] = self._who(phrase, single=True)
        if "{what}" in way:
            slots["what"] = self._who(phrase, loose=key == "list")
        return self._fill(way, slots)

    def _ways_of(self, node: WordingNode, key: str, slots: Slots) -> tuple[Sequence[str], str]:
        """The wordings to choose from, and their kind."""
        random = self.random
        if key in ("top", "bottom", "newest", "oldest"):
            return self._ways_in_order(node, key, slots), key
        if key in _RANKED and random.random() < ONE_SHARE and "g" in slots:
            noun = self.schema.singular.get(str(first_mark(node, "g")))
            if noun and self._only_one(r'("terms":{"field":"[^"]*","size":)\d+'):
                slots["o"] = [Part("noun", noun)]
                return _ways("asks", f"{key}1"), key
        if key in ("of", "metric_by") and (ways := self._how(node)):
            return ways, key
        if key == "per":
            return self._ways_per(node, slots), key
        if key == "metric_per" and random.random() < 0.25 and len(node.slots["u"]) == 1:
            slots["adv"] = [Part("text", self._adverb(str(node.slots["u"][0])))]
            key = "metric_per_unit"
        elif key in _WRITES and random.random() < BEYOND_SHARE:
            key = "beyond"
        return _ways("asks", key), key

    def _ways_in_order(self, node: WordingNode, key: str, slots: Slots) -> Sequence[str]:
        """Wordings for the first documents in some order."""
        extreme = self._extreme(node, key)
        single = self.random.random() < ONE_SHARE and self._only_one(r'^({"size":)\d+')
        if not extreme:
            return _ways("asks", f"{key}1" if single else key)
        slots["s"] = [Part("text", extreme)]
        if extreme.startswith("with "):
            return _WITH_MOST_ONE if single else _WITH_MOST
        return _ways("asks", "most1" if single else "most")

    def _only_one(self, pattern: str) -> bool:
        """Let the answer give the first only. False if that is not possible."""
        answer, count = re.subn(pattern, r"\g<1>1", self.answer)
        if count == 1:
            self.answer = answer
        return count == 1

    def _extreme(self, node: WordingNode, key: str) -> str:
        if key not in ("top", "bottom") or self.random.random() > OWN:
            return ""
        if (put := self.schema.meant.get(str(first_mark(node, "f")))) is None:
            return ""
        words = [
            extreme for extreme in extremes(put, "desc" if key == "top" else "asc") if self._is_alone(put, extreme)
        ]
        return self.random.choice(words) if words else ""

    def _is_alone(self, put: Put, word: str) -> bool:
        """Whether no other field could be meant with "longest"."""
        others = (other for other in self.schema.meant.values() if other.path != put.path and not other.within)
        for other in others:
            if other.concept.kind == "number" and word in _all_extremes(other):
                return False
            if other.concept.kind == "date" and word in ("oldest", "newest", "latest", "youngest"):
                return False
        return True

    def _how(self, node: WordingNode) -> Sequence[str]:
        """Wordings such as "how much do orders cost on average?"."""
        metric = node.slots["m"][0]
        if not isinstance(metric, WordingNode) or metric.key not in ("avg", "sum") or self.random.random() > HOW_SHARE:
            return ()
        put = self.schema.meant.get(str(first_mark(metric, "f")))
        phrases = how(put) if put else ()
        if metric.key == "sum":
            phrases = [way for way in phrases if way.startswith(("how much", "how many"))]
        others = {way for other in self.schema.meant.values() if other is not put for way in how(other)}
        if not phrases or not others.isdisjoint(phrases):
            return ()
        if node.key == "metric_by":
            ways = _ways("asks", "how_by") if metric.key == "avg" else ("{how} in total per {o}?", "per {o}, {how}?")
        else:
            ways = _ways("asks", f"how_{metric.key}")
        chosen = self.random.choice(phrases)
        return [way.replace("{how}", chosen) for way in ways]

    def _ways_per(self, node: WordingNode, slots: Slots) -> Sequence[str]:
        random, unit = self.random, str(node.slots["u"][0]).removesuffix(" of ")
        marks = [slot for slot in node.slots["u"] if isinstance(slot, Mark) and slot in self.schema.meant]
        draw = random.random()
        if draw < 0.3:
            slots["adv"] = [Part("text", self._adverb(unit))]
            ways = _ways("asks", "per_unit")
            if marks:
                slots["f"] = [marks[0]]
                return [f"{way} by {{f}}" for way in ways]
            return ways
        put = self.schema.meant[marks[0]] if marks else self._only_date()
        if draw < 0.6 and put and not put.above and (verbs := verbs_of_time(put.concept.nouns))[0]:
            slots["unit"] = [Part("text", unit)]
            slots["verb"] = [Part("text", random.choice(verbs[0]))]
            slots["part"] = [Part("text", random.choice(verbs[1]))]
            return _ways("asks", "per_verb")
        return _ways("asks", "per")

    def _only_date(self) -> Put | None:
        dates = [other for other in self.schema.meant.values() if other.concept.kind == "date" and not other.within]
        return dates[0] if len(dates) == 1 else None

    def _adverb(self, unit: str) -> str:
        return self.random.choice(choices(table("phrases.toml")["times"]["adverbs"][unit]))

    def _by(self, items: Sequence[Item]) -> list[Part]:
        """The field that sorts, if it is said."""
        marks = [item for item in items if isinstance(item, Mark)]
        if not marks:
            return [Part("text", "")]
        way = self.random.choice(
            (" by {f}", " by {f}", " by their {f}", " (by {f})", " going by {f}", ", {f}", " in terms of {f}")
        )
        if str(items[0]).startswith(" of"):
            way = self.random.choice((" of {f}", " of {f}", " by {f}", " of the {f}"))
        return self._fill(way, {"f": [marks[0]]})

    def _by_kind(self, left: list[WordingNode]) -> tuple[str, list[WordingNode]] | None:
        """A kind as the noun, such as vans instead of cars, and the other conditions."""
        for node in left if self.random.random() < BY_KIND else ():
            put = self.schema.meant.get(str(first_mark(node, "f")))
            if node.key == "is" and put and put.concept.kind == "category" and "kind" in families_of(put):
                text = in_plural(str(node.slots["v"][0]), self.schema.known.get(put.path, ()))
                if text and self._own(node).get("pre") and not put.above:
                    return text, [other for other in left if other is not node]
        return None

    # --- documents ----------------------------------------------------------------------

    def _phrase(self, items: Sequence[Item]) -> _Phrase:
        documents = self.schema.context.lexicon.documents
        at = next((at for at, item in enumerate(items) if isinstance(item, Mark) and item in documents), None)
        if at is None:
            return _Phrase(list(items), documents[0], [], [])
        after = items[at + 1 :]
        known = all(
            isinstance(item, WordingNode) or (not isinstance(item, Mark) and item.strip() in _FREE) for item in after
        )
        nodes = [item for item in after if isinstance(item, WordingNode)] if known else []
        return _Phrase(list(items[:at]), str(items[at]), nodes, [] if known else list(after))

    def _who(
        self, phrase: _Phrase, without: WordingNode | None = None, *, single: bool = False, loose: bool = False
    ) -> list[Part]:
        """The documents with their conditions. `single`: in the singular. `loose`: perhaps just "everything"."""
        random = self.random
        left = [node for node in phrase.conditions if node is not without]
        random.shuffle(left)
        first: list[Part] = []
        for node in left:
            adjective = self._condition(node, "pre") if random.random() < BEFORE_SHARE else None
            if adjective and len(first) < 3:
                first += [*adjective, Part("text", " ")]
                left = [other for other in left if other is not node]
        noun = self.schema.context.lexicon.document if single else phrase.documents
        if not single and (kind := self._by_kind(left)):
            noun, left = kind
        if loose and left and not first and not phrase.before and random.random() < 0.06:
            parts = [Part("text", random.choice(_ANYTHING))]
        else:
            parts = [*self.tell(phrase.before), *first, Part("document", noun)]
        parts += self.tell(phrase.after)
        for at, node in enumerate(left):
            after = self._condition(node, "post", singular=single) or []
            parts += [Part("text", random.choice(_JOINTS) if at else " "), *after]
        return parts


_WITH_MOST = ("the {n} {what} {s}", "{n} {what} {s}", "top {n} {what} {s}", "which {n} {what} are the ones {s}?")
_WITH_MOST_ONE = ("the {one} {s}", "{one} {s}", "which {one} is the one {s}?")


def _all_extremes(put: Put) -> frozenset[str]:
    return frozenset((*extremes(put, "desc"), *extremes(put, "asc"), put.concept.most, put.concept.least))
