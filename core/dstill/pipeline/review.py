"""What a person decided about rows of the dataset, what that does to them, and whether it is enough to train on.

    RUN/review.jsonl, one row a decision, appended:
    {"id": "q-17", "decision": "reject", "who": "somebody", "when": "2026-03-01T10:00:00+00:00", "digest": "9f…", …}

    without_undone(log)                        # the decisions that were not taken back
    applied(records, standing).records         # rejected rows left out, edited answers taken
    sample(records, precision, seed, standing) # the rows that a person is shown, by category
    gate(plugins, settings, records, …)        # DataError where training should wait for a person

`dstill.runs.review_log` reads the file.

A decision is about a record as it stood: where its question, rationale, answer or context have changed since
(`digest`), it holds no more and the row is to be judged again. Decisions lie beside the dataset, not in it, so
that making the dataset anew from the same replies keeps them. An edit counts as not accepted: the teacher's answer
was not right as it stood, and those nobody saw are like it.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from dstill.api.records import Record, Row
from dstill.config import Review
from dstill.errors import DataError
from dstill.io.shell import command
from dstill.io.strict_json import dumps
from dstill.pipeline.quotas import quotas
from dstill.plugins import Plugins

__all__ = [
    "ACCEPT",
    "EDIT",
    "FILE",
    "JUDGED",
    "REJECT",
    "REVIEWED",
    "SKIP",
    "UNDO",
    "Applied",
    "Decision",
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
JUDGED = (ACCEPT, REJECT, EDIT)  # a skip says nothing of the row
REVIEWED = ("train", "validation")  # what is sampled, and what `train` asks about


@dataclass(frozen=True, kw_only=True)
class Decision(Row):
    """One row of review.jsonl. An undo takes back the last standing decision about its id."""

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
    """Records as a person left them."""

    records: list[Record]
    rejected: int = 0  # rows that are left out
    edited: int = 0  # rows whose answer or rationale is the person's
    changed: int = 0  # rows that are another than was judged: the decision does nothing


def without_undone(log: Iterable[Decision]) -> list[Decision]:
    """The decisions of a log that were not taken back, oldest first."""
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
    """Of what a person judges in a record."""
    judged = [record.question, record.rationale, record.answer, dict(record.context)]
    return hashlib.sha256(dumps(judged).encode()).hexdigest()


def latest(standing: Iterable[Decision]) -> dict[str, Decision]:
    """Id → the decision that counts."""
    return {decision.id: decision for decision in standing}


def applied(records: Sequence[Record], standing: Iterable[Decision]) -> Applied:
    """`records` without those that a person rejected, and with the answers that a person wrote."""
    found, counts, kept = latest(standing), Counter[str](), list[Record]()
    for record in records:
        decision = found.get(record.id)
        if decision is not None and decision.digest != digest(record):
            counts["changed"] += 1
        elif decision is not None and decision.decision == REJECT:
            counts["rejected"] += 1
            continue
        elif decision is not None and decision.decision == EDIT:
            counts["edited"] += 1
            record = replace(record, answer=decision.answer or "", rationale=decision.rationale or "")
        kept.append(record)
    return Applied(records=kept, **counts)


# --- the sample -------------------------------------------------------------------------


def sample_size(rows: int, precision: float) -> int:
    """Rows to judge so that the 95 % interval of their rate is ± `precision` wide, whatever the rate.

    Cochran's formula at a rate of one half, with the correction for a finite population of `rows`.
    """
    from statistics import NormalDist

    if not rows:
        return 0
    unlimited = (NormalDist().inv_cdf(0.975) / precision) ** 2 / 4
    return min(rows, math.ceil(unlimited / (1 + (unlimited - 1) / rows)))


def sample(
    records: Sequence[Record], precision: float, seed: int, standing: Iterable[Decision], *, size: int | None = None
) -> list[Record]:
    """The rows to judge, in the order in which they are shown; the same ones each time.

    Every category has its share, and at least one row where there is room for that. A row that was skipped gives way
    to the next one of its category. `size`: other than what `precision` wants.
    """
    by_category: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: _drawn(seed, record.id)):
        by_category[record.category].append(record)
    wanted = sample_size(len(records), precision) if size is None else min(size, len(records))
    largest_first = sorted(by_category, key=lambda name: (-len(by_category[name]), name))
    shares = quotas({name: len(by_category[name]) for name in largest_first}, wanted, sample=True)
    skipped = {d.id: d.digest for d in latest(standing).values() if d.decision == SKIP}
    chosen: list[Record] = []
    for name, rows in by_category.items():
        shown = (row for row in rows if row.id not in skipped or skipped[row.id] != digest(row))
        chosen += [row for row, _ in zip(shown, range(shares[name]), strict=False)]
    return sorted(chosen, key=lambda record: _drawn(seed, record.id))


def _drawn(seed: int, id: str) -> str:
    return hashlib.sha256(f"{seed}:{id}".encode()).hexdigest()


# --- whether it is enough ---------------------------------------------------------------


def gate(
    plugins: Plugins,
    settings: Review,
    records: Sequence[Record],
    standing: Sequence[Decision],
    *,
    seed: int,
    allow: bool,
    run: Path,
) -> dict[str, Any]:
    """What a person's review of `records` (training and validation) came to, for run.json; `said` is for a person.

    Raises DataError where it is not enough to train on, unless `allow`. A dataset that somebody looked at is held to
    ``review.min_accept`` whoever wrote it; one that nobody looked at is refused as ``review.required`` has it.
    `run` is the run's folder, for the message.
    """
    found = latest(standing)
    judged = [
        found[r.id].decision
        for r in records
        if r.id in found and found[r.id].decision in JUDGED and found[r.id].digest == digest(r)
    ]
    shown = sample(records, settings.ci_half_width, seed, standing)
    missing = sum(r.id not in found or found[r.id].digest != digest(r) for r in shown)
    after = applied(records, standing)
    accepted = judged.count(ACCEPT)
    facts: dict[str, Any] = {
        "sample": len(shown),
        "judged": len(judged),
        "accepted": accepted,
        "rate": accepted / len(judged) if judged else None,
        "n_rejected": after.rejected,
        "edited": after.edited,
        "modified": after.changed,
        "allowed": allow,
    }
    required = settings.required == "always" or (
        settings.required == "auto" and any(_needs_a_look(plugins, name) for name in {r.teacher for r in records})
    )
    facts["sufficient"], facts["message"] = _finding(facts, missing, settings)
    # one who looked at all that was to be seen and found it bad is heard, whoever wrote it
    seen = bool(judged) and not missing
    stops = not facts["sufficient"] and (required or seen) and settings.required != "never"
    if records and stops and not allow:
        raise DataError(
            facts["message"],
            where=str(run / FILE),
            hint=f"{command('review', run)}; or train on it as it is, with --allow-unreviewed",
        )
    return facts


def _finding(facts: Mapping[str, Any], missing: int, settings: Review) -> tuple[bool, str]:
    """Whether a person accepted enough of it, and what is said of that."""
    if not facts["judged"]:
        return False, f"nobody has reviewed the dataset: `dstill review` shows {facts['sample']} of its rows"
    counted = f"a person accepted {facts['accepted']} of {facts['judged']} rows judged ({facts['rate']:.1%})"
    if missing:  # a rate over the first few rows says nothing yet
        return False, f"the review is not finished: {missing} of {facts['sample']} rows are left; {counted}"
    if facts["rate"] < settings.min_accept:
        return False, f"{counted}, fewer than review.min_accept = {settings.min_accept:g} asks for"
    return True, counted


def _needs_a_look(plugins: Plugins, teacher: str) -> bool:
    """Whether a model wrote it: a teacher that is not installed here is taken for one."""
    return bool(teacher) and not (teacher in plugins.names("teachers") and plugins.teacher(teacher).is_lookup)
