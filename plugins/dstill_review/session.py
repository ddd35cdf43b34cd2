"""A review session: the next row to judge, the decisions, and the progress.

    session = ReviewSession(run, splits=("train",), everything=False, executor=executor)
    session.current()                                  # the record to judge; None: all are judged
    session.judge(record.id, digest(record), "accept")
    session.edit(record.id, digest(record), answer="1+2", rationale=None)     # raises InvalidEdit
    session.undo()
    session.progress()                                 # {"judged": 12, "sample": 367, "rate": 0.91, "low": …, …}

A decision is on disk when the call returns. Sessions are thread-safe.
"""

from __future__ import annotations

import getpass
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from dstill.api.executor import Executor
from dstill.api.metric import rate
from dstill.api.records import SPLITS, Draft, Example, Outcome, OutcomeKind, Problem, Record
from dstill.errors import DataError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.io.strict_json import NotStrict, dumps, loads
from dstill.quality.review import ACCEPT, EDIT, FILE, JUDGEMENTS, REJECT, SKIP, UNDO, Decision, digest, latest, sample
from dstill.runs.review_log import decisions
from dstill.runs.run import Run
from dstill.stages.generate.label import for_the_answer

__all__ = ["Checked", "InvalidEdit", "ReviewSession", "StaleRow", "normalized", "split_names"]

MAX_TEXT = 100_000  # characters of an edited answer or rationale


class InvalidEdit(Exception):
    """An edit that the checks or the engine reject, with the problems they found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problems = tuple(problems)


class StaleRow(Exception):
    """A decision about a row that is already decided or has changed, for example from a second window."""


class Checked:
    """A session's facts about answers: problems, outcomes, and whether an edit can be kept."""

    asks: ClassVar[str]  # review: whether a row is good; judge: whether an answer is right

    def __init__(self, run: Run, executor: Executor | None) -> None:
        self.run, self._executor = run, executor
        self._lock = threading.RLock()
        self._engine = threading.Lock()  # an executor may allow only one thread

    def problems(self, example: Example, answer: str, rationale: str) -> tuple[Problem, ...]:
        """The problems that all checks find in a draft, including checks of plugins.

        A row that came without a rationale needs none.
        """
        problems = self.run.plugins.check_draft(self.run.task, example, Draft(answer=answer, rationale=rationale))
        return problems if rationale or example.rationale else for_the_answer(problems)

    def outcome(self, example: Example, answer: str) -> Outcome | None:
        """The outcome of executing a checked answer; None for a refusal or without an executor."""
        if self._executor is None or self.run.task.is_refusal(answer):
            return None
        with self._engine:
            return self._executor.run(answer, example)

    def require_valid(self, record: Record, answer: str, rationale: str) -> None:
        """Raises InvalidEdit."""
        if max(len(answer), len(rationale)) > MAX_TEXT:
            message = f"longer than {MAX_TEXT:,} characters"
            raise InvalidEdit([Problem(layer="edit", code="too_long", message=message)])
        example = record.example
        errors = [p for p in self.problems(example, answer, rationale) if p.is_error]
        if errors:
            raise InvalidEdit(errors)
        outcome = self.outcome(example, answer)
        if outcome is not None and outcome.kind in (OutcomeKind.INVALID, OutcomeKind.UNAVAILABLE):
            raise InvalidEdit([Problem(layer="engine", code=outcome.kind.value, message=outcome.reason)])


class ReviewSession(Checked):
    """The review of one run, whose lock the caller holds.

    Raises DataError if the splits have no rows. `everything` reviews all rows instead of a sample. `reviewer`: who
    decides; empty: the one of the settings, else the login name.
    """

    asks = "review"

    def __init__(
        self, run: Run, *, splits: Sequence[str], everything: bool, executor: Executor | None, reviewer: str = ""
    ) -> None:
        super().__init__(run, executor)
        self._records = [record for split in splits for record in run.records(split, raw=True)]
        if not self._records:
            raise DataError(
                f"no rows to review in {', '.join(splits)}",
                where=str(run.folder / "dataset"),
                hint=f"`{command('generate', '--out', run.folder)}` makes the dataset",
            )
        self._size = len(self._records) if everything else None
        self.reviewer = reviewer or run.settings.review.reviewer or _login()
        self._decisions = decisions(run)
        self._digests: dict[str, str] = {}
        self._choose()

    def _choose(self) -> None:
        """Draw the sample, and find the decisions that are still valid for its rows."""
        settings = self.run.settings
        self._sample = sample(
            self._records, settings.review.ci_half_width, settings.project.seed, self._decisions, size=self._size
        )
        decided = latest(self._decisions)
        valid = (r.id for r in self._sample if r.id in decided and decided[r.id].digest == self._digest(r))
        self._decided = {id: decided[id] for id in valid}
        self._open = [r for r in self._sample if r.id not in self._decided]

    def _digest(self, record: Record) -> str:
        if record.id not in self._digests:
            self._digests[record.id] = digest(record)
        return self._digests[record.id]

    def _skipped(self) -> set[str]:
        """Ids of skipped rows, which other rows replace in the sample."""
        decided = latest(self._decisions)
        skips = (r for r in self._records if r.id in decided and decided[r.id].decision == SKIP)
        return {r.id for r in skips if decided[r.id].digest == self._digest(r)}

    # --- rows and progress --------------------------------------------------------------

    def current(self) -> Record | None:
        """The record to judge now; None if the whole sample is judged."""
        with self._lock:
            return self._open[0] if self._open else None

    def progress(self) -> dict[str, Any]:
        """Counts over the sample, and the share accepted without edits (`rate`) with its 95 % Wilson interval."""
        with self._lock:
            # The category of the row, not of the decision: it may have changed since.
            judged = [
                (r.category, d.decision)
                for r in self._sample
                if (d := self._decided.get(r.id)) and d.decision in JUDGEMENTS
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
        counts: dict[str, Any] = {
            name: {"sample": n, "judged": 0, "accepted": 0}
            for name, n in sorted(Counter(record.category for record in self._sample).items())
        }
        for category, decision in judged:
            counts[category]["judged"] += 1
            counts[category]["accepted"] += decision == ACCEPT
        return counts

    # --- decisions ----------------------------------------------------------------------

    def judge(self, id: str, digest: str, decision: str) -> None:
        """Accept, reject or skip a row. Raises StaleRow."""
        with self._lock:
            self._decide(self._current_row(id, digest), decision)

    def edit(self, id: str, digest: str, *, answer: str | None, rationale: str | None) -> None:
        """Replace the answer or the rationale of a row; None: unchanged. Raises InvalidEdit or StaleRow."""
        record = self._current_row(id, digest)
        answer = record.answer if answer is None else normalized(answer, as_json=self.run.task.json_answers)
        rationale = record.rationale if rationale is None else rationale.strip()
        self.require_valid(record, answer, rationale)
        with self._lock:
            self._decide(self._current_row(id, digest), EDIT, answer=answer, rationale=rationale)

    def undo(self) -> Decision | None:
        """Undo the last decision and return it; its row becomes the current one. None if there is nothing to undo."""
        with self._lock:
            ids = self._decided.keys() | self._skipped()
            last = next((d for d in reversed(self._decisions) if d.id in ids), None)
            if last is None:
                return None
            undo = Decision(id=last.id, decision=UNDO, who=self.reviewer, when=_now(), digest=last.digest)
            self.run.append(FILE, undo)
            self._decisions.remove(last)
            self._choose()
            self._open.sort(key=lambda record: record.id != last.id)
            return last

    def _current_row(self, id: str, digest: str) -> Record:
        """The undecided row with this content. Raises StaleRow."""
        with self._lock:
            record = next((r for r in self._open if r.id == id), None)
            if record is None or self._digest(record) != digest:
                raise StaleRow(f"row '{id}' is already judged or has changed")
            return record

    def _decide(
        self, record: Record, decision: str, *, answer: str | None = None, rationale: str | None = None
    ) -> None:
        row = Decision(
            id=record.id,
            decision=decision,
            who=self.reviewer,
            when=_now(),
            digest=self._digest(record),
            split=record.split,
            category=record.category,
            answer=answer,
            rationale=rationale,
        )
        self.run.append(FILE, row)
        self._decisions.append(row)
        if decision == SKIP:
            self._choose()  # another row of its category takes its place
        else:
            self._decided[record.id] = row
            self._open.remove(record)


def split_names(names: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
    """The splits to review. Raises UsageError for an unknown split."""
    for name in names:
        if name not in SPLITS:
            raise UsageError(
                f"no split '{name}'.{did_you_mean(name, SPLITS)}",
                where="--split",
                hint=f"splits: {', '.join(SPLITS)}",
            )
    return tuple(dict.fromkeys(names)) or tuple(default)


def normalized(answer: str, *, as_json: bool) -> str:
    """An edited answer in the dataset's spelling. Invalid JSON is left to the checks."""
    try:
        return dumps(loads(answer)) if as_json else answer.strip()
    except NotStrict:
        return answer.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the user of a container may have no name
        return "unknown"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
