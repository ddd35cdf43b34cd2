"""A task for each optional protocol, which has that one alone and writes down what it is asked (``asked.txt``).

    dstill --plugin tests/support/toy.py --plugin tests/support/protocols.py generate --task presentation

Their language is the toy's. `Alone`, the task ``alone``, has no protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from support.toy import Toy, ToyDemo

from dstill import Task, hookimpl
from dstill.api import Example, ProjectFiles
from dstill.api.glossary import Glossary
from dstill.api.protocols import PROTOCOLS, Phrase, methods_of

ASKED = "asked.txt"
DEMO = ("demo_settings", "demo_quick_settings")
# What some of them answer; the others give their defaults.
ANSWERS: dict[str, Any] = {
    "glossary": Glossary.read({"a dozen": {"means": "12"}}, "glossary.toml"),
    "probe": "12+0",
    "data_facts": {"sums": {"digits": 2}},
    "describe": ProjectFiles(files={}, settings={}),
    "read_back": [Phrase(text="two numbers", kind="data"), Phrase(text=", added", kind="shown")],
    "synthesize": [Example(id="1", question="add 1 and 2", answer="1+2", rationale="r")],
}


class Alone(Task):
    name = "alone"
    executors = ("abacus",)
    checks = Toy.checks

    def examples(self, split: str) -> Iterable[Example]:
        return Toy().examples(split)

    def is_refusal(self, answer: str) -> bool:
        return Toy().is_refusal(answer)


def recorded(protocol: Any, name: str) -> Callable[..., Any]:
    default = getattr(protocol, name)

    def method(self: Any, *given: Any) -> Any:
        with Path(ASKED).open("a") as file:
            file.write(f"{name}\n")
        return ANSWERS[name] if name in ANSWERS else default(self, *given)

    return method


def with_one(protocol: Any) -> type[Task]:
    methods = {name: recorded(protocol, name) for name in methods_of(protocol)}
    settings = {name: value for name, value in vars(ToyDemo).items() if name in vars(protocol) and name in DEMO}
    settings |= {"suffixes": (".sums",)} if "suffixes" in vars(protocol) else {}
    name = protocol.__name__
    own = type(f"Own{name}", (protocol,), {"__module__": __name__, **methods, **settings})
    return type(name, (Alone,), {"name": name.lower(), "__module__": __name__, "protocols": {protocol: own}})


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    return [Alone, *map(with_one, PROTOCOLS)]
