"""Reads the search space of a sweep from a TOML file.

    [space]
    train.modality = ["full", "lora", "qlora"]                      # one of these
    train.learning_rate = { low = 1e-4, high = 3e-3, log = true }   # any number in the range
    train.r = { low = 4, high = 64, log = true }                    # any whole number in the range
    alpha_per_rank = [1, 2, 4, 8]                                   # train.lora_alpha is that times train.r

    [sweep]
    trials = 20            # may be omitted if there are only lists: all combinations
    sampler = "tpe"        # or "random"
    seed = 0

`read_space` returns a `Space`; its `suggest` draws a point through an optuna trial.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill.errors import ConfigError, UsageError, did_you_mean
from dstill.io import toml
from dstill.io.files import reading
from dstill.io.plain_files import read_bounded

__all__ = ["ALPHA_PER_RANK", "Range", "Space", "read_space"]

ALPHA_PER_RANK = "alpha_per_rank"
MULTIPLIED = (ALPHA_PER_RANK, "train.r")
# Sections that a space may set. Its values become flags, which count as the user's own choice (`dstill.trust`), so a
# space file from somebody else must not be able to set an address, a secret or a service.
SECTIONS = ("train", "student", "modality", "objective")
NOT_SWEPT = ("train.report_to",)
SAMPLERS = ("tpe", "random")
SEEDS = 2**32  # numpy's limit, which the samplers use
MAX_GRID = 10_000  # combinations without sweep.trials


@dataclass(frozen=True, kw_only=True)
class Range:
    """All numbers from `low` to `high`; `log` samples them on a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    @property
    def is_integer(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True, kw_only=True)
class Space:
    """A search space."""

    choices: Mapping[str, tuple[Any, ...] | Range]  # dotted key → the values of a list, or a range
    trials: int | None  # None: all combinations
    sampler: str = "tpe"
    seed: int = 0

    def grid(self) -> Iterator[dict[str, Any]]:
        """All combinations of the lists; the last key changes fastest."""
        lists = [values for values in self.choices.values() if not isinstance(values, Range)]
        for point in itertools.product(*lists):
            yield dict(zip(self.choices, point, strict=True))

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Draw a point through an ``optuna.Trial``."""
        point: dict[str, Any] = {}
        for key, values in self.choices.items():
            if not isinstance(values, Range):
                point[key] = trial.suggest_categorical(key, values)
            elif values.is_integer:
                point[key] = trial.suggest_int(key, int(values.low), int(values.high), log=values.log)
            else:
                point[key] = trial.suggest_float(key, values.low, values.high, log=values.log)
        return point

    def changes(self, point: Mapping[str, Any], rank: int) -> dict[str, Any]:
        """`point` as settings; `rank` is train.r if the point does not set it."""
        settings = dict(point)
        if ALPHA_PER_RANK in settings:
            settings["train.lora_alpha"] = round(settings.pop(ALPHA_PER_RANK) * settings.get("train.r", rank))
        return settings


def read_space(file: Path, trials: int | None = None) -> Space:
    """The space in `file`; `trials` overrides the file. Raises UsageError or ConfigError."""
    with reading(file):
        text = read_bounded(file, toml.MOST_BYTES)
    try:
        tree = toml.loads(text.decode())
    except ValueError as error:
        raise ConfigError(
            f"not TOML: {error}", where=str(file), hint="`dstill experiment sweep --help` shows an example"
        ) from None
    for table in tree:
        if table not in ("space", "sweep"):
            raise ConfigError(
                f"unknown table '{table}'.{did_you_mean(table, ('space', 'sweep'))}",
                where=str(file),
                hint="tables: [space] and [sweep]",
            )
        if not isinstance(tree[table], dict):
            raise ConfigError(f"{table}: got {tree[table]!r}, wanted a table", where=str(file), hint=f"write [{table}]")
    choices = {key: _choice(key, value, file) for key, value in _flatten(tree.get("space", {}))}
    if not choices:
        raise ConfigError(
            "nothing to try: [space] is empty",
            where=str(file),
            hint='add for example train.modality = ["full", "lora"]',
        )
    if ALPHA_PER_RANK in choices and "train.lora_alpha" in choices:
        raise ConfigError(
            f"{ALPHA_PER_RANK} and train.lora_alpha set the same value", where=str(file), hint="remove one of them"
        )
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
                hint=f"keys: {', '.join(wanted)}",
            )
        is_number = isinstance(value, int) and not isinstance(value, bool) and value >= (key == "trials")
        if not (value in SAMPLERS if key == "sampler" else is_number and (key != "seed" or value < SEEDS)):
            raise ConfigError(f"sweep.{key}: got {value!r}, wanted {wanted[key]}", where=str(file))
    trials = settings.get("trials")
    if trials is None:
        if ranges := [key for key, values in choices.items() if isinstance(values, Range)]:
            raise UsageError(
                f"the number of trials is not set, but {', '.join(ranges)} is a range",
                where=f"{file}: [sweep]",
                hint="set sweep.trials or --trials",
            )
        if (size := math.prod(len(values) for values in choices.values() if not isinstance(values, Range))) > MAX_GRID:
            raise UsageError(
                f"{size:,} combinations are more than the limit of {MAX_GRID:,}",
                where=f"{file}: [sweep]",
                hint="set sweep.trials or --trials",
            )
    return Space(choices=choices, trials=trials, sampler=settings.get("sampler", "tpe"), seed=settings.get("seed", 0))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict) and value and not {"low", "high"} & value.keys():
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _choice(key: str, value: Any, file: Path) -> tuple[Any, ...] | Range:
    if key != ALPHA_PER_RANK and (key.partition(".")[0] not in SECTIONS or key in NOT_SWEPT):
        raise ConfigError(
            f"a space cannot set {key}, only settings of training",
            where=str(file),
            hint=f"allowed: keys of {', '.join(SECTIONS)}, and {ALPHA_PER_RANK}; set others with --set",
        )
    kinds, noun = ((int, float), "numbers") if key in MULTIPLIED else ((str, int, float, bool), "values")
    if isinstance(value, list) and value and all(isinstance(item, kinds) for item in value):
        return tuple(dict.fromkeys(value))
    problem = ConfigError(
        f"{key}: got {value!r}, wanted a list of {noun} or {{ low = …, high = … }}",
        where=str(file),
        hint="for example [1, 2, 4] or { low = 1e-4, high = 1e-2, log = true }",
    )
    if not isinstance(value, dict) or value.keys() - {"low", "high", "log"} or not {"low", "high"} <= value.keys():
        raise problem
    low, high, log = value["low"], value["high"], value.get("log", False)
    numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in (low, high))
    if not numbers or not isinstance(log, bool) or low >= high or (log and low <= 0):
        raise problem
    return Range(low=low, high=high, log=log)
