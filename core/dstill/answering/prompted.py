"""A large model as a baseline: it is prompted with worked examples and answers the same questions as the student.

    is_prompted("openai:gpt-5-mini")                                  # True: TEACHER:MODEL
    found = answered(setup, "openai:gpt-5-mini", examples, training_rows, purchase)
    found.predictions, found.cost.usd_per_1000                        # one Prediction for each example; 1.84

The prompt is the one that `generate` would send: the task's instructions, the description of the data, and
``evaluate.shots`` worked examples from the training rows, never from a scored split. Each question is asked once; a
wrong reply is not sent back. Replies come from the reply store where it has them, so another evaluation costs nothing.
A question without a reply, such as one that a filter blocked, counts as wrong (`Prompted.note`). If the service fails
for a question or takes none, `answered` raises an error: a model that is away must not look wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dstill import trust
from dstill.answering.efficiency import AnswerCost
from dstill.answering.prompts import LONGEST, prompts, worked_examples
from dstill.api.records import Draft, Example, Prediction, Problem, Prompt, Record, Reply, Usage
from dstill.api.teacher import Teacher
from dstill.errors import BadRequest, BudgetError, ConfigError, ServiceError, did_you_mean
from dstill.factory import Setup, make_teacher
from dstill.plugins import Plugins
from dstill.runtime import signals
from dstill.teacher import fence
from dstill.teacher.cost import caps
from dstill.teacher.purchase import Purchase

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import TeacherReply

__all__ = ["Prompted", "PromptedModel", "answered", "is_prompted", "prediction", "reader", "require"]

KEY = "evaluate.baselines"
SERVICE_FAULTS = ("unavailable", "broken")  # codes of problems that the service is to blame for
REASONS = 3  # why there is no answer, the most frequent


@dataclass(frozen=True, kw_only=True)
class Prompted:
    """The answers of a prompted model, and what they cost."""

    predictions: Sequence[Prediction]  # in the order of the examples
    usd: Sequence[float | None]  # of each answer; None: not known
    cost: AnswerCost
    note: str = ""  # how many questions it did not answer, and why; empty: it answered all


def is_prompted(system: str) -> bool:
    """Whether `system` is TEACHER:MODEL, not the name of a registered baseline."""
    return ":" in system


def require(plugins: Plugins, system: str, *, where: str = KEY, role: str = "baseline") -> None:
    """Raises ConfigError if `system` names no teacher with a model. `where` asks for it, as this `role`."""
    name, _, model = system.partition(":")
    known = [n for n in plugins.names("teachers") if hasattr(plugins.teacher(n).Config, "model")]
    if name not in known or not model:
        raise ConfigError(
            f"'{system}' names no model"
            if name in known
            else f"no {role} called '{system}'.{did_you_mean(name, known)}",
            where=where,
            hint=f"a model to prompt is TEACHER:MODEL, with one of the teachers {', '.join(known) or '(none)'}",
        )


def reader(setup: Setup) -> Callable[[Prediction], Draft | None]:
    """Parses the predictions of a prompted model as replies of a teacher."""
    return lambda reply: None if reply.truncated else setup.plugins.parse_reply(setup.task, reply.text)


class PromptedModel:
    """The model TEACHER:MODEL as an opened teacher, with the shots and caps of ``[evaluate]``.

    Raises ConfigError for settings that cannot be used, TrustError when the run of a stranger chose them.
    """

    def __init__(self, setup: Setup, system: str, training: Iterable[Record]) -> None:
        """`training`: the rows that worked examples are taken from."""
        self.setup = _asking(setup, system)
        self.teacher = make_teacher(self.setup.plugins, self.setup.config).open(setup.task)
        self._task, self._settings = setup.task, self.setup.settings.generate
        self._caps = caps(self._settings, self.teacher, section="evaluate")
        rows = [record.example for record in training]
        worked = worked_examples(rows)
        # an answer without a rationale is a worked example too
        self._worked = worked if len(worked) >= self._settings.shots else rows

    @property
    def concurrency(self) -> int:
        """Requests at the same time."""
        return self._settings.concurrency

    @property
    def is_capped(self) -> bool:
        """Whether a cap limits what it costs."""
        return self._caps.max_usd is not None or self._caps.max_tokens is not None

    def prompts(self, examples: Iterable[Example]) -> Iterator[Prompt]:
        """The prompt about each example. No gold gets into one."""
        unseen = (replace(example, answer=None, rationale=None) for example in examples)
        return prompts(self.setup.plugins, self._task, self.teacher, unseen, self._worked, self._settings)

    def budget(self, store: ReplyStore) -> Budget:
        """The budget that the caps leave to the buyer of `store`."""
        from dstill.teacher.budget import Budget

        spent = store.bought_by(store.buyer) if self.teacher.paid else ()
        return Budget(self._caps, self.teacher.price, spent=spent)


def answered(
    setup: Setup, system: str, examples: Sequence[Example], training: Sequence[Record], purchase: Purchase
) -> Prompted:
    """Ask the model `system` about `examples`. `training`: the rows that worked examples are taken from.

    Raises ServiceError, AuthError, ConfigError, BadRequest; BudgetError when the next request could exceed a cap of
    ``evaluate``.
    """
    from dstill.teacher.budget import NO_USAGE, actual_usage
    from dstill.teacher.cache import ReplyStore

    require(setup.plugins, system)
    model = PromptedModel(setup, system, training)
    prompts = list(model.prompts(examples))
    with ReplyStore(purchase.store, buyer=purchase.buyer) as store:
        try:
            replies = signals.run(_replies(model, prompts, store, system))
        except BudgetError as error:
            hint = f"{purchase.resume} {error.hint} …"
            raise BudgetError(f"{system}: {error.what}", where=error.where, hint=hint) from None
    failed = [reply.reply for reply in replies if isinstance(reply.reply, Problem)]
    _refuse_outages(system, failed, len(replies), purchase)
    got = [reply.reply for reply in replies if isinstance(reply.reply, Reply)]
    usage = sum((actual_usage(reply) for reply in got), NO_USAGE)
    usd = _usd(model.teacher, usage)
    seconds = [reply.seconds for reply in got if reply.seconds is not None]
    return Prompted(
        predictions=[prediction(reply) for reply in replies],
        usd=[
            _usd(model.teacher, actual_usage(reply.reply) if isinstance(reply.reply, Reply) else NO_USAGE)
            for reply in replies
        ],
        cost=AnswerCost.of(len(examples), seconds=seconds, usd=usd, usage=usage),
        note=_unanswered(system, failed, len(replies)),
    )


def _usd(teacher: Teacher, usage: Usage) -> float | None:
    if not teacher.paid:
        return 0.0
    return None if teacher.price is None else teacher.price.of(usage)


def _asking(setup: Setup, system: str) -> Setup:
    """`setup` with the model as the teacher, and the shots and caps of ``[evaluate]``."""
    trust.require(setup.config, "evaluate")  # a stranger's run may not spend money
    name, _, model = system.partition(":")
    evaluate = setup.settings.evaluate
    generate = replace(
        setup.settings.generate,
        teacher=name,
        shots=evaluate.shots,
        batch=False,
        max_usd=evaluate.max_usd,
        max_tokens=evaluate.max_tokens,
        max_requests=None,
        max_wall=None,
    )
    parts = setup.config.parts.changed(f"teacher.{name}", model=model)
    config = replace(setup.config, settings=replace(setup.settings, generate=generate), parts=parts)
    return Setup(setup.plugins, config, setup.progress)


async def _replies(
    model: PromptedModel, prompts: Sequence[Prompt], store: ReplyStore, system: str
) -> list[TeacherReply]:
    from dstill.teacher.client import replies

    rows: list[TeacherReply] = []
    budget = model.budget(store)
    async with model.teacher as teacher:
        async for reply in replies(teacher, prompts, store, concurrency=model.concurrency, budget=budget):
            rows.append(reply)
            model.setup.progress(f"answering ({system})", len(rows), len(prompts))
    return rows


def _refuse_outages(system: str, failed: Sequence[Problem], n: int, purchase: Purchase) -> None:
    """Raises ServiceError if the service failed for some of `n` questions, BadRequest if it took none."""
    away = [problem for problem in failed if problem.code in SERVICE_FAULTS]
    if away:
        raise ServiceError(
            f"{system} did not answer {len(away):,} of {n:,} questions: {away[0].message}",
            where=purchase.where,
            hint="the other replies are saved; the same command asks for the rest",
        )
    if failed and len(failed) == n and all(problem.code == BadRequest.code for problem in failed):
        raise BadRequest(f"{system}: {failed[0].message}", where=failed[0].pointer, hint=failed[0].hint)


def _unanswered(system: str, failed: Sequence[Problem], n: int) -> str:
    from dstill.teacher.client import ID

    if not failed:
        return ""
    why = Counter(ID.sub("…", problem.message) for problem in failed).most_common(REASONS)
    listed = "; ".join(f"{count:,} × {message}" for message, count in why)
    return f"{system} gave no answer to {len(failed):,} of {n:,} questions, which count as wrong: {listed}"


def prediction(teacher_reply: TeacherReply) -> Prediction:
    """The reply of a model as a row; without text if there is none, or if it is to another question."""
    example, reply = teacher_reply.prompt.example, teacher_reply.reply
    if isinstance(reply, Problem):  # refused, or blocked by a filter
        return Prediction(id=example.id, text="")
    text, mixed_up = fence.removed(reply.text, example)
    return Prediction(
        id=example.id,
        text="" if mixed_up is not None else text[:LONGEST],
        seconds=reply.seconds,
        tokens=None if reply.usage is None else reply.usage.completion_tokens,
        truncated=reply.finish_reason == "length",
    )
