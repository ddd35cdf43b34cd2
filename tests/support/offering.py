"""Tasks that offer more than their class says: protocols that a test adds to a toy.

task = offering(Toy, SmallDatabases)()     TestDatabases.of(task) is a SmallDatabases
"""

from __future__ import annotations

from typing import TypeVar

from dstill.api.protocols import PROTOCOLS
from dstill.api.task import Task, TaskProtocol

T = TypeVar("T", bound=Task)


def offering(kind: type[T], *added: type[TaskProtocol]) -> type[T]:
    """A subclass of `kind` with its protocols and these."""
    named = {protocol: one for one in added for protocol in PROTOCOLS if issubclass(one, protocol)}
    members = {"protocols": {**kind.protocols, **named}, "__module__": kind.__module__}
    return type(kind.__name__, (kind,), members)
