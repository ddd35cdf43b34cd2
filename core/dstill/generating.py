"""The stage `generate`: questions → teacher → checks → dataset.

    generate(run) → {"questions": 7000, "accepted": 6950, "splits": {"train": 6000, …}, "cost": {…}, …}

How a question becomes a row is in `dstill.teaching`; what becomes of the rows in `dstill.curating`.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, AsyncIterator, Iterable, Mapping, Sequence, Sized

from dstill import causes, stages, teaching
from dstill.config import Settings
from dstill.cost import caps, cost
from dstill.curating import ASKED, STORE, dataset, executing
from dstill.errors import BudgetError, Interrupted, RunError, UsageError
from dstill.focusing import Focus, draw, focus_of
from dstill.jsontext import dumps
from dstill.making import make_teacher
from dstill.parts import BatchTeacher, Teacher
from dstill.records import SPLITS, Example, Inquiry, Prompt
from dstill.rows import read_questions
from dstill.shell import command
from dstill.task import Task

if TYPE_CHECKING:
    from dstill.asking import Asked, Counts
    from dstill.budget import Budget
    from dstill.run import Run
    from dstill.store import ReplyStore

__all__ = ["account", "focus_asked", "generate", "questions"]

QUARTER = 4  # so many training questions for each one more, where nobody says how many

log = logging.getLogger("dstill")


def generate(run: Run, *, allow_changed: bool = False) -> Mapping[str, Any]:
    """Questions → teacher → checks → dataset. Returns the counts. A rerun buys only what is missing.

    Raises RunError where the run has a dataset of other questions, unless `allow_changed`.
    """
    teacher = make_teacher(run.plugins, run.config)
    outcomes: Counter[str] = Counter()
    with run.stage("generate") as facts, executing(run, outcomes) as (execute, executor):
        focus = focus_asked(run.task, run.settings)
        examples = questions(run.task, run.settings, focus)
        if run.has_dataset and not allow_changed:
            _same(run, examples, [inquiry.example for inquiry in run.load(Inquiry, ASKED)])
        data = {**run.task.facts(examples), **(executor.facts(examples) if executor is not None else {})}
        taught, about = _taught(run, teacher.open(run.task), examples, execute)
        run.write(ASKED, [one.inquiry for one in taught])
        if focus is not None:
            about["focus"] = focus.told()
        facts.update(about, teacher=teacher.name, **({"data": data} if data else {}))
        facts.update(dataset(run, examples, [one.row for one in taught], {**facts, "outcomes": dict(outcomes)}))
    return facts


def questions(task: Task, settings: Settings, focus: Focus | None) -> list[Example]:
    """The questions of a configuration, each in its split; of `focus_asked` some more to train on."""
    if settings.generate.questions:
        file = Path(settings.generate.questions)
        found = read_questions(file, json_answers=task.json_answers, one_answer=True)
    else:
        found = [example for split in SPLITS for example in task.examples(split)]
    found = [stages.split_of(example, settings.project.seed) for example in found]
    found = stages.first(found, settings.generate.limit) if settings.generate.limit else found
    found += _of_weak_kinds(task, settings, focus, found)
    _warn_of_what_is_not_checked(task, found)
    return found


def focus_asked(task: Task, settings: Settings) -> Focus | None:
    """Where the configuration asks for more questions; None: nowhere. Raises UsageError, RunError."""
    label, run = settings.generate.focus, settings.generate.focus_run
    if not label and not run:
        return None
    if not label or not run:
        raise UsageError(
            "a focus is a label of failures and the run that has them",
            where="generate.focus" if label else "generate.focus_run",
            hint="give --focus LABEL and --from RUN",
        )
    return focus_of(label, run, causes.labels(task))


def _of_weak_kinds(task: Task, settings: Settings, focus: Focus | None, found: Sequence[Example]) -> list[Example]:
    """More to train on, of the kinds in which a student failed. Raises UsageError."""
    if focus is None:
        return []
    rows = settings.generate.focus_rows or max(1, sum(one.split == "train" for one in found) // QUARTER)
    return draw(task, focus, {}, rows, settings.project.seed, found)


def _warn_of_what_is_not_checked(task: Task, examples: Sequence[Example]) -> None:
    """Before a reply is bought: an answer to a question without its mapping could name any field, and would pass."""
    idle = Counter(layer for example in examples for layer in task.idle(example))
    if idle:
        log.warning(
            "%s of %s questions do not say what they are about (context): %s of their answers will not be checked",
            f"{max(idle.values()):,}",
            f"{len(examples):,}",
            " and ".join(idle),
        )


def _same(run: Run, now: Sequence[Example], then: Sequence[Example]) -> None:
    """Raises RunError, with the difference, where a run's dataset was made of other questions than those of now."""
    new, old = ({example.id: dumps(example.to_row()) for example in examples} for examples in (now, then))
    found = {
        "added": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "changed": {id for id in new.keys() & old.keys() if new[id] != old[id]},
    }
    if old and any(found.values()):
        parts = [f"{len(ids)} {what} ({min(ids)}{', …' if len(ids) > 1 else ''})" for what, ids in found.items() if ids]
        raise RunError(
            f"the questions are not those of which run '{run.name}' has its dataset: {', '.join(parts)}",
            where=run.settings.generate.questions or f"task '{run.task.name}'",
            hint="begin a new run with another --out, or make this one's dataset anew with --allow-changed",
        )


def account(run: Run) -> str:
    """On which replies are bought: the cap of a run holds over all the times that it is begun."""
    return f"{run.name} {run.manifest.get('id', run.manifest['created'])}"  # runs of dstill 0.1.0 have no id


def _taught(
    run: Run, teacher: Teacher, examples: Sequence[Example], execute: teaching.Execute
) -> tuple[list[teaching.Taught], dict[str, Any]]:
    """What the teacher's replies came to. Raises Interrupted and BudgetError, which say how many are kept."""
    from dstill import interrupts
    from dstill.asking import Counts
    from dstill.budget import Budget
    from dstill.store import ReplyStore

    settings = run.settings.generate
    limits = caps(settings, teacher)
    counts, again = Counts(), teaching.Again()
    with ReplyStore(Path(STORE), buyer=account(run)) as store:

        def kept() -> str:
            n = teaching.saved(run.plugins, run.task, teacher, examples, store, shots=settings.shots)
            return f"{n}/{len(examples)}"

        budget = Budget(limits, teacher.price, spent=store.bought_by(account(run)) if teacher.paid else ())
        asking = _Asking(run, teacher, store, counts, budget, len(examples))
        work = teaching.teach(
            run.plugins,
            run.task,
            teacher,
            examples,
            shots=settings.shots,
            ask=asking.ask,
            execute=execute,
            again=again,
        )
        resume = command("generate", "--out", run.folder)
        try:
            taught = interrupts.run(work)
        except KeyboardInterrupt:
            raise Interrupted(f"stopped; {kept()} saved; resume with: {resume}", where=str(run.folder)) from None
        except BudgetError as error:
            what = " while asking again," if asking.rounds > 1 else ""
            raise BudgetError(
                f"{error.what}{what} at {kept()}; resume with a higher {error.hint}",
                where=error.where,
                hint=f"{resume} {error.hint} …",
            ) from None
        models = teaching.models([one.inquiry for one in taught], store)
    facts = {
        "models": models,
        "replies": asdict(counts),
        "asked_again": dict(again.asked),
        "mended": dict(again.mended),
        "cost": cost(settings, teacher, budget, len(examples)),
    }
    return taught, facts


class _Asking:
    """Asks in rounds, with one account of what was bought, and says how far it is."""

    def __init__(
        self, run: Run, teacher: Teacher, store: ReplyStore, counts: Counts, budget: Budget, questions: int
    ) -> None:
        self.run, self.teacher, self.store, self.counts, self.budget = run, teacher, store, counts, budget
        self.questions = questions
        self.rounds = 0

    async def ask(self, prompts: Iterable[Prompt]) -> AsyncIterator[Asked]:
        what = "asking the teacher" if not self.rounds else "asking again"
        total = len(prompts) if isinstance(prompts, Sized) else self.questions
        self.rounds += 1
        done = 0
        async for asked in self._replies(prompts):
            yield asked
            done += 1
            self.run.progress(what, done, total)

    def _replies(self, prompts: Iterable[Prompt]) -> AsyncIterator[Asked]:
        from dstill import asking, batching

        settings = self.run.settings.generate
        if settings.batch and isinstance(self.teacher, BatchTeacher):
            return batching.replies(
                self.teacher,
                prompts,
                self.store,
                counts=self.counts,
                budget=self.budget,
                looked=lambda done, total: self.run.progress("waiting for batches", done, total),
            )
        return asking.replies(
            self.teacher,
            prompts,
            self.store,
            concurrency=settings.concurrency,
            counts=self.counts,
            budget=self.budget,
        )
