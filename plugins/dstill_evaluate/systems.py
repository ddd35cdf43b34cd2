"""The systems that are compared, read from runs; and whether comparing them means anything.

    read_arms(["a", "b"], open)                  # two students
    read_arms(["a1,a2,a3", "b1,b2,b3"], open)    # two recipes, three seeds each
    read_arms(["a:nearest", "a"], open)          # a baseline of a run, and its student
    sets_of(arms)                                # ["test", "test_unseen_templates"]: those that all were scored on
    differences(arms, sets)                      # ["items of test: the golds of 3 differ (t-4, …)"]; none: the same

Not covered: data of a server that moved without its number of documents or its fields changing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Callable, Iterator, Mapping, Sequence

from dstill.api.records import Prediction, Record, Verdict
from dstill.errors import RunError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.runs.run import Run

__all__ = ["Arm", "Side", "differences", "judges_that_differ", "read_arms", "sets_of", "settings_that_differ"]

NAMED = 3  # items or keys that are named of a kind of difference
OF_ITEMS = {  # parts of a record that make the item → how they are called
    "question": "questions",
    "answer": "golds",
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
        """What the stage `evaluate` left."""
        stage: Mapping[str, Any] = self.run.manifest["stages"]["evaluate"]
        return stage

    @cached_property
    def verdicts(self) -> Mapping[str, Verdict]:
        return {verdict.id: verdict for verdict in self.run.verdicts(self.system)}

    @cached_property
    def predictions(self) -> Mapping[str, Prediction]:
        return {prediction.id: prediction for prediction in self.run.predictions(self.system)}

    @cached_property
    def records(self) -> Mapping[str, Record]:
        """By item, those of every set that was scored."""
        return {
            record.id: record for split in self.evaluated["scores"]["student"] for record in self.run.records(split)
        }

    def of(self, split: str) -> dict[str, Verdict]:
        return {id: verdict for id, verdict in self.verdicts.items() if verdict.split == split}


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What is compared: a side, or several that differ in their seed alone."""

    label: str
    sides: tuple[Side, ...]


def read_arms(words: Sequence[str], open_run: Callable[[str], Run]) -> list[Arm]:
    """Raises UsageError for what is not there or cannot be paired, RunError for runs without verdicts."""
    for word in words:
        if not all(name.strip() for name in word.split(",")):
            raise UsageError(
                f"no run is named in a place of '{word}'",
                where="compare",
                hint="write compare a1,a2 b1,b2, without spaces",
            )
    arms = [Arm(label=word, sides=tuple(_side(name, open_run) for name in word.split(","))) for word in words]
    for arm in arms:
        places = [(side.run.folder.resolve(), side.system) for side in arm.sides]
        if len(set(places)) < len(places):
            raise UsageError(
                f"one run is named twice in '{arm.label}'", where="compare", hint="a seed counts once in its group"
            )
        if len(arm.sides) != len(arms[0].sides):
            raise UsageError(
                f"{len(arms[0].sides)} runs in '{arms[0].label}' and {len(arm.sides)} in '{arm.label}'",
                where="compare",
                hint="give as many of each, the same seeds in the same order: compare a1,a2,a3 b1,b2,b3",
            )
    if len({arm.label for arm in arms}) < len(arms):
        raise UsageError("one system is named twice", where="compare", hint="name each once")
    return arms


def _side(name: str, open_run: Callable[[str], Run]) -> Side:
    try:
        run, system = open_run(name), "student"
    except UsageError:
        place, colon, system = name.rpartition(":")
        if not colon:
            raise
        run = open_run(place)
    evaluated = run.manifest["stages"].get("evaluate")
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


def sets_of(arms: Sequence[Arm]) -> list[str]:
    """The sets that every run was scored on, in the first's order."""
    scored = [side.evaluated["scores"]["student"] for arm in arms for side in arm.sides]
    return [split for split in scored[0] if all(split in one for one in scored)]


def differences(arms: Sequence[Arm], sets: Sequence[str]) -> list[str]:
    """What makes the first run and another one not comparable, named."""
    first, *others = (side for arm in arms for side in arm.sides)
    found: list[str] = []
    for other in others:
        if other.run.folder.resolve() != first.run.folder.resolve():
            names = f"{first.label} and {other.label}"
            found += [f"{names}, {what}" for what in (*_of_engine(first, other), *_of_items(first, other, sets))]
    return found


def settings_that_differ(arms: Sequence[Arm]) -> list[str]:
    """Keys of the task whose values differ, as ``task.sql.dialect``: some decide how answers are judged."""
    flats = [side.run.config.flat() for arm in arms for side in arm.sides]
    keys = dict.fromkeys(key for flat in flats for key in flat if key.startswith("task."))
    return [key for key in keys if any(flat.get(key) != flats[0].get(key) for flat in flats)]


def judges_that_differ(arms: Sequence[Arm]) -> list[str]:
    """What judged each run, where not all were judged by the same plugins: ``a: core (dstill 0.1.0)``.

    Runs of an earlier dstill do not say by what they were judged, and are left out.
    """
    sides = [side for arm in arms for side in arm.sides if "judged_by" in side.evaluated]
    if all(side.evaluated["judged_by"] == sides[0].evaluated["judged_by"] for side in sides):
        return []
    return [f"{side.label}: {', '.join(map(_judge, side.evaluated['judged_by'])) or 'none'}" for side in sides]


def _judge(one: Mapping[str, str]) -> str:
    """``crosscheck (dstill 0.1.0)``, or of a file ``mine (file 3f9a12c4)``."""
    source = f"{one['distribution']} {one['version']}".strip() or f"file {one.get('sha256', '')[:8]}".strip()
    return f"{one['name']} ({source})"


def _of_engine(first: Side, other: Side) -> Iterator[str]:
    if first.evaluated["engine"] != other.evaluated["engine"]:
        yield f"engine: {first.evaluated['engine']}, and {other.evaluated['engine']}"
    looks = {
        "data that answers ran on": [side.evaluated.get("data", {}) for side in (first, other)],
        "data that questions were made from": [
            side.run.manifest["stages"].get("generate", {}).get("data", {}) for side in (first, other)
        ],
    }
    for what, (one, another) in looks.items():
        here, there = dict(_flat(one)), dict(_flat(another))
        keys = [key for key in dict.fromkeys((*here, *there)) if here.get(key) != there.get(key)]
        if keys:
            shown = "; ".join(f"{key}: {here.get(key, 'none')}, and {there.get(key, 'none')}" for key in keys[:NAMED])
            yield f"{what}: {shown}{_more(keys)}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves by their dotted place."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _of_items(first: Side, other: Side, sets: Sequence[str]) -> Iterator[str]:
    for split in sets:
        ours, theirs = ({r.id: r for r in side.records.values() if r.split == split} for side in (first, other))
        for side, here, there in ((first, ours, theirs), (other, theirs, ours)):
            if alone := [id for id in here if id not in there]:
                yield f"items of {split}: {len(alone)} are in {side.label} only ({_some(alone)})"
        both = [id for id in ours if id in theirs]
        for part, called in OF_ITEMS.items():
            if differ := [id for id in both if getattr(ours[id], part) != getattr(theirs[id], part)]:
                yield f"items of {split}: the {called} of {len(differ)} differ ({_some(differ)})"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


def _more(names: Sequence[str]) -> str:
    return f"; and {len(names) - NAMED} more" if len(names) > NAMED else ""
