"""The toy with methods that raise on one answer, ``1+3``, and on its result; which ones, the settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from support.toy import Toy, ToyConfig

from dstill import Check, Task, hookimpl
from dstill.api.fallbacks import METHODS
from dstill.api.protocols import methods_of
from dstill.api.records import Draft, Example, Problem
from dstill.api.setting import setting
from dstill.api.task import TaskProtocol

ODD, RESULT = "1+3", 4
HOMES = {home for home in METHODS.values() if issubclass(home, TaskProtocol)}  # the protocols that fall back


@dataclass(frozen=True, kw_only=True)
class BrittleConfig(ToyConfig):
    raising: tuple[str, ...] = setting(tuple(METHODS), "methods that raise on 1+3")


def is_odd(given: Any) -> bool:
    if isinstance(given, (Example, Draft)):
        given = given.answer
    return isinstance(given, (str, int)) and (given == RESULT or ODD in str(given))


def brittle(home: Any, name: str) -> Callable[..., Any]:
    def method(self: Any, *given: Any) -> Any:
        task = self if isinstance(self, Task) else self.task
        if name in task.config.raising and any(map(is_odd, given)):
            raise ValueError(f"{name} broke\nbadly")
        return getattr(home, name)(self, *given)

    return method


def brittle_protocol(home: Any) -> Any:
    return type(f"Brittle{home.__name__}", (home,), {name: brittle(home, name) for name in methods_of(home)})


class Whole(Toy):
    """With the defaults of all methods that are given an answer or a result."""


class Brittle(Whole):
    name = "brittle"
    Config = BrittleConfig
    causes = ("different",)
    protocols: ClassVar = {**Toy.protocols, **{home: brittle_protocol(home) for home in HOMES}}

    @property
    def checks(self) -> tuple[Check, ...]:  # type: ignore[override]  # the toy has an attribute
        return (*Toy.checks, Check("brittle", self._look))

    def _look(self, example: Example, answer: str) -> Iterable[Problem]:
        if "check" in self.config.raising and is_odd(answer):
            raise ValueError("the check broke")
        return ()


for _name, _home in METHODS.items():
    if _home is Task:
        setattr(Brittle, _name, brittle(Whole, _name))


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Brittle
