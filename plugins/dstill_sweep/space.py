"""A sweep's space: which settings are tried, read from TOML.

    [space]
    train.modality = ["full", "lora", "qlora"]                      # each of these
    train.learning_rate = { low = 1e-4, high = 3e-3, log = true }   # any number between
    train.r = { low = 4, high = 64, log = true }                    # any whole number between
    alpha_per_rank = [1, 2, 4, 8]                                   # train.lora_alpha is that times train.r

    [sweep]
    trials = 20            # left out, where all are lists: every combination
    sampler = "tpe"        # or "random"
    seed = 0

In: the file. Out: `Space`, whose `suggest` asks an optuna trial for one point of it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

from dstill.errors import ConfigError, UsageError, did_you_mean
from dstill.io import toml
from dstill.io.files import reading
from dstill.io.plain_files import read_bounded

__all__ = ["ALPHA_PER_RANK", "Range", "Space", "read_space"]

ALPHA_PER_RANK = "alpha_per_rank"
MULTIPLIED = (ALPHA_PER_RANK, "train.r")
# What a space may set. It becomes flags, which count as the user's own choice (`dstill.trust`), so a file of somebody
# else must not choose an address, a secret or a service with it.
SECTIONS = ("train", "student", "modality", "objective")
NOT_SWEPT = ("train.report_to",)
SAMPLERS = ("tpe", "random")
SEEDS = 2**32  # of numpy's, which the samplers draw from
MOST = 10_000  # combinations that are tried when no number of trials is named


@dataclass(frozen=True, kw_only=True)
class Range:
    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True, kw_only=True)
class Space:
    """`choices` by dotted key: the values of a list, or a range."""

    choices: Mapping[str, tuple[Any, ...] | Range]
    trials: int | None  # None: every combination
    sampler: str = "tpe"
    seed: int = 0

    def grid(self) -> Iterator[dict[str, Any]]:
        """Every combination, the last key changing fastest. Only of lists."""
        lists = [values for values in self.choices.values() if not isinstance(values, Range)]
        for point in itertools.product(*lists):
            yield dict(zip(self.choices, point, strict=True))

    def suggest(self, trial: Any) -> dict[str, Any]:
        """A point of the space from ``optuna.Trial``."""
        point: dict[str, Any] = {}
        for key, values in self.choices.items():
            if not isinstance(values, Range):
                point[key] = trial.suggest_categorical(key, values)
            elif values.whole:
                point[key] = trial.suggest_int(key, int(values.low), int(values.high), log=values.log)
            else:
                point[key] = trial.suggest_float(key, values.low, values.high, log=values.log)
        return point

    def changes(self, point: Mapping[str, Any], rank: int) -> dict[str, Any]:
        """`point` as configuration; `rank` is train.r where the point does not set it."""
        found = dict(point)
        if ALPHA_PER_RANK in found:
            found["train.lora_alpha"] = round(found.pop(ALPHA_PER_RANK) * found.get("train.r", rank))
        return found


def read_space(file: Path, trials: int | None = None) -> Space:
    """`trials`, where given, goes before the file's. Raises UsageError, ConfigError."""
    with reading(file):
        text = read_bounded(file, toml.MOST_BYTES)
    try:
        tree = toml.loads(text.decode())
    except ValueError as error:
        raise ConfigError(
            f"not TOML: {error}", where=str(file), hint="`dstill experiment sweep --help` shows one"
        ) from None
    for table in tree:
        if table not in ("space", "sweep"):
            raise ConfigError(
                f"unknown table '{table}'.{did_you_mean(table, ('space', 'sweep'))}",
                where=str(file),
                hint="there are [space] and [sweep]",
            )
        if not isinstance(tree[table], dict):
            raise ConfigError(f"{table}: got {tree[table]!r}, wanted a table", where=str(file), hint=f"write [{table}]")
    choices = {key: _choice(key, value, file) for key, value in _flat(tree.get("space", {}))}
    if not choices:
        raise ConfigError(
            "nothing to try: [space] is empty", where=str(file), hint='as train.modality = ["full", "lora"]'
        )
    if ALPHA_PER_RANK in choices and "train.lora_alpha" in choices:
        raise ConfigError(f"{ALPHA_PER_RANK} and train.lora_alpha say the same", where=str(file), hint="keep one")
    settings = tree.get("sweep", {})
    return _space(choices, settings if trials is None else {**settings, "trials": trials}, file)


def _space(choices: Mapping[str, tuple[Any, ...] | Range], settings: Mapping[str, Any], file: Path) -> Space:
    wanted = {
        "trials": "a whole number from 1",
        "sampler": " or ".join(SAMPLERS),
        "seed": f"a whole number from 0 to {SEEDS - 1}",
    }
    for key, value in settings.items():
        if key not in wanted:
            raise ConfigError(
                f"unknown key 'sweep.{key}'.{did_you_mean(key, wanted)}",
                where=str(file),
                hint=f"there are {', '.join(wanted)}",
            )
        whole = isinstance(value, int) and not isinstance(value, bool) and value >= (key == "trials")
        if not (value in SAMPLERS if key == "sampler" else whole and (key != "seed" or value < SEEDS)):
            raise ConfigError(f"sweep.{key}: got {value!r}, wanted {wanted[key]}", where=str(file), hint="change it")
    trials = settings.get("trials")
    if trials is None:
        if ranges := [key for key, values in choices.items() if isinstance(values, Range)]:
            raise UsageError(
                f"how many trials? {', '.join(ranges)} can be any number of a range",
                where=f"{file}: [sweep]",
                hint="set sweep.trials, or --trials",
            )
        if (size := math.prod(len(values) for values in choices.values() if not isinstance(values, Range))) > MOST:
            raise UsageError(
                f"{size:,} combinations, at most {MOST:,} are tried one by one",
                where=f"{file}: [sweep]",
                hint="set sweep.trials, or --trials",
            )
    return Space(choices=choices, trials=trials, sampler=settings.get("sampler", "tpe"), seed=settings.get("seed", 0))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value and not {"low", "high"} & value.keys():
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _choice(key: str, value: Any, file: Path) -> tuple[Any, ...] | Range:
    if key != ALPHA_PER_RANK and (key.partition(".")[0] not in SECTIONS or key in NOT_SWEPT):
        raise ConfigError(
            f"a space cannot set {key}: it holds settings of training only",
            where=str(file),
            hint=f"it may set keys of {', '.join(SECTIONS)}, and {ALPHA_PER_RANK}; set others with --set",
        )
    kinds, noun = ((int, float), "numbers") if key in MULTIPLIED else ((str, int, float, bool), "values")
    if isinstance(value, list) and value and all(isinstance(item, kinds) for item in value):
        return tuple(dict.fromkeys(value))
    problem = ConfigError(
        f"{key}: got {value!r}, wanted a list of {noun} or {{ low = …, high = … }}",
        where=str(file),
        hint="as [1, 2, 4] or { low = 1e-4, high = 1e-2, log = true }",
    )
    if not isinstance(value, dict) or value.keys() - {"low", "high", "log"} or not {"low", "high"} <= value.keys():
        raise problem
    low, high, log = value["low"], value["high"], value.get("log", False)
    numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in (low, high))
    if not numbers or not isinstance(log, bool) or low >= high or (log and low <= 0):
        raise problem
    return Range(low=low, high=high, log=log)
