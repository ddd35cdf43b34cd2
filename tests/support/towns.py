"""A task about several databases, which it calls so: the student answers by the one that is asked about.

    dstill --plugin tests/support/toy.py --plugin tests/support/towns.py generate --task towns --teacher parrot

An answer is ``DATABASE:TABLE``. ``unseen`` names the database of the split of unseen data; empty: its rows name none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from dstill import Check, Task, hookimpl
from dstill.api import Example, Problem, data_of
from dstill.api.setting import setting

TABLES = {"shop": ("teas", "sales", "bills"), "school": ("pupils", "rooms"), "clinic": ("wards",)}


def of_the_database(example: Example, answer: str) -> Iterable[Problem]:
    name = data_of(Towns, example)
    if name and not answer.startswith(f"{name}:"):
        yield Problem(layer="database", code="other", message=f"'{answer}' is not of the database '{name}'")


@dataclass(frozen=True, kw_only=True)
class TownsConfig:
    unseen: str = setting("clinic", "the database of the split of unseen data")


class Towns(Task):
    name = "towns"
    data_key = "db"
    data_noun = "database"
    Config = TownsConfig
    checks: ClassVar[tuple[Check, ...]] = (
        Check("form", lambda example, answer: (), parses=True),
        Check("database", of_the_database),
    )

    def model_input(self, example: Example) -> str:
        return f"{data_of(self, example)} {example.question}"

    def examples(self, split: str) -> Iterable[Example]:
        if split in ("train", "test"):
            for db in ("school", "shop"):
                for number, table in enumerate(TABLES[db]):
                    asked = f"count table {number}" if split == "train" else f"how many rows are in {number}"
                    yield self.example(f"{split}-{db}-{table}", asked, {"db": db}, f"{db}:{table}", split)
        if split == "test_unseen_data":
            context = {"db": self.config.unseen} if self.config.unseen else {}
            yield self.example("unseen-1", "count the wards", context, f"{self.config.unseen}:wards", split)

    def example(self, id: str, question: str, context: dict[str, Any], answer: str, split: str) -> Example:
        return Example(
            id=id, question=question, context=context, answer=answer, rationale="so", template=id, split=split
        )


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Towns
