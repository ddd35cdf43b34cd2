"""Reads the systems to compare from runs, and checks that they are comparable.

    read_arms(["a", "b"], open)                  # two students
    read_arms(["a1,a2,a3", "b1,b2,b3"], open)    # two recipes, three seeds each
    read_arms(["a:nearest", "a"], open)          # a baseline of a run, and its student
    read_arms(["a:openai:gpt-5-mini", "a"], open)    # a large model, and the student
    common_splits(arms)                          # ["test", "test_unseen_templates"]: scored in every run
    differences(arms, splits)                    # ["a and b, items of test: the reference answers of 3 differ (…)"]

Not covered: data on a server that changed while its number of documents and its fields did not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dstill.api.records import Prediction, Record, Verdict
from dstill.errors import RunError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.runs.run import Run

__all__ = [
    "Arm",
    "Side",
    "arms_of",
    "common_splits",
    "differences",
    "differing_judges",
    "differing_packs",
    "differing_settings",
    "read_arms",
]

MAX_NAMED = 3  # items or keys that a message names
ITEM_PARTS = {  # fields of a record that must be equal → their names in messages
    "question": "questions",
    "answer": "reference answers",
    "context": "contexts (index, mapping …)",
    "template": "templates",
}


@dataclass(frozen=True, kw_only=True)
class Side:
    """One system of one run."""

    label: str
    run: Run
    system: str

    @property
    def evaluated(self) -> Mapping[str, Any]:
        """The result of the stage `evaluate`."""
        return self.run.stages["evaluate"]

    @property
    def cost(self) -> Mapping[str, Any]:
        """The cost of its answers (`dstill.answering.efficiency.AnswerCost`); empty: not known."""
        costs: Mapping[str, Any] = self.evaluated.get("costs", {}).get(self.system, {})
        return costs

    @cached_property
    def verdicts(self) -> Mapping[str, Verdict]:
        return {verdict.id: verdict for verdict in self.run.verdicts(self.system)}

    @cached_property
    def predictions(self) -> Mapping[str, Prediction]:
        return {prediction.id: prediction for prediction in self.run.predictions(self.system)}

    @cached_property
    def records(self) -> Mapping[str, Record]:
        """The records of every scored split, by id."""
        return {
            record.id: record for split in self.evaluated["scores"]["student"] for record in self.run.records(split)
        }

    def of(self, split: str) -> dict[str, Verdict]:
        return {id: verdict for id, verdict in self.verdicts.items() if verdict.split == split}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One arm of a comparison: one side, or several that differ only in their seed."""

    label: str
    sides: tuple[Side, ...]


def read_arms(words: Sequence[str], open_run: Callable[[str], Run]) -> list[Arm]:
    """Read the systems that `words` name, one arm per word.

    Raises:
        UsageError: A run or system does not exist, is named twice, or arms have different numbers of runs.
        RunError: A run has no verdicts.
    """
    for word in words:
        if not all(name.strip() for name in word.split(",")):
            raise UsageError(
                f"a run's name is missing in '{word}'",
                where="compare",
                hint="write compare a1,a2 b1,b2, without spaces",
            )
    return arms_of([word.split(",") for word in words], open_run)


def arms_of(named: Sequence[Sequence[str]], open_run: Callable[[str], Run]) -> list[Arm]:
    """As `read_arms`, of names that may have commas: one arm for each list of systems."""
    arms = [Arm(label=",".join(names), sides=tuple(_side(name, open_run) for name in names)) for names in named]
    for arm in arms:
        identities = [(side.run.folder.resolve(), side.system) for side in arm.sides]
        if len(set(identities)) < len(identities):
            raise UsageError(f"one run is named twice in '{arm.label}'", where="compare", hint="name each seed once")
        if len(arm.sides) != len(arms[0].sides):
            raise UsageError(
                f"{len(arms[0].sides)} runs in '{arms[0].label}' and {len(arm.sides)} in '{arm.label}'",
                where="compare",
                hint="give the same number of runs, with the same seeds in the same order: compare a1,a2,a3 b1,b2,b3",
            )
    if len({arm.label for arm in arms}) < len(arms):
        raise UsageError("one system is named twice", where="compare", hint="name each once")
    return arms


def _side(name: str, open_run: Callable[[str], Run]) -> Side:
    try:
        run, system = open_run(name), "student"
    except UsageError:
        run, system = _run_and_system(name, open_run)
    evaluated = run.stages.get("evaluate")
    if not evaluated or not evaluated.get("scores"):
        raise RunError(
            f"run '{run.name}' has no scores yet", where=str(run.folder), hint=command("evaluate", run.folder)
        )
    if system not in evaluated["scores"]:
        raise UsageError(
            f"run '{run.name}' has no system '{system}'.{did_you_mean(system, evaluated['scores'])}",
            where=name,
            hint=f"it has {', '.join(evaluated['scores'])}",
        )
    side = Side(label=name, run=run, system=system)
    missing = [id for id in side.records if id not in side.verdicts]
    if missing:
        raise RunError(
            f"{len(missing)} of {len(side.records)} questions of run '{run.name}' have no verdict ({_some(missing)})",
            where=str(run.folder),
            hint=f"its dataset or its files changed since it was scored: {command('evaluate', run.folder)}",
        )
    return side


def _run_and_system(name: str, open_run: Callable[[str], Run]) -> tuple[Run, str]:
    """The run and the system of ``a:nearest`` or ``a:openai:gpt-5-mini``: the shortest name of a run that opens."""
    places = [n for n, sign in enumerate(name) if sign == ":"]
    for n in places[:-1]:
        with contextlib.suppress(UsageError):
            return open_run(name[:n]), name[n + 1 :]
    end = places[-1] if places else len(name)
    return open_run(name[:end]), name[end + 1 :]


def common_splits(arms: Sequence[Arm]) -> list[str]:
    """The splits that every run was scored on, in the first run's order."""
    scored = [side.evaluated["scores"]["student"] for arm in arms for side in arm.sides]
    return [split for split in scored[0] if all(split in splits for splits in scored)]


def differences(arms: Sequence[Arm], splits: Sequence[str]) -> list[str]:
    """Why runs are not comparable with the first: differing engines, data and items, one line each."""
    first, *others = (side for arm in arms for side in arm.sides)
    notes: list[str] = []
    for other in others:
        if other.run.folder.resolve() != first.run.folder.resolve():
            names = f"{first.label} and {other.label}"
            notes += [f"{names}, {what}" for what in (*_for_engine(first, other), *_for_items(first, other, splits))]
    return notes


def differing_settings(arms: Sequence[Arm]) -> list[str]:
    """The task's keys whose values differ, like ``task.sums.base``: some decide how answers are judged."""
    flats = [side.run.config.flat() for arm in arms for side in arm.sides]
    keys = dict.fromkeys(key for flat in flats for key in flat if key.startswith("task."))
    return [key for key in keys if any(flat.get(key) != flats[0].get(key) for flat in flats)]


def differing_judges(arms: Sequence[Arm]) -> list[str]:
    """The plugins that judged each run, like ``a: core (dstill 0.1.0)``; empty if they are the same."""
    return _differing(arms, "judged_by")


def differing_packs(arms: Sequence[Arm]) -> list[str]:
    """The plugins with the task and the executors of each run, like ``a: my_sums (my-sums 0.1.0, files 5c1e07a2)``.

    Empty if they are the same, down to the digest of their files.
    """
    return _differing(arms, "packs")


def _differing(arms: Sequence[Arm], key: str) -> list[str]:
    sides = [side for arm in arms for side in arm.sides]
    if all(side.evaluated[key] == sides[0].evaluated[key] for side in sides):
        return []
    return [f"{side.label}: {', '.join(map(_judge, side.evaluated[key])) or 'none'}" for side in sides]


def _judge(versions: Mapping[str, str]) -> str:
    """``crosscheck (dstill 0.1.0, files 9b20c417)``, or for a plugin in a file ``mine (file 3f9a12c4)``."""
    source = f"{versions.get('distribution', '')} {versions.get('version', '')}".strip()
    digest = versions.get("sha256", "")[:8]
    if source and digest:
        return f"{versions['name']} ({source}, files {digest})"
    return f"{versions['name']} ({source or f'file {digest}'.strip()})"


def _for_engine(first: Side, other: Side) -> Iterator[str]:
    if first.evaluated["engine"] != other.evaluated["engine"]:
        yield f"engine: {first.evaluated['engine']}, and {other.evaluated['engine']}"
    facts = {
        "data that answers ran on": [side.evaluated.get("data", {}) for side in (first, other)],
        "data that questions were made from": [
            side.run.stages.get("generate", {}).get("data", {}) for side in (first, other)
        ],
    }
    for what, (own, another) in facts.items():
        here, there = dict(_flat(own)), dict(_flat(another))
        keys = [key for key in dict.fromkeys((*here, *there)) if here.get(key) != there.get(key)]
        if keys:
            shown = "; ".join(
                f"{key}: {here.get(key, 'none')}, and {there.get(key, 'none')}" for key in keys[:MAX_NAMED]
            )
            yield f"{what}: {shown}{_more(keys)}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings with their dotted keys."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _for_items(first: Side, other: Side, splits: Sequence[str]) -> Iterator[str]:
    for split in splits:
        ours, theirs = ({r.id: r for r in side.records.values() if r.split == split} for side in (first, other))
        for side, here, there in ((first, ours, theirs), (other, theirs, ours)):
            if alone := [id for id in here if id not in there]:
                yield f"items of {split}: {len(alone)} are in {side.label} only ({_some(alone)})"
        both = [id for id in ours if id in theirs]
        for part, called in ITEM_PARTS.items():
            if differ := [id for id in both if getattr(ours[id], part) != getattr(theirs[id], part)]:
                yield f"items of {split}: the {called} of {len(differ)} differ ({_some(differ)})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")


def _more(names: Sequence[str]) -> str:
    return f"; and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
