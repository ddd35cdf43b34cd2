"""Teachers: they write a rationale and an answer for each question.

class Shout(Teacher):
    name = "shout"

    async def ask(self, prompt: Prompt) -> Reply:
        return Reply(id=prompt.example.id, text=prompt.example.question.upper())
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from dstill.api.part import Part
from dstill.api.records import (
    Example,
    Price,
    Prompt,
    Reply,
)
from dstill.api.task import Task
from dstill.errors import DstillError

__all__ = ["BatchState", "BatchTeacher", "Teacher"]


class Teacher(Part, ABC):
    """Writes a rationale and an answer for a question. A subclass implements `ask`.

    dstill calls `open`, then enters the teacher as an async context manager for one stage and calls `ask` in it, many
    times in parallel. Override ``__aenter__`` and ``__aexit__`` to open and close a connection pool.
    """

    paid: ClassVar[bool] = False  # True: replies cost money, so each is saved and no other process buys it again
    # True: replies are only looked up (golds, a file of answers). dstill then does not ask again for a better reply,
    # and `train` does not wait for a review.
    is_lookup: ClassVar[bool] = False
    choice: ClassVar[str] = "model"  # key of its Config that the text after the colon sets, as in ``openai:gpt-5-mini``
    # Keys of its Config that do not change the replies, such as a timeout: a run may resume with other values.
    non_identity_settings: ClassVar[frozenset[str]] = frozenset()
    reply_tokens: int = 0  # longest reply, in tokens, for caps and estimates
    price: Price | None = None  # None: not known
    price_hint: ClassVar[str] = "set another cap"  # how the user can state the price, for an error's hint
    # Ask for JSON that follows a schema: if the endpoint can do it (auto), always (schema), never (off). Set by dstill.
    json_mode: Literal["auto", "schema", "off"] = "auto"
    task: Task  # set by `open`

    @property
    def label(self) -> str:
        """Its name in cost reports."""
        return f"teacher '{self.name}'"

    def open(self, task: Task) -> Self:
        """Prepare to answer for `task`, and return itself. Raises ConfigError if a key or file is missing."""
        self.task = task
        return self

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """The facts that determine the reply to `prompt` besides its messages: endpoint, model, parameters.

        The reply store's key is a hash of this and the messages, and a stored reply is not bought again. So this must
        change with everything that changes the request, and with nothing else. It must not contain a secret.
        """
        return {"teacher": self.name}

    def as_sent(self, prompt: Prompt) -> Prompt:
        """`prompt` as it is sent, for a teacher that adds to it. Caps count this, and a dry run shows it.

        The key in the reply store is a hash of the original `prompt`.
        """
        return prompt

    def questions(self) -> Sequence[Example]:
        """The questions that it has answers to, if it only looks answers up. `dstill adapt --teacher` learns them."""
        return ()

    def other_names(self) -> str:
        """The aliases file (`dstill.api.values`) beside those questions, as text. Empty: there is none."""
        return ""

    @abstractmethod
    async def ask(self, prompt: Prompt) -> Reply:
        """Ask once and return the reply; its id is ``prompt.example.id``.

        Retry by yourself what a short wait can fix. Raises ServiceError if this question failed but the same request
        may work later, DataError if it will not, and AuthError, which ends the stage.
        """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class BatchState:
    """The state of a batch at the endpoint."""

    ended: bool  # no more answers will come
    answered: int = 0  # requests
    total: int = 0  # requests; 0: the endpoint did not say
    problem: DstillError | None = None  # of an ended batch: why some requests have no answer


class BatchTeacher(Teacher):
    """A teacher that can also answer in batches: dstill submits them, waits, and collects the answers at the end.

    Store the digest of a batch with it at the endpoint, so that `find_batch` finds the batch after a crash.
    """

    batch_requests: ClassVar[int] = 50_000  # most requests in one batch
    batch_bytes: ClassVar[int] = 200_000_000  # most bytes in one batch
    batch_poll: float = 30.0  # seconds between two calls of `batch_state`

    @abstractmethod
    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        """One request as a line of the submitted file, without the line break. `key` must come back with its answer."""

    @abstractmethod
    async def submit_batch(self, digest: str, lines: Sequence[bytes]) -> str:
        """Submit one batch, exactly once, and return its id at the endpoint. Raises as `ask` does."""

    @abstractmethod
    async def find_batch(self, digest: str) -> str:
        """The id of the batch that was submitted with `digest`. Empty: there is none. Raises as `ask` does."""

    @abstractmethod
    async def batch_state(self, id: str) -> BatchState:
        """The state of the batch `id`. Raises as `ask` does."""

    @abstractmethod
    def batch_answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        """The replies and errors of an ended batch, each with the key of its request, in any order.

        dstill sets `Reply.id`.
        """
