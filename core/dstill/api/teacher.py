"""Teachers: who writes rationale and answer for a question.

class Shout(Teacher):
    name = "shout"

    async def ask(self, prompt: Prompt) -> Reply:
        return Reply(id=prompt.example.id, text=prompt.example.question.upper())
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Any, AsyncIterator, ClassVar, Literal, Mapping, Self, Sequence

from dstill.api.part import Part
from dstill.api.records import (
    Price,
    Prompt,
    Reply,
)
from dstill.api.task import Task
from dstill.errors import DstillError

__all__ = ["BatchState", "BatchTeacher", "Teacher"]


class Teacher(Part, ABC):
    """Writes rationale and answer for a question.

    Used as an async context manager around all the asking of one stage, so that a
    connection pool lives just as long.
    """

    paid: ClassVar[bool] = False  # replies cost money: each is committed by itself, at once
    # Says only what was there already (golds, a file of answers): no model's words, which a person should see first
    # and which asking again could change.
    is_lookup: ClassVar[bool] = False
    non_identity_settings: ClassVar[frozenset[str]] = (
        frozenset()
    )  # keys of its Config that change how it is asked, not what it says
    reply_tokens: int = 0  # of one reply, at most: for caps
    price: Price | None = None  # None: not known
    price_hint: ClassVar[str] = "set another cap"  # how to tell it
    # Structured outputs: as a schema; as one where the endpoint takes it; not at all. The runtime sets it.
    json_mode: Literal["auto", "schema", "off"] = "auto"
    task: Task

    @property
    def label(self) -> str:
        """Who answers, as costs name it."""
        return f"teacher '{self.name}'"

    def open(self, task: Task) -> Self:
        """Make ready to answer for `task`. Raises ConfigError where a key or file is missing."""
        self.task = task
        return self

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """What, beside the messages, decides the reply: endpoint, model, parameters.

        The reply store's key is a hash over this and the messages: whatever changes the
        words sent changes the key, nothing else does. Holds no secret.
        """
        return {"teacher": self.name}

    def sent(self, prompt: Prompt) -> Prompt:
        """`prompt` as it goes out: what caps reckon with, and a dry run shows. The key is of `prompt` itself."""
        return prompt

    @abstractmethod
    async def ask(self, prompt: Prompt) -> Reply:
        """One reply. Raises ServiceError (worth another try), AuthError or DataError (not)."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class BatchState:
    """How far a batch is."""

    ended: bool
    answered: int = 0
    total: int = 0  # 0: the endpoint did not say
    problem: DstillError | None = None  # why what has no answer in an ended batch has none


class BatchTeacher(Teacher):
    """A teacher that also answers in batches: submitted, left alone, and collected when they have ended.

    What the teacher keeps with a batch is its digest, by which `find_batch` knows it again.
    """

    batch_requests: ClassVar[int] = 50_000  # of one batch, at most
    batch_bytes: ClassVar[int] = 200_000_000  # of all its lines
    batch_poll: float = 30.0  # seconds between two looks

    @abstractmethod
    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        """One request as a line of the file that is submitted; `key` comes back with its answer."""

    @abstractmethod
    async def submit_batch(self, digest: str, lines: Sequence[bytes]) -> str:
        """Submit, once, and return the batch's id there. Raises as `ask` does."""

    @abstractmethod
    async def find_batch(self, digest: str) -> str:
        """The id of the batch that was submitted under `digest`; empty: there is none."""

    @abstractmethod
    async def look_at_batch(self, id: str) -> BatchState:
        """How far it is."""

    @abstractmethod
    def batch_answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        """What an ended batch came to, by key, in any order; the id of a reply is left to the caller."""
