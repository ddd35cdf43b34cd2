"""The entities and attributes of a subject as items of a schema, which plans point to.

schema = PlanSchema(subject)
schema.items[0]                      Item(name="shop", words=("shop",), kind="entity", …)
schema.items[1]                      Item(name="shop.city", words=("city",), above=("shop",), kind="category", …)
schema.attributes[1]                 (Entity(name="shop", …), Attribute(name="city", …))
"""

from __future__ import annotations

from collections.abc import Iterator

from dstill.linked import Item, KnownTexts, Schema
from dstill.linked.names import stems
from dstill.linked.thesaurus import meant
from dstill.synthesis.subjects import Attribute, Entity, Relation, Subject

__all__ = ["FEATURES", "PlanSchema"]

FEATURES = (
    *(f"type:{kind}" for kind in
      ("entity", "relation", "name", "category", "code", "text", "number", "year", "date", "boolean", "yes_no")),
    "key", "refers", "nullable", "has values",
)  # fmt: skip
_LARGE = 100  # a number of so much is hardly in a question by chance


class PlanSchema(Schema):
    """The items of one subject.

    `entities` and `attributes` have what each number of an item stands for, `places` the number of each name.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.entities: dict[int, Entity] = {}
        self.attributes: dict[int, tuple[Entity, Attribute]] = {}
        self.numbers: dict[tuple[str, str], int] = {}  # name of the entity, and of the attribute or "" → number
        super().__init__(list(self._items()), meant)
        self.places = {item.name: number for number, item in enumerate(self.items)}

    def relations(self, child: str, parent: str) -> list[Relation]:
        """The relations from one entity to another."""
        return [relation for relation in self.subject.up(child) if relation.parent == parent]

    def _items(self) -> Iterator[Item]:
        number = 0
        for entity in self.subject.entities:
            shown = [*entity.attributes]
            shown += [entity.key] if entity.key is not None and entity.key not in shown else []
            self.entities[number] = entity
            self.numbers[entity.name, ""] = number
            yield Item(name=entity.name, words=_words(entity.name), kind="entity", prior=0.25)
            number += 1
            for attribute in shown:
                self.attributes[number] = (entity, attribute)
                self.numbers[entity.name, attribute.name] = number
                yield self._item(entity, attribute)
                number += 1
            names = {attribute.name for attribute in shown}
            for column in dict.fromkeys(r.column for r in self.subject.up(entity.name) if r.column not in names):
                self.numbers[entity.name, column] = number
                yield Item(
                    name=f"{entity.name}.{column}",
                    words=_words(column),
                    kind="relation",
                    above=_words(entity.name),
                    features=("refers",),
                    needs=(entity.name,),
                )
                number += 1

    def _item(self, entity: Entity, attribute: Attribute) -> Item:
        values = KnownTexts(_said(attribute))
        features = [
            feature
            for feature, has in (
                ("key", attribute is entity.key),
                ("refers", any(relation.column == attribute.name for relation in self.subject.up(entity.name))),
                ("nullable", attribute.nullable),
                ("has values", bool(values)),
            )
            if has
        ]
        return Item(
            name=f"{entity.name}.{attribute.name}",
            words=_words(attribute.name),
            kind=attribute.kind,
            above=_words(entity.name),
            values=values,
            features=tuple(features),
            needs=(entity.name,),
            prior=0.5 if values else 0.0,
        )


def _words(name: str) -> tuple[str, ...]:
    """The words of a name, or the name itself if it has no letters and digits."""
    return tuple(stems(name)) or (name,)


def _said(attribute: Attribute) -> Iterator[str]:
    """Known values as questions have them. Of numbers those that are hardly there by chance, such as a code 404."""
    for value in attribute.values:
        if isinstance(value, str) and attribute.kind not in ("date", "number"):
            yield value
        elif isinstance(value, int) and not isinstance(value, bool) and value >= _LARGE and attribute.kind == "code":
            yield str(value)
