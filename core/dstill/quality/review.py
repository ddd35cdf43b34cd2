"""Review of the dataset by a person: decisions about rows, their effect, and whether they suffice to train.

    RUN/review.jsonl, one row for each decision, appended:
    {"id": "q-17", "decision": "reject", "who": "somebody", "when": "2026-03-01T10:00:00+00:00", "digest": "9f…", …}

    without_undone(log)                         # the decisions that were not undone
    applied(records, decisions).records         # without rejected rows, with edited answers
    sample(records, precision, seed, decisions) # the rows that a person is shown, by category
    gate(plugins, settings, records, …)         # DataError when training should wait for a person

`dstill.runs.review_log` reads the file.

A decision is about one version of a record (`digest`). When the question, rationale, answer or context changes, the
decision is void and the row has to be judged again. Decisions lie beside the dataset, not in it, so that they survive
when the dataset is rebuilt from the same replies. An edit counts as not accepted: the teacher's answer was wrong, and
the sample represents answers that nobody reviewed.
"""

from __future__ import annotations

import hashlib
import math
from bisect import insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from pathlib import Path

from dstill.api.records import Record, Row
from dstill.config import Review
from dstill.errors import DataError
from dstill.inputs.quotas import quotas
from dstill.io.shell import command
from dstill.io.strict_json import dumps
from dstill.plugins import Plugins
from dstill.runtime import spooled

__all__ = [
    "ACCEPT",
    "EDIT",
    "FILE",
    "JUDGEMENTS",
    "REJECT",
    "REVIEWED",
    "SKIP",
    "UNDO",
    "Applied",
    "Decision",
    "ReviewStatus",
    "applied",
    "digest",
    "gate",
    "latest",
    "sample",
    "sample_size",
    "without_undone",
]

FILE = "review.jsonl"
ACCEPT, REJECT, EDIT, SKIP, UNDO = "accept", "reject", "edit", "skip", "undo"
JUDGEMENTS = (ACCEPT, REJECT, EDIT)  # a skip is no judgement
REVIEWED = ("train", "validation")  # the splits that are sampled, and that `train` asks about


@dataclass(frozen=True, kw_only=True)
class Decision(Row):
    """One row of review.jsonl. An undo cancels the last decision about its id."""

    id: str
    decision: str
    who: str
    when: str  # ISO 8601, UTC
    digest: str = ""  # of the record that was judged
    split: str = ""
    category: str = ""
    answer: str | None = None  # of an edit
    rationale: str | None = None


@dataclass(frozen=True, kw_only=True)
class Applied:
    """Records after the review."""

    records: Sequence[Record]
    rejected: int = 0  # rows that a person rejected; `records` lacks them
    edited: int = 0  # rows whose answer or rationale a person wrote
    changed: int = 0  # rows that changed after they were judged: the decision is void


@dataclass(frozen=True, kw_only=True)
class ReviewStatus:
    """How far the review of the rows to train on is."""

    sample: int  # rows that a person is shown
    judged: int  # rows that a person judged, in the sample or not
    accepted: int
    rate: float | None  # accepted / judged, 0 to 1; None: nothing was judged
    n_rejected: int
    edited: int
    modified: int  # rows that changed after they were judged
    allowed: bool  # to train although the review does not suffice
    sufficient: bool
    message: str  # the status in a line


def without_undone(log: Iterable[Decision]) -> list[Decision]:
    """The decisions of a log that were not undone, oldest first."""
    left: list[Decision] = []
    for decision in log:
        if decision.decision != UNDO:
            left.append(decision)
            continue
        taken_back = next((n for n in reversed(range(len(left))) if left[n].id == decision.id), None)
        if taken_back is not None:
            del left[taken_back]
    return left


def digest(record: Record) -> str:
    """SHA-256, in hex, of what a person judges: question, rationale, answer and context."""
    judged = [record.question, record.rationale, record.answer, dict(record.context)]
    return hashlib.sha256(dumps(judged).encode()).hexdigest()


def latest(decisions: Iterable[Decision]) -> dict[str, Decision]:
    """The last decision about each id."""
    return {decision.id: decision for decision in decisions}


def applied(records: Iterable[Record], decisions: Iterable[Decision]) -> Applied:
    """`records` without those that a person rejected, and with the answers that a person wrote."""
    current, counts, left = latest(decisions), Counter[str](), spooled.records()
    for record in records:
        decision = current.get(record.id)
        if decision is not None and decision.digest != digest(record):
            counts["changed"] += 1
        elif decision is not None and decision.decision == REJECT:
            counts["rejected"] += 1
            continue
        elif decision is not None and decision.decision == EDIT:
            counts["edited"] += 1
            record = replace(record, answer=decision.answer or "", rationale=decision.rationale or "")
        left.append(record)
    return Applied(records=left, **counts)


# --- the sample -------------------------------------------------------------------------


def sample_size(rows: int, precision: float) -> int:
    """Rows to judge so that the 95 % interval of the accepted rate is at most ± `precision`, whatever the rate.

    Cochran's formula at a rate of one half, with the correction for a finite population of `rows`.
    """
    from statistics import NormalDist

    if not rows:
        return 0
    unlimited = (NormalDist().inv_cdf(0.975) / precision) ** 2 / 4
    return min(rows, math.ceil(unlimited / (1 + (unlimited - 1) / rows)))


def sample(
    records: Sequence[Record], precision: float, seed: int, decisions: Iterable[Decision], *, size: int | None = None
) -> list[Record]:
    """The rows to judge, in the order in which they are shown; the same for the same arguments.

    Each category has its share, and at least one row if the sample is large enough. The next row of its category
    replaces a skipped one. `size`: the number of rows, instead of the one that `precision` gives.
    """
    sizes = Counter(record.category for record in records)
    wanted = sample_size(len(records), precision) if size is None else min(size, len(records))
    largest_first = sorted(sizes, key=lambda name: (-sizes[name], name))
    shares = quotas({name: sizes[name] for name in largest_first}, wanted, sample=True)
    skipped = {d.id: d.digest for d in latest(decisions).values() if d.decision == SKIP}
    first: dict[str, list[tuple[str, Record]]] = defaultdict(list)  # of each category, in ascending order
    for record in records:
        if record.id not in skipped or skipped[record.id] != digest(record):
            rows = first[record.category]
            insort(rows, (_drawn(seed, record.id), record), key=itemgetter(0))
            del rows[shares[record.category] :]
    return [record for _, record in sorted(chain.from_iterable(first.values()), key=itemgetter(0))]


def _drawn(seed: int, id: str) -> str:
    return hashlib.sha256(f"{seed}:{id}".encode()).hexdigest()


# --- whether it suffices ----------------------------------------------------------------


def gate(
    plugins: Plugins,
    settings: Review,
    records: Sequence[Record],
    decisions: Sequence[Decision],
    *,
    seed: int,
    allow: bool,
    run: Path,
) -> ReviewStatus:
    """The status of the review of `records`, which are those of training and validation.

    Raises DataError when the review does not suffice to train, unless `allow`. A dataset that a person reviewed needs
    an accepted rate of ``review.min_accept``, whoever wrote it. ``review.required`` says whether one that nobody
    reviewed is refused. `run`: the folder of the run, for the message.
    """
    status, missing = _status(settings, records, decisions, seed=seed, allow=allow)
    required = settings.required == "always" or (
        settings.required == "auto" and any(_is_model(plugins, name) for name in {r.teacher for r in records})
    )
    reviewed = bool(status.judged) and not missing  # a finished review counts, whoever wrote the rows
    stops = not status.sufficient and (required or reviewed) and settings.required != "never"
    if records and stops and not allow:
        raise DataError(
            status.message,
            where=str(run / FILE),
            hint=f"{command('data', 'review', run)}; or train on it as it is, with --allow-unreviewed",
        )
    return status


def _status(
    settings: Review, records: Sequence[Record], decisions: Sequence[Decision], *, seed: int, allow: bool
) -> tuple[ReviewStatus, int]:
    """The status, and how many rows of the sample are still to be judged."""
    current = latest(decisions)
    judged = [
        current[r.id].decision
        for r in records
        if r.id in current and current[r.id].decision in JUDGEMENTS and current[r.id].digest == digest(r)
    ]
    shown = sample(records, settings.ci_half_width, seed, decisions)
    missing = sum(r.id not in current or current[r.id].digest != digest(r) for r in shown)
    after = applied(records, decisions)
    status = ReviewStatus(
        sample=len(shown),
        judged=len(judged),
        accepted=judged.count(ACCEPT),
        rate=judged.count(ACCEPT) / len(judged) if judged else None,
        n_rejected=after.rejected,
        edited=after.edited,
        modified=after.changed,
        allowed=allow,
        sufficient=False,
        message="",
    )
    sufficient, message = _assessed(status, missing, settings.min_accept)
    return replace(status, sufficient=sufficient, message=message), missing


def _assessed(status: ReviewStatus, missing: int, min_accept: float) -> tuple[bool, str]:
    """Whether a person accepted enough rows, and the message about it."""
    if status.rate is None:
        return False, f"nobody has reviewed the dataset: `dstill data review` shows {status.sample} of its rows"
    counted = f"a person accepted {status.accepted} of {status.judged} rows judged ({status.rate:.1%})"
    if missing:  # the rate of the first few rows is not yet representative
        return False, f"the review is not finished: {missing} of {status.sample} rows are left; {counted}"
    if status.rate < min_accept:
        return False, f"{counted}, fewer than review.min_accept = {min_accept:g} asks for"
    return True, counted


def _is_model(plugins: Plugins, teacher: str) -> bool:
    """Whether a model wrote the answer. Without a teacher, it came with the question."""
    return bool(teacher) and not plugins.is_lookup(teacher)
