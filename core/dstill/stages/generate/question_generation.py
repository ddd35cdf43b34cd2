"""Questions that a teacher invents: ``dstill data questions --teacher NAME``.

    invented = invent(setup, context, 200, Path("replies.sqlite"), seeds=…)
    invented.examples          # Example(id="invented-5f1c…", question="…", category="metric", …): without answers
    invented.summary_lines()   # ["230 questions came: 200 kept, 30 duplicates (13.0%), 9 missing"]
    invented.stopped           # why there are fewer than asked for; empty: there are not

`question_inventor` writes the requests and reads the replies. Replies are stored in the project's reply
store, so that a rerun buys only what is missing. The budgets of `generate` apply.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dstill.api.protocols import QuestionBrief, Synthesis
from dstill.api.records import Example, Prompt, Reply
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import BudgetError, Interrupted, UsageError
from dstill.factory import Setup, make_teacher
from dstill.runtime import signals
from dstill.runtime.progress import Progress
from dstill.stages.generate.augment import Focus
from dstill.stages.generate.question_inventor import InventedQuestions, Inventor, digest
from dstill.teacher.cost import caps, cost

if TYPE_CHECKING:
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import TeacherReply

__all__ = ["brief_of", "invent"]


def invent(
    setup: Setup,
    context: Mapping[str, Any],
    n: int,
    replies: Path,
    *,
    seeds: Sequence[Example] = (),
    focus: Focus | None = None,
) -> InventedQuestions:
    """At most `n` questions about `context` (as in `Synthesis.synthesize`), similar to `seeds`.

    `focus`: invent questions of its categories only. Raises UsageError for a teacher that only looks answers up, and
    when the task has none of these categories. Raises BudgetError and Interrupted after all replies were stored.
    """
    from dstill.teacher import client
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore

    settings, seed = setup.settings.generate, setup.settings.project.seed
    task, teacher = setup.task, make_teacher(setup.plugins, setup.config)
    if teacher.is_lookup:
        raise UsageError(
            f"teacher '{teacher.name}' invents no questions: it only repeats existing answers",
            where="--teacher",
            hint="ask a model, as --teacher openai",
        )
    teacher.json_mode = "off"  # JSON mode is for answers
    limits, brief = caps(settings, teacher.open(task)), brief_of(task, context)
    shares, excluded = _focused(focus, brief)
    # The budget covers all calls that ask for the same questions.
    asked_for = [task.name, teacher.name, brief.about, n, seed, *([shares] if shares else [])]
    account = f"questions {digest(asked_for)}"
    with ReplyStore(replies, buyer=account) as store:
        budget = Budget(limits, teacher.price, spent=store.bought_by(account) if teacher.paid else ())

        def ask(prompts: Iterable[Prompt]) -> AsyncGenerator[TeacherReply, None]:
            answers = client.replies(teacher, prompts, store, concurrency=settings.concurrency, budget=budget)
            return cast("AsyncGenerator[TeacherReply, None]", answers)

        def inventor() -> Inventor:
            rate = settings.max_duplicate_rate
            return Inventor(brief, seeds, n, seed=seed, max_duplicate_rate=rate, shares=shares, excluded=excluded)

        def stored() -> str:
            return f"{_replay(teacher, inventor(), store)}/{n}; every reply is kept"

        maker = inventor()
        try:
            signals.run(_asked(teacher, maker, ask, setup.progress))
        except KeyboardInterrupt:
            raise Interrupted(
                f"stopped at {stored()}", where=str(replies), hint="run the same command again to continue"
            ) from None
        except BudgetError as error:
            raise BudgetError(
                f"{error.what} at {stored()}",
                where=error.where,
                hint=f"run the same command again with a higher {error.hint} to continue",
            ) from None
    if focus is not None:
        maker.invented.examples = [replace(example, split="train") for example in maker.invented.examples]
    maker.invented.cost = cost(setup.settings.cost, teacher, budget, len(maker.invented.examples))
    return maker.invented


def brief_of(task: Task, context: Mapping[str, Any]) -> QuestionBrief:
    """The text that a teacher reads about the data in `context`: by default, the instructions of the task."""
    about = f"Others turn the questions into answers, by these instructions:\n{task.instructions}"
    return Synthesis.of(task).question_brief(context) or QuestionBrief(about=about)


def _focused(focus: Focus | None, brief: QuestionBrief) -> tuple[Mapping[str, int], Sequence[str]]:
    """The failures by category of the brief, and the questions of the run of the focus, to exclude."""
    if focus is None:
        return {}, ()
    excluded = [row.question for row in focus.asked]
    if not brief.categories:
        return {}, excluded
    shares = {name: count for name, count in focus.categories.items() if name in brief.categories}
    if not shares:
        raise UsageError(
            f"the task invents no questions of {', '.join(focus.categories)}",
            where=f"--augment-cause {focus.label}",
            hint=f"there are {', '.join(brief.categories)}",
        )
    return shares, excluded


def _replay(teacher: Teacher, inventor: Inventor, store: ReplyStore) -> int:
    """How many questions the stored replies have."""
    whole = True
    while whole and (prompts := inventor.round()):
        for prompt in prompts:
            reply = store.get(store.key(teacher.identity(prompt), prompt.messages))
            inventor.take(prompt.example.id, reply.text if reply is not None else "")
            whole = whole and reply is not None
    return len(inventor.invented.examples)


async def _asked(
    teacher: Teacher,
    inventor: Inventor,
    ask: Callable[[Iterable[Prompt]], AsyncGenerator[TeacherReply, None]],
    progress: Progress,
) -> None:
    from contextlib import aclosing

    async with teacher:
        while prompts := inventor.round():
            async with aclosing(ask(prompts)) as replies:  # on an early return, replies under way are stored
                async for reply in replies:
                    inventor.take(reply.prompt.example.id, reply.reply.text if isinstance(reply.reply, Reply) else "")
                    progress("inventing questions", len(inventor.invented.examples), inventor.invented.n_requested)
                    if inventor.invented.stopped:
                        return
