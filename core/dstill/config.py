"""Configuration: merges and checks dstill.toml, the environment and flags, and records where each value comes from.

    flag  >  environment  >  file  >  default
    --seed 7   DSTILL_PROJECT__SEED=7   [project] seed = 7

In: the path of a file, the environment, flags by dotted key, and the sections of parts (``task.sums`` → its `Config`).
Out: `Config`. Its `settings` are the core's sections, and its method `part` returns that of a part.

Every key is a field of a dataclass, declared with `dstill.api.setting`. An unknown key, a wrong type or a value out of
range is an error.
"""

from __future__ import annotations

import collections.abc
import contextlib
import copy
import dataclasses
import json
import math
import os
import re
import sys
import tomllib
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal

from dstill.api.engine import Engine
from dstill.api.recipe import Recipe
from dstill.api.setting import setting
from dstill.errors import ConfigError, PluginError, RunError
from dstill.io import toml
from dstill.io.plain_files import read_bounded
from dstill.io.secrets import is_variable, looks_secret
from dstill.io.shell import command
from dstill.io.urls import checked_url

__all__ = [
    "Augment",
    "Config",
    "Cost",
    "Evaluate",
    "Generate",
    "Parts",
    "Project",
    "Review",
    "Settings",
    "as_toml",
    "assignment",
    "command_line",
    "fields",
    "load",
    "parse_assignment",
    "variable",
    "wanted_of",
]


FILE = "dstill.toml"
PARTS = (
    "task",
    "teacher",
    "student",
    "modality",
    "objective",
    "executor",
    "metric",
    "baseline",
)  # [teacher.NAME] and so on
# Read by dstill itself, so no configuration keys.
RESERVED_NAMES = ("DSTILL_DISABLE", "DSTILL_TRACE_HOOKS", "DSTILL_REQUIRE_LIVE")
_FLAG = "command line"  # the origin of a value that a flag gave
_SILENT_DEFAULTS = (None, "", dataclasses.MISSING)  # defaults that messages do not mention
_SECRET_NAME = re.compile(r"(^|_)(api_?key|token|password|secret)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Project:
    """The task, and the seed of all commands."""

    task: str = setting("", "The task. Empty: the one that takes `engine.url`, else the one that is the default.")
    seed: int = setting(0, "Seed of every random choice.", low=0, high=2**32 - 1)


@dataclass(frozen=True, kw_only=True)
class Generate:
    """How `dstill generate` turns questions into checked rows: teacher, prompts, execution, budget."""

    teacher: str = setting("synthetic", "The teacher that writes rationales and answers.")
    questions: str = setting(
        "",
        "Questions: a file (JSONL, JSON, CSV, Parquet), a folder of a data set, or "
        "`hf://datasets/OWNER/NAME`. Empty: the task pack makes them.",
        trust="data set",
    )
    test_questions: str = setting(
        "",
        "Questions with answers that are only scored, as the split `test_written`: a file as of `questions`.",
        trust="data set",
    )
    limit: int = setting(0, "Answer at most this many questions. 0: all.", low=0, high=10**8)
    shots: int = setting(3, "Worked examples in each prompt.", low=0, high=50)
    shots_by: Literal["category", "nearest"] = setting(
        "category", "How worked examples are chosen: the question's category first, or the most similar questions."
    )
    labels: Literal["given", "teacher"] = setting(
        "given",
        "Which answers a student learns where the file of questions has some: the given ones, explained by "
        "the teacher, or the teacher's. Validation and test splits keep the given ones.",
    )
    concurrency: int = setting(32, "Requests sent to the teacher at the same time.", low=1, high=1024)
    json_mode: Literal["auto", "schema", "off"] = setting(
        "auto", "Ask for replies as JSON that follows a schema. auto: if the teacher's endpoint supports it."
    )
    batch: bool = setting(False, "Submit the requests to the provider's batch API and collect the replies later.")
    execute: Literal["all", "eval-only", "none"] = setting(
        "all", "Which answers are run before they become records: all, those of the scored splits, or none."
    )
    max_usd: float | None = setting(
        None, "Stop before the replies of the run cost more than this, in US dollars.", low=0.0001, high=1e7
    )
    max_tokens: int | None = setting(
        None, "Stop before prompts and replies of the run take more tokens than this.", low=1, high=10**12
    )
    max_requests: int | None = setting(None, "Stop after this many requests.", low=1, high=10**9)
    max_wall: float | None = setting(
        None, "Send no new requests after this many seconds of one command.", low=0.1, high=1e7
    )
    max_duplicate_rate: float = setting(
        0.5, "Stop inventing questions when a larger share of the new ones are duplicates.", low=0, high=1
    )


@dataclass(frozen=True, kw_only=True)
class Adapt:
    """How `dstill adapt --teacher` trains on a teacher's questions, beside those from templates."""

    teacher: str = setting(
        "", "The teacher that writes the questions; `--teacher` of `adapt` sets it. Empty: templates alone."
    )
    teacher_questions: int = setting(
        300,
        "Questions that the teacher is asked to write. Of recorded ones, all are taken unless this is set.",
        low=1,
        high=100_000,
    )
    held_out: float = setting(
        0.2, "Share of the teacher's questions that are not learnt, but scored as `test_teacher`.", low=0, high=0.9
    )
    share: float = setting(
        0.6,
        "Share of the teacher's questions among the training rows; the rest is from templates. A student that starts "
        "from random weights gets all of those.",
        low=0.01,
        high=1,
    )
    max_steps: int = setting(
        600, "Steps of that training, instead of `train.max_steps`, unless that counts epochs.", low=1, high=10**7
    )


@dataclass(frozen=True, kw_only=True)
class Augment:
    """More training questions of the kinds that a student failed on."""

    cause: str = setting(
        "", "A failure cause or category: add training questions like those that failed with it in `from_run`."
    )
    from_run: str = setting("", "The evaluated run whose failures `cause` looks at.", trust="file")
    n: int = setting(0, "How many questions to add. 0: a quarter of the training questions.", low=0, high=10**6)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Assumptions for what annotators would have cost, to compare the teacher's cost with."""

    annotator_usd_per_hour: float = setting(40.0, "Assumed hourly cost of an annotator.", low=0, high=1e5)
    annotator_seconds_per_row: float = setting(
        180.0, "Assumed time for an annotator to write and check one row, in seconds.", low=0, high=1e6
    )


@dataclass(frozen=True, kw_only=True)
class Review:
    """How a person checks a sample of the dataset before `dstill train` starts."""

    reviewer: str = setting("", "Name of the reviewer in review.jsonl. Empty: the login name.")
    ci_half_width: float = setting(
        0.05,
        "Half-width of the 95 % interval of the acceptance rate. It decides how large the sample is.",
        low=0.005,
        high=0.5,
    )
    min_accept: float = setting(
        0.9, "`train` refuses to start if a smaller share of the sample was accepted.", low=0, high=1
    )
    required: Literal["auto", "always", "never"] = setting(
        "auto", "Whether `train` waits for a review. auto: if a model wrote the answers."
    )
    port: int = setting(0, "Port of the review page on loopback. 0: any free port.", low=0, high=65535)


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """The splits that `dstill evaluate` scores, and which baselines it compares with."""

    splits: tuple[str, ...] = setting(("test", "test_unseen_templates"), "Splits that are scored.")
    baselines: tuple[str, ...] = setting(
        ("auto",),
        "Baselines that are scored next to the student. auto: the usual ones that are installed. "
        "TEACHER:MODEL, for example `openai:gpt-5-mini`: a large model that is prompted with the same questions.",
        trust="paid",
    )
    shots: int = setting(8, "Worked examples in each prompt of a model as baseline or `--fallback`.", low=0, high=50)
    max_usd: float | None = setting(
        None,
        "Stop before the replies of models as baselines cost more than this, in US dollars. What "
        "`--fallback` of `predict`, `serve` and `mcp` buys is counted apart, with the same limit.",
        low=0.0001,
        high=1e7,
    )
    max_tokens: int | None = setting(
        None,
        "Stop before prompts and replies of models as baselines take more tokens than this; those of "
        "`--fallback` are counted apart.",
        low=1,
        high=10**12,
    )
    constrain: bool = setting(
        False, "Let the student write only what the task's grammar allows. Later checks can still fail."
    )
    agreement: int = setting(
        0,
        "Draw this many more answers to each question, and count how many agree with the student's answer "
        "into its confidence. `predict` and `serve` then draw as many.",
        low=0,
        high=100,
    )
    second_executor: str = setting(
        "", "A second executor that judges too: an answer is correct only if both engines agree."
    )
    machine_usd_per_hour: float | None = setting(
        None, "Hourly cost of the machine that runs the student, for the report's cost figures.", low=0, high=1e5
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The core's own sections."""

    project: Project = field(default_factory=Project)
    generate: Generate = field(default_factory=Generate)
    augment: Augment = field(default_factory=Augment)
    adapt: Adapt = field(default_factory=Adapt)
    cost: Cost = field(default_factory=Cost)
    review: Review = field(default_factory=Review)
    train: Recipe = field(default_factory=Recipe)
    evaluate: Evaluate = field(default_factory=Evaluate)
    engine: Engine = field(default_factory=Engine)


@dataclass(frozen=True)
class Config:
    """A merged and checked configuration."""

    settings: Settings  # the core's sections
    parts: Parts
    origins: Mapping[str, str]  # dotted key → "dstill.toml:7", "environment DSTILL_…", "command line"; see `origin`
    file: Path | None = None  # the file that was read
    filed: frozenset[str] = frozenset()  # keys whose values come from the file, not from the environment or flags
    chosen: frozenset[str] = frozenset()  # keys that somebody set; the others have their defaults
    trusted: bool = False  # the caller allows everything that the file asks for, in this process only (`Run.open`)

    def part(self, kind: str, name: str) -> Any:
        """The `Config` instance of one part: ``part("task", "sums")``. None: no plugin has it."""
        return self.parts.get(f"{kind}.{name}")

    def origin(self, key: str) -> str:
        """Where the value of a key comes from: one of `origins`, or "default"."""
        return self.origins.get(key, "default")

    def value(self, key: str) -> Any:
        """The value of a dotted key; None if there is no such key."""
        section = _section_of(key)
        return self.flat([section] if section in self.parts else []).get(key)

    def flat(self, parts: Iterable[str] | None = None) -> dict[str, Any]:
        """Dotted key → value, in the order of the sections.

        `parts` names the sections of parts to include; None: of all that load.
        """
        values = _values("", self.settings)
        for name in sorted(self.parts.loadable() if parts is None else parts):
            values.update(_values(name, self.parts[name]))
        return values

    def from_flags(self) -> dict[str, Any]:
        """Dotted key → value, of those that flags of this call gave."""
        keys = [key for key, origin in self.origins.items() if origin == _FLAG]
        values = self.flat({name for key in keys if (name := _section_of(key)) in self.parts})
        return {key: value for key, value in values.items() if key in keys}

    def with_flags(self, flags: Mapping[str, Any]) -> Config:
        """This configuration, overridden by `flags`: dotted key → value. Raises ConfigError."""
        own = {key: value for key, value in self.flat(self.parts.used()).items() if value is not None}
        config = load(use_files=False, flags={**own, **flags}, sections=self.parts.sections)
        before = {key: origin for key, origin in self.origins.items() if key not in flags}
        return dataclasses.replace(
            config,
            origins={**config.origins, **before},
            file=self.file,
            filed=self.filed - flags.keys(),  # what comes of it must not be allowed more
            chosen=self.chosen | flags.keys(),
            trusted=self.trusted,
        )

    def to_toml(self, *, unset: bool = False) -> str:
        """The text of a file from which `load` reads the same values. `unset`: keys without a value are comments."""
        return as_toml(self.flat(), unset=unset)


def fields(config: Config, parts: Iterable[str] | None = None) -> dict[str, dataclasses.Field[Any]]:
    """Dotted key → the dataclass field, with its metadata. `parts`: as for `Config.flat`."""
    known = _keys("", Settings)
    for name in config.parts.loadable() if parts is None else parts:
        known.update(_keys(name, config.parts.sections[name]))
    return known


class Parts(Mapping[str, Any]):
    """The settings of parts: ``task.sums`` → an instance of its `Config`, made when it is first read.

    Args:
        sections: Section → its `Config`; reading one may raise PluginError.
        values: Checked values by dotted key.
        made: Instances that replace those of `values`.
    """

    def __init__(
        self,
        sections: Mapping[str, type[Any]],
        values: Mapping[str, Any],
        made: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.sections = sections
        self._values = values
        self._made = dict(made)

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            _keys(name, cls := self.sections[name])  # resolves the types of the fields
            self._made[name] = _build(name, cls, self._values)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self.sections

    def __iter__(self) -> Iterator[str]:
        return iter(self.sections)

    def __len__(self) -> int:
        return len(self.sections)

    def used(self) -> set[str]:
        """The sections that were read, or of which a key is set."""
        return {*self._made, *map(_section_of, self._values)} & self.sections.keys()

    def loadable(self) -> list[str]:
        """The sections of the parts that load."""
        return list(_loadable(self.sections))

    def changed(self, name: str, **changes: Any) -> Parts:
        """A copy in which one section has other values."""
        return Parts(self.sections, self._values, {**self._made, name: dataclasses.replace(self[name], **changes)})


def _loadable(sections: Mapping[str, type[Any]]) -> Iterator[str]:
    for name in sections:
        with contextlib.suppress(PluginError):
            sections[name]
            yield name


def _section_of(key: str) -> str:
    """``teacher.openai.model`` → ``teacher.openai``."""
    return ".".join(key.split(".")[:2])


class _Known(Mapping[str, dataclasses.Field[Any]]):
    """Dotted key → its field. A part loads when one of its keys is looked up, and all of them load for a list."""

    def __init__(self, sections: Mapping[str, type[Any]]) -> None:
        self.sections = sections
        self._core = _keys("", Settings)
        self._parts: dict[str, dict[str, dataclasses.Field[Any]]] = {}

    def __getitem__(self, key: str) -> dataclasses.Field[Any]:
        return self._core[key] if key in self._core else self.part(_section_of(key))[key]

    def part(self, section: str) -> dict[str, dataclasses.Field[Any]]:
        """The keys of a section. Raises KeyError."""
        if section not in self._parts:
            self._parts[section] = _keys(section, self.sections[section])
        return self._parts[section]

    def __iter__(self) -> Iterator[str]:
        yield from self._core
        for name in _loadable(self.sections):
            yield from self.part(name)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def is_lost(self, key: str) -> bool:
        """Whether the part with this key does not load."""
        try:
            self.get(key)
        except PluginError:
            return True
        return False

    def is_table(self, key: str) -> bool:
        """Whether a key begins with `key` and a dot."""
        if key in self.sections:
            return bool(self.part(key))
        section = _section_of(key)
        names = (*self._core, *self.sections, *(self.part(section) if section in self.sections else ()))
        return any(name.startswith(f"{key}.") for name in names)

    def by_variable(self, environment: Iterable[str]) -> dict[str, str]:
        """The environment variable of a key → the key, for the core and the parts that the `environment` names."""
        named = [s for s in self.sections if any(name.startswith(f"{variable(s)}__") for name in environment)]
        return {variable(key): key for key in (*self._core, *(key for section in named for key in self.part(section)))}


def as_toml(values: Mapping[str, Any], *, unset: bool = False) -> str:
    """The text of a configuration file with `values`, by dotted key. The keys of a table must follow each other.

    TOML has no null: keys whose value is None, the default, are left out, or with `unset` are comments.
    """
    lines: list[str] = []
    section = ""
    for key, value in values.items():
        table, _, name = key.rpartition(".")
        if value is None and not unset:
            continue
        if table != section:
            lines += ["", f"[{_quoted(table)}]"]
            section = table
        lines.append(f"# {name} =   (unset)" if value is None else f"{name} = {_toml(value)}")
    return "\n".join(lines).lstrip() + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(of)}" for key, of in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # TOML writes text, numbers, booleans and lists as JSON does, except for one character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def load(
    file: Path | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    use_files: bool = True,
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    sections: Mapping[str, type[Any]] | None = None,
) -> Config:
    """Merge and check the configuration. Raises ConfigError, and RunError if `file` of a run is missing.

    Args:
        file: the file; None: ``dstill.toml`` of the current folder if it exists.
        values: what `file` says, by dotted key, if it is no TOML: that of a bundle.
        use_files: False: read neither that file nor the environment, as `dstill demo` does.
        flags: dotted key → value; None values are ignored.
        environment: None: that of the process.
        sections: the sections of parts, from `dstill.plugins.part_sections`.
    """
    known = _Known(sections or {})
    entries: dict[str, tuple[Any, str]] = {}  # dotted key → value and origin
    if file is None and use_files and Path(FILE).exists():
        file = Path(FILE)
    of_run = file is not None and (values is not None or (file.parent / "run.json").exists())
    if file is not None:
        read = _read_file(file, known) if values is None else {key: (of, str(file)) for key, of in values.items()}
        entries.update(_from_run(read, known, file.parent) if of_run else read)
    filed, given_now = frozenset(entries), {}
    if use_files:
        given_now.update(_read_environment(os.environ if environment is None else environment, known))
    given_now.update({key: (value, _FLAG) for key, value in (flags or {}).items() if value is not None})
    entries.update(given_now)
    chosen = given_now if of_run else entries  # the file of a run has the defaults too
    checked: dict[str, Any] = {}
    for key, (value, origin) in entries.items():
        if key not in known:
            raise _unknown(key, origin, known)
        address = known[key].metadata.get("trust") == "address"  # `checked_url` has better messages for these
        if not address and any(isinstance(text, str) and looks_secret(text) for text in _items(value)):
            raise _secret(key, origin)
        checked[key] = _checked(key, value, known[key], origin)
        if address and looks_secret(checked[key]):
            raise _secret(key, origin)
    return Config(
        settings=_build("", Settings, checked),
        parts=Parts(known.sections, checked),
        origins={key: origin for key, (_, origin) in entries.items()},
        file=file,
        filed=filed - given_now.keys(),
        chosen=frozenset(chosen),
    )


def _from_run(entries: Mapping[str, tuple[Any, str]], known: _Known, folder: Path) -> dict[str, tuple[Any, str]]:
    """The settings of the run in `folder`.

    The file also has the defaults of parts that are not installed now, so empty values of unknown keys are ignored.
    So are all values of parts that do not load: who uses such a part learns why.
    """
    return {
        key: (_in_project(value, known[key], folder) if key in known else value, origin)
        for key, (value, origin) in entries.items()
        if not known.is_lost(key) and (key in known or value)
    }


def _in_project(value: Any, field_: dataclasses.Field[Any], run: Path) -> Any:
    """The path of a file that describes the data, which is relative to the project of `run` if it is not here."""
    if not field_.metadata.get("describes") or not isinstance(value, str) or not value or Path(value).exists():
        return value
    project = next((parent for parent in run.absolute().parents if (parent / FILE).is_file()), None)
    return str(project / value) if project is not None and (project / value).is_file() else value


def _items(value: Any) -> list[Any]:
    """The texts and numbers in a value, with the keys and values of tables."""
    if isinstance(value, dict):
        return [item for pair in value.items() for part in pair for item in _items(part)]
    return [item for part in value for item in _items(part)] if isinstance(value, (list, tuple)) else [value]


# --- where values come from -------------------------------------------------------------


def _read_file(file: Path, known: _Known) -> dict[str, tuple[Any, str]]:
    where, hint = str(file.absolute()), "`dstill init` writes one"
    try:
        text = read_bounded(file, toml.MOST_BYTES).decode()
    except FileNotFoundError:
        if (file.parent / "run.json").exists():  # dstill was killed before it wrote `file`, or somebody removed it
            raise RunError(
                f"run '{file.parent.name}' has no {file.name}: its settings are not known",
                where=where,
                hint="restore the file from a backup, or start a new run; `dstill runs rm` deletes this one",
            ) from None
        raise ConfigError(f"no configuration file {file}", where=where, hint=hint) from None
    except IsADirectoryError:
        raise ConfigError(f"{file} is a folder, not a configuration file", where=where, hint=hint) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{file} is not UTF-8 (byte {error.object[error.start]:#04x})",
            where=f"{file}:{line}",
            hint="save it as UTF-8",
        ) from None
    except OSError as error:
        raise ConfigError(
            f"cannot read {file}: {(error.strerror or str(error)).lower()}",
            where=where,
            hint="check its permissions, or name another file with --config",
        ) from None
    if not text.strip():
        raise ConfigError(f"{file} is empty", where=where, hint=hint)
    try:
        tree = toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (text.count("\n") + 1, len(text) - text.rfind("\n"))
        shown = (text.splitlines() or [""])[min(line, len(text.splitlines())) - 1]
        raise ConfigError(
            f"not TOML: {str(error).split(' (at')[0]}",
            where=f"{file}:{line}:{column}: {shown.strip()[:200]}",
            hint='write it as key = 1, key = "text" or key = ["a", "b"], under a [section]',
        ) from None
    except ValueError as error:
        raise ConfigError(f"{file} cannot be read: {error}", where=where, hint="no setting needs that") from None
    lines = _lines(text)
    return {
        key: (value, f"{file}:{lines[key]}" if key in lines else str(file))
        for key, value in _flatten(tree, known).items()
    }


def _lines(text: str) -> dict[str, int]:
    """Dotted key → its line, for messages. Keys in rare forms are missing."""
    table, lines = "", {}
    for number, line in enumerate(text.split("\n"), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = header[1].replace('"', "").strip()
            lines[table] = number
        elif name := re.match(r"\s*([A-Za-z0-9_.-]+)\s*=", line):
            lines.setdefault(f"{table}.{name[1]}" if table else name[1], number)
    return lines


def _flatten(tree: Mapping[str, Any], known: _Known, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and (known.is_lost(key) or (key not in known and (value or known.is_table(key)))):
            flat.update(_flatten(value, known, f"{key}."))
        else:
            flat[key] = value
    return flat


def variable(key: str) -> str:
    """The environment variable of a key.

    >>> variable("train.early_stopping")
    'DSTILL_TRAIN__EARLY_STOPPING'
    """
    return "DSTILL_" + key.replace(".", "__").replace("-", "_").upper()


def _read_environment(environment: Mapping[str, str], known: _Known) -> dict[str, tuple[Any, str]]:
    by_name = known.by_variable(environment)
    entries: dict[str, tuple[Any, str]] = {}
    for name, text in environment.items():
        if not name.startswith("DSTILL_") or name in RESERVED_NAMES or "__" not in name:
            continue
        key = by_name.get(name)
        if key is None:
            raise _unknown(name.removeprefix("DSTILL_").replace("__", ".").lower(), f"environment {name}", known)
        entries[key] = (_from_text(text, known[key]), f"environment {name}")
    return entries


def _from_text(text: str, field_: dataclasses.Field[Any]) -> Any:
    """The value of a variable: parsed as TOML, unless the field is text."""
    if field_.type is str or typing.get_origin(field_.type) is Literal:
        return text
    try:
        return toml.loads(f"value = {text}")["value"]
    except ValueError:
        return text


def parse_assignment(text: str) -> tuple[str, Any]:
    """Key and value of ``--set train.r=8``. The value is parsed as TOML; bare words are text. Raises ConfigError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"'{text}' is not an assignment", where="--set", hint="write it as --set train.r=8")
    try:
        return key.strip(), toml.loads(f"value = {value}")["value"]
    except ValueError:
        return key.strip(), value.strip()


def assignment(key: str, value: Any) -> str:
    """``key=value`` for `parse_assignment`: the value without quotes if possible, else as TOML."""
    bare = f"{key}={value}"
    return bare if parse_assignment(bare) == (key, value) else f"{key}={_toml(value)}"


def command_line(
    plugin_files: Iterable[Path], *words: str | Path, settings: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """``dstill --plugin FILE WORDS --set KEY=VALUE …``, quoted for a shell, for the user to copy."""
    files = (word for file in plugin_files for word in ("--plugin", file))
    sets = (word for key, value in settings.items() for word in ("--set", assignment(key, value)))
    return command(*files, *words, *sets)


# --- checking ---------------------------------------------------------------------------


def _keys(prefix: str, cls: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    """Dotted key → field, also of nested dataclasses. Replaces each field's type with the resolved one."""
    keys: dict[str, dataclasses.Field[Any]] = {}
    hints = typing.get_type_hints(cls)
    for f in dataclasses.fields(cls):
        f.type = _without_none(hints[f.name])
        key = f"{prefix}.{f.name}" if prefix else f.name
        if dataclasses.is_dataclass(f.type):
            inner = _keys(key, typing.cast(type[Any], f.type))
            keys.update({name: _with_metadata(of, f.metadata) for name, of in inner.items()})
        else:
            keys[key] = f
    return keys


def _with_metadata(field_: dataclasses.Field[Any], outer: Mapping[str, Any]) -> dataclasses.Field[Any]:
    """A field of a section, with the metadata of the section's own field, such as ``{"trust": "limits"}``."""
    if not outer:
        return field_
    copied = copy.copy(field_)
    copied.metadata = MappingProxyType({**outer, **field_.metadata})
    return copied


def _without_none(kind: Any) -> Any:
    """``str`` of ``str | None``. None is only a default: no file or flag can set it."""
    kinds = [k for k in typing.get_args(kind) if k is not NoneType]
    return kinds[0] if len(kinds) == 1 and isinstance(kind, UnionType) else kind


def _values(prefix: str, section: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for f in dataclasses.fields(section):
        key = f"{prefix}.{f.name}" if prefix else f.name
        value = getattr(section, f.name)
        if dataclasses.is_dataclass(value):
            values.update(_values(key, value))
        else:
            values[key] = _plain(value)
    # the keys of a table precede its sub-tables
    return dict(sorted(values.items(), key=lambda item: item[0].count(".") if prefix else 0))


def _plain(value: Any) -> Any:
    """`value` with the types of TOML and JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(of) for key, of in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _build(prefix: str, cls: type[Any], values: Mapping[str, Any]) -> Any:
    arguments = {}
    for f in dataclasses.fields(cls):
        key = f"{prefix}.{f.name}" if prefix else f.name
        if dataclasses.is_dataclass(f.type):
            arguments[f.name] = _build(key, typing.cast(type[Any], f.type), values)
        elif key in values:
            arguments[f.name] = values[key]
    return cls(**arguments)


def _checked(key: str, value: Any, field_: dataclasses.Field[Any], origin: str) -> Any:
    """`value` with the type of the field. Raises ConfigError that says what it is and what it should be."""
    default = "" if field_.default in _SILENT_DEFAULTS else f" for the default: {field_.default!r}"
    error = ConfigError(
        f"{key}: got {value!r}, wanted {wanted_of(field_)}", where=origin, hint=f"change it, or leave it out{default}"
    )
    try:
        checked = _converted(field_.type, value)
    except ValueError:
        raise error from None
    for text in checked.values() if isinstance(checked, dict) else (checked,):
        if isinstance(text, str):
            _check_role(key, text, field_, origin)
    low, high = field_.metadata.get("low"), field_.metadata.get("high")
    if (low is not None and checked < low) or (high is not None and checked > high):
        raise error
    return checked


def _converted(kind: Any, value: Any) -> Any:
    """`value` as a field of the type `kind` has it. Raises ValueError."""
    origin = typing.get_origin(kind)
    if origin is Literal:
        _require(value in typing.get_args(kind))
        return value
    if origin is tuple:
        items = [value] if isinstance(value, str) else value
        _require(isinstance(items, (list, tuple)) and all(isinstance(item, str) for item in items))
        return tuple(items)
    if origin is collections.abc.Mapping:
        return _converted_table(typing.get_args(kind)[1], value)
    _require(isinstance(value, (int, float) if kind is float else kind))
    _require(kind is bool or not isinstance(value, bool))
    if kind is float:
        try:
            value = float(value)
        except OverflowError as error:
            raise ValueError from error
        _require(math.isfinite(value))
    if isinstance(value, str):
        _require(re.search("[\ud800-\udfff]", value) is None)  # bytes from the shell that are not UTF-8
    return value


def _converted_table(kind: Any, value: Any) -> dict[str, Any]:
    """A table with values of the type `kind`: text, anything that JSON has, or pairs of numbers."""
    _require(isinstance(value, dict))
    if kind in (str, Any):
        allowed = str if kind is str else (str, int, float)  # of a boolean too
        _require(all(isinstance(i, allowed) and (isinstance(i, str) or math.isfinite(i)) for i in _items(value)))
        _require(kind is Any or not any(isinstance(of, (dict, list)) for of in value.values()))
        return dict(value)
    _require(all(map(_is_numbers, value.values())))
    return {str(name): tuple(map(float, numbers)) for name, numbers in value.items()}


def _require(fits: bool) -> None:
    if not fits:
        raise ValueError


def _check_role(key: str, value: Any, field_: dataclasses.Field[Any], origin: str) -> None:
    """Refuse an address with a password, and a key in place of its variable, before they are stored anywhere."""
    role = field_.metadata.get("trust")
    if value and role == "address":
        any_scheme = field_.metadata.get("any_scheme", False)
        checked_url(value, where=f"{key}, {origin}", key=False, any_scheme=any_scheme)
    if value and role == "variable" and not is_variable(value):
        raise ConfigError(
            f"{key} is not the name of an environment variable (its value is not shown)",
            where=origin,
            hint="export MY_KEY=… with the key in it, and set the name: MY_KEY",
        )


def _is_numbers(value: Any) -> bool:
    """Whether this is a pair of numbers that are not negative, as prices are."""
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(isinstance(n, (int, float)) and not isinstance(n, bool) and 0 <= n <= sys.float_info.max for n in value)
    )


def wanted_of(field_: dataclasses.Field[Any]) -> str:
    """The values that a key accepts, in words: ``a whole number from 1 to 4096``."""
    kind: Any = field_.type
    if typing.get_origin(kind) is collections.abc.Mapping:
        of = typing.get_args(kind)[1]
        if of in (str, Any):
            return 'a table of texts, such as {"a-name" = "text"}' if of is str else "a table"
        return 'a table of pairs of numbers, such as {"a-model" = [0.4, 1.6]}'
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    text = names.get(kind, "a list of texts")
    low, high = field_.metadata.get("low"), field_.metadata.get("high")
    if low is not None and high is not None:
        return f"{text} from {low} to {high}"
    return text if low is None else f"{text} of at least {low}"


def _unknown(key: str, origin: str, known: _Known) -> ConfigError:
    if _SECRET_NAME.search(key.rpartition(".")[2]):
        return _secret(key, origin)
    near = _nearest(key, known)
    meant = f" Did you mean '{near}'?" if near else ""
    # without --defaults, the command would read the same file and fail with the same error
    hint = "`dstill config show --defaults` lists every key"
    kind, _, rest = key.partition(".")
    part = f"{kind}.{rest.partition('.')[0]}"
    if kind in PARTS and not known.is_table(part):
        hint = f"no {kind} of that name is installed, or it has no settings: see `dstill pack list`"
    return ConfigError(f"unknown key '{key}'.{meant}", where=origin, hint=hint)


def _nearest(key: str, known: Iterable[str]) -> str:
    """The key that `key` probably means: ``trian.lr`` → ``train.learning_rate``. Empty: none is similar."""
    table, _, name = key.rpartition(".")
    by_table: dict[str, list[str]] = {}
    for other in known:
        by_table.setdefault(other.rpartition(".")[0], []).append(other.rpartition(".")[2])
    tables = [table] if table in by_table else get_close_matches(table, by_table, n=1)
    for candidate in tables:
        if near := _nearest_name(name, by_table[candidate]):
            return f"{candidate}.{near}"
    for candidate, names in by_table.items():  # the right name in another table
        if name in names:
            return f"{candidate}.{name}"
    return "" if tables else next(iter(get_close_matches(key, list(known), n=1)), "")


def _nearest_name(name: str, names: list[str]) -> str:
    """The key of a table that `name` is a word, a part or the initials of, or that looks similar."""
    rules: tuple[Callable[[str], bool], ...] = (
        lambda other: other == name,
        lambda other: name in other.split("_"),
        lambda other: len(name) > 2 and name in other,
        lambda other: name == "".join(word[:1] for word in other.split("_")),
    )
    for rule in rules:
        if near := [other for other in names if rule(other)]:
            return near[0]  # the most important key is declared first
    return next(iter(get_close_matches(name, names, n=1)), "")


def _secret(key: str, origin: str) -> ConfigError:
    return ConfigError(
        f"{key} looks like a secret (its value is not shown)",
        where=origin,
        hint="use api_key_env to name an environment variable that holds it",
    )


def _quoted(table: str) -> str:
    return ".".join(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part) for part in table.split("."))
