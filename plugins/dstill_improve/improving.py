"""Trains a candidate of a run, and lets the gate decide about it.

    made = improve(parent, out=None, gate_file=None, sources=Sources(feedback=Path("feedback.jsonl")))
    made.run, made.decision.accepted, made.run.stages["improve"]

The candidate is a run of its own: a branch with more training rows, without the gate's rows in its test splits. Its
run.json has the facts of two stages:

    improve   the parent with its digests, the sources of the new rows, the gate's digest
    gate      each set, the p-values, the level, whether it is accepted and why

Not covered: whether the candidate is better than its parent on questions unlike those of the gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstill import trust
from dstill.answering import steps
from dstill.api.executor import Executor
from dstill.api.records import Record, Verdict
from dstill.errors import DataError, Interrupted, RunError, ServiceError
from dstill.inputs import feedback
from dstill.io.logs import log
from dstill.io.plain_files import sha256
from dstill.io.shell import command
from dstill.quality.data_monitor import engine_failures
from dstill.runs.folder import data_file
from dstill.runs.manifest import MANIFEST
from dstill.runs.run import Run
from dstill.stages.evaluate.predicting import predicted
from dstill_evaluate.metrics import why_uncounted
from dstill_improve import ledger
from dstill_improve.gate import Decision, decide
from dstill_improve.gate_set import GATE, SYNTHETIC, Gate, gate_of, require_size, set_name
from dstill_improve.rows import NewRows, Sources, new_rows

__all__ = ["IMPROVE", "JUDGED", "Improved", "improve"]


IMPROVE, JUDGED = "improve", "gate"  # stages of a candidate
CARD = "dataset/README.md"


@dataclass(frozen=True, kw_only=True)
class Improved:
    """A candidate that met its gate."""

    run: Run
    decision: Decision


def improve(parent: Run, *, out: Path | None, gate_file: Path | None, sources: Sources) -> Improved:
    """Make a candidate of `parent`, train it, and decide about it.

    An unfinished candidate at `out` is continued. Raises DataError if there is no gate or nothing new to learn,
    RunError if `out` is another run, and the errors of generating and training.
    """
    trust.require(parent.config, "generate")  # the candidate's settings will be asked: before anything is bought
    candidate = _unfinished(parent, out)
    if candidate is None:
        given = feedback.read(sources.feedback) if sources.feedback else []
        gate = gate_of(parent, gate_file, given)
        require_size(gate, ledger.use_of(gate.records, ""))
        rows = new_rows(parent, gate.records, sources)
        if not rows.counts:
            raise _nothing(parent, rows)
        candidate = _candidate(parent, out, gate, rows, sources)
    candidate.progress = parent.progress
    try:
        if "train" not in candidate.stages:
            candidate.train(allow_unreviewed=True)  # the gate judges the rows
        return Improved(run=candidate, decision=_judged(parent, candidate))
    except (Interrupted, ServiceError) as stopped:
        again = command("improve", parent.folder, "--out", candidate.folder)
        raise type(stopped)(stopped.what, where=stopped.where, hint=f"continue with: {again}") from None


def _nothing(parent: Run, rows: NewRows) -> DataError:
    reasons = ", ".join(f"{reason} {n}" for reason, n in rows.left_out.items())
    return DataError(
        f"nothing new to learn{f'; not used: {reasons}' if reasons else ''}",
        where=str(parent.folder),
        hint=f"collect feedback with {command('serve', parent.folder, '--feedback', 'feedback.jsonl')}, and give it "
        "with --feedback; failures add rows where the task makes questions",
    )


# --- the candidate ----------------------------------------------------------------------


def _unfinished(parent: Run, out: Path | None) -> Run | None:
    """The candidate at `out` that was not judged yet; None: it is to be made. Raises RunError for another run."""
    if out is None or not (out / MANIFEST).exists():
        return None
    run = Run.open(out, plugins=parent.plugins)
    made_of = run.stages.get(IMPROVE, {}).get("parent", {}).get("id")
    if not made_of or made_of != parent.manifest.get("id") or JUDGED in run.stages:
        raise RunError(
            f"{out} is not an unfinished candidate of run '{parent.name}'",
            where=str(out),
            hint="name a new folder, or omit --out for a new one under ./runs",
        )
    return run


def _candidate(parent: Run, out: Path | None, gate: Gate, new: NewRows, sources: Sources) -> Run:
    """A branch of `parent` with the new rows. It shares no row with its gate."""
    candidate = parent.branch(out, flags={})
    with candidate.stage(IMPROVE) as facts:
        candidate.write(GATE, gate.records)
        candidate.write(data_file("train"), new.train)
        for split, rows in gate.left.items():
            if rows:
                candidate.write(data_file(split), rows)
            else:
                candidate.discard(data_file(split))
        candidate.write_file(CARD, (candidate.folder / CARD).read_text() + _card(parent, new))
        facts.update(
            parent=_lineage(parent),
            gate={"source": gate.source, "rows": len(gate.records), "sha256": ledger.digest(gate.records)},
            feedback={"file": str(sources.feedback), "sha256": sha256(sources.feedback)} if sources.feedback else {},
            rows=dict(new.counts),
            left_out=dict(new.left_out),
            removed=new.removed,
            failures={"asked": new.answered, "by_cause": dict(new.failures)},
            cost=dict(new.cost),
        )
    return candidate


def _lineage(parent: Run) -> dict[str, str]:
    """The facts of the parent: its name and id, its training, and digests of its run.json and its training rows."""
    return {
        "name": parent.name,
        "id": str(parent.manifest.get("id", "")),
        "training": str(parent.stages.get("train", {}).get("id", "")),
        "run_json": sha256(parent.folder / MANIFEST),
        "train_rows": str(parent.manifest["files"].get(data_file("train"), {}).get("sha256", "")),
    }


def _card(parent: Run, new: NewRows) -> str:
    rows = "".join(f"| {source} | {n:,} |\n" for source, n in new.counts.items())
    return (
        f"\n## Added by `dstill improve`\n\nTraining rows beside those of run `{parent.name}`, by the source of their "
        "answer. The counts above are those of that run; half of its test questions may have become the gate.\n\n"
        f"| source | rows |\n| --- | ---: |\n{rows}"
    )


# --- its gate ---------------------------------------------------------------------------


def _judged(parent: Run, candidate: Run) -> Decision:
    """Both students on the gate, and the decision, which is in the candidate's run.json."""
    with candidate.stage(JUDGED) as facts:
        gate = list(candidate.load(Record, GATE))
        with parent.setup.opened_executor(judging=True) as executor:
            verdicts = {
                name: _verdicts(run, gate, executor) for name, run in (("parent", parent), ("candidate", candidate))
            }
        for name, rows in verdicts.items():
            candidate.write(f"gate-verdicts-{name}.jsonl", rows)
        training = str(candidate.stages["train"].get("id", ""))
        use = ledger.use_of(gate, training)
        sets = {record.id: set_name(record) for record in gate}
        right = _right(verdicts, sets, executes=executor is not None)
        if uncounted := len(gate) - sum(map(len, right["parent"].values())):
            log.warning(
                "%d of the %d questions of the gate do not count: their reference answers do not run, find nothing, or "
                "no reply came", uncounted, len(gate)
            )  # fmt: skip
        ledger.note_use(gate, training, candidate.name)
        synthetic = {name for name in right["parent"] if name.endswith(SYNTHETIC)}
        decision = decide(right["parent"], right["candidate"], use=use, synthetic=synthetic)
        facts.update(decision.to_row())
    return decision


def _verdicts(run: Run, gate: Sequence[Record], executor: Executor | None) -> list[Verdict]:
    """The verdicts on the student of `run`. Raises ServiceError when the engine is away: that decides nothing."""
    setup, examples = run.setup, [record.example for record in gate]
    written = predicted(setup, run.generator(), "student", examples, done={}, save=lambda _: None)
    pairs, verdicts = zip(examples, written, strict=True), list[Verdict]()
    for verdict in steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor):
        verdicts.append(verdict)
        setup.progress(f"judging {run.name}", len(verdicts), len(examples))
    if away := engine_failures(verdicts):
        raise ServiceError(away, where=str(run.folder), hint="run the same command again when the engine is there")
    return verdicts


def _right(
    verdicts: Mapping[str, Sequence[Verdict]], set_of: Mapping[str, str], *, executes: bool
) -> dict[str, dict[str, dict[str, bool]]]:
    """By system and set: which answers are right. A question counts if it was judged for both.

    Raises DataError if none was.
    """

    def counts(verdict: Verdict) -> bool:
        return not why_uncounted(verdict) if executes else verdict.exact is not None

    both = [{v.id for v in part if counts(v)} for part in verdicts.values()]
    ids = set.intersection(*both)
    if not ids:
        raise DataError("no question of the gate could be judged", where=GATE, hint="its reference answers must run")
    right: dict[str, dict[str, dict[str, bool]]] = {}
    for system, rows in verdicts.items():
        sets = right[system] = {}
        for verdict in (row for row in rows if row.id in ids):
            is_right = verdict.correct if executes else verdict.exact is True
            sets.setdefault(set_of[verdict.id], {})[verdict.id] = is_right
    return right
