"""The desk at which a person judges rows: what comes next, what was decided, how far it is.

    desk = Desk(run, splits=("train",), everything=False, executor=executor)
    desk.current()                                  # the record to judge; None: all are judged
    desk.judge(record.id, digest(record), "accept")
    desk.edit(record.id, digest(record), answer="1+2", rationale=None)     # Refused, with what the checks say
    desk.undo()
    desk.progress()                                 # {"judged": 12, "sample": 367, "rate": 0.91, "low": …, …}

Every decision is on disk when its call returns. Several threads may call.
"""

from __future__ import annotations

import getpass
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any, Iterable, Sequence

from dstill.api.executor import Executor
from dstill.api.metric import rate
from dstill.api.records import SPLITS, Draft, Example, Outcome, OutcomeKind, Problem, Record
from dstill.api.splits import split_name
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.io.strict_json import NotStrict, dumps, loads
from dstill.pipeline.review import ACCEPT, EDIT, FILE, JUDGED, REJECT, SKIP, UNDO, Decision, digest, latest, sample
from dstill.runs.review_log import decisions
from dstill.runs.run import Run

__all__ = ["Desk", "Refused", "Stale", "split_names"]

LONGEST = 100_000  # characters of an answer or a rationale that a person writes


class Refused(Exception):
    """An edit that does not pass, and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)


class Stale(Exception):
    """A decision about a row that is not the one to judge any more, as from a second window."""


class Desk:
    """Of one run, whose lock the caller holds."""

    def __init__(self, run: Run, *, splits: Sequence[str], everything: bool, executor: Executor | None) -> None:
        self.run, self._executor = run, executor
        self._lock = threading.RLock()
        self._engine = threading.Lock()  # an executor takes a few threads at once, if more than one
        self._records = [record for split in splits for record in run.records(split, raw=True)]
        if not self._records:
            raise DataError(
                f"no rows to review in {', '.join(splits)}",
                where=str(run.folder / "dataset"),
                hint=f"`{command('generate', '--out', run.folder)}` makes the dataset",
            )
        self._size = len(self._records) if everything else None
        self.who = run.settings.review.reviewer or _login()
        self._standing = decisions(run)
        self._digests: dict[str, str] = {}
        self._choose()

    def _choose(self) -> None:
        settings = self.run.settings
        self._sample = sample(
            self._records, settings.review.ci_half_width, settings.project.seed, self._standing, size=self._size
        )
        found = latest(self._standing)
        holding = (r.id for r in self._sample if r.id in found and found[r.id].digest == self._digest(r))
        self._found = {id: found[id] for id in holding}
        self._open = [r for r in self._sample if r.id not in self._found]

    def _digest(self, record: Record) -> str:
        if record.id not in self._digests:
            self._digests[record.id] = digest(record)
        return self._digests[record.id]

    def _skipped(self) -> set[str]:
        """Rows of these sets that another one was shown in place of."""
        found = latest(self._standing)
        skips = (r for r in self._records if r.id in found and found[r.id].decision == SKIP)
        return {r.id for r in skips if found[r.id].digest == self._digest(r)}

    # --- what is there to judge ---------------------------------------------------------

    def current(self) -> Record | None:
        """The record to judge now; None: every one of the sample is judged."""
        with self._lock:
            return self._open[0] if self._open else None

    def progress(self) -> dict[str, Any]:
        """Counts over the sample, and the share accepted as it stood with its 95 % Wilson interval."""
        with self._lock:
            # by the category that a row has now: making the dataset anew may have given it another
            judged = [
                (r.category, d.decision) for r in self._sample if (d := self._found.get(r.id)) and d.decision in JUDGED
            ]
            counts = Counter(decision for _, decision in judged)
            score = rate("acceptance", counts[ACCEPT], len(judged))
            return {
                "sample": len(self._sample),
                "rows": len(self._records),
                "judged": len(judged),
                "left": len(self._open),
                "accepted": counts[ACCEPT],
                "rejected": counts[REJECT],
                "edited": counts[EDIT],
                "skipped": len(self._skipped()),
                "rate": score.value,
                "low": score.low,
                "high": score.high,
                "categories": self._categories(judged),
            }

    def _categories(self, judged: Iterable[tuple[str, str]]) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: {"sample": n, "judged": 0, "accepted": 0}
            for name, n in sorted(Counter(record.category for record in self._sample).items())
        }
        for category, decision in judged:
            found[category]["judged"] += 1
            found[category]["accepted"] += decision == ACCEPT
        return found

    # --- deciding -----------------------------------------------------------------------

    def judge(self, id: str, digest: str, decision: str) -> None:
        """Accept, reject or skip the row that is shown. Raises Stale."""
        with self._lock:
            self._decide(self._shown(id, digest), decision)

    def edit(self, id: str, digest: str, *, answer: str | None, rationale: str | None) -> None:
        """Take an answer or rationale of the person's own; None: as it was. Raises Refused, Stale."""
        record = self._shown(id, digest)
        answer = record.answer if answer is None else _compact(answer, as_json=self.run.task.json_answers)
        rationale = record.rationale if rationale is None else rationale.strip()
        self._require(record, answer, rationale)
        with self._lock:
            self._decide(self._shown(id, digest), EDIT, answer=answer, rationale=rationale)

    def undo(self) -> Decision | None:
        """Take back the last decision about a row that is or was shown; None where there is none.

        Its row is the next to be judged.
        """
        with self._lock:
            here = self._found.keys() | self._skipped()
            last = next((d for d in reversed(self._standing) if d.id in here), None)
            if last is None:
                return None
            self.run.append(FILE, Decision(id=last.id, decision=UNDO, who=self.who, when=_now(), digest=last.digest))
            self._standing.remove(last)
            self._choose()
            self._open.sort(key=lambda record: record.id != last.id)
            return last

    def _shown(self, id: str, digest: str) -> Record:
        with self._lock:
            record = next((r for r in self._open if r.id == id), None)
            if record is None or self._digest(record) != digest:
                raise Stale(f"row '{id}' is not the one to judge now")
            return record

    def _decide(
        self, record: Record, decision: str, *, answer: str | None = None, rationale: str | None = None
    ) -> None:
        made = Decision(
            id=record.id,
            decision=decision,
            who=self.who,
            when=_now(),
            digest=self._digest(record),
            split=record.split,
            category=record.category,
            answer=answer,
            rationale=rationale,
        )
        self.run.append(FILE, made)
        self._standing.append(made)
        if decision == SKIP:
            self._choose()  # another row of its category takes its place
        else:
            self._found[record.id] = made
            self._open.remove(record)

    # --- checking -----------------------------------------------------------------------

    def problems(self, example: Example, answer: str, rationale: str) -> tuple[Problem, ...]:
        """What every check finds, those of plugins too."""
        return self.run.plugins.check_draft(self.run.task, example, Draft(answer=answer, rationale=rationale))

    def outcome(self, example: Example, answer: str) -> Outcome | None:
        """What running a checked answer gives; None where there is nothing to run or to run it on."""
        if self._executor is None or self.run.task.is_refusal(answer):
            return None
        with self._engine:
            return self._executor.run(answer, example)

    def _require(self, record: Record, answer: str, rationale: str) -> None:
        if max(len(answer), len(rationale)) > LONGEST:
            raise Refused([Problem(layer="edit", code="too_long", message=f"longer than {LONGEST:,} characters")])
        example = record.example
        errors = [p for p in self.problems(example, answer, rationale) if p.is_error]
        if errors:
            raise Refused(errors)
        outcome = self.outcome(example, answer)
        if outcome is not None and outcome.kind in (OutcomeKind.INVALID, OutcomeKind.UNAVAILABLE):
            raise Refused([Problem(layer="engine", code=outcome.kind.value, message=outcome.reason)])


def split_names(given: Sequence[str], otherwise: Sequence[str]) -> tuple[str, ...]:
    """The sets to review. Raises UsageError for what is none."""
    given = [split_name(name, "--split") for name in given]
    for name in given:
        if name not in SPLITS:
            raise UsageError(
                f"no split '{name}'.{did_you_mean(name, SPLITS)}",
                where="--split",
                hint=f"there are {', '.join(SPLITS)}",
            )
    return tuple(dict.fromkeys(given)) or tuple(otherwise)


def _compact(answer: str, *, as_json: bool) -> str:
    """As the dataset has it. What is no JSON stays as it is: the checks say what is wrong."""
    try:
        return dumps(loads(answer)) if as_json else answer.strip()
    except NotStrict:
        return answer.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
